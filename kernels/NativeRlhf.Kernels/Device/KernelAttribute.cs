using System.Reflection;

namespace NativeRlhf.Kernels.Device;

/// <summary>How the threads of a kernel are grouped.</summary>
public enum Grouping
{
    /// <summary>The launch gives the number of work items and ILGPU chooses the groups; no barriers, no shared memory.</summary>
    Implicit,

    /// <summary>The launch gives groups and their size.</summary>
    Explicit,
}

/// <summary>
/// Marks a method that ILGPU compiles. Tests find kernels by it, check that ILGPU can compile what they contain, and
/// compile them for every target at hand. A kernel with type parameters, all of them types of storage, is one kernel for each
/// combination of these: see <see cref="Closed"/>.
/// </summary>
/// <param name="grouping">How the kernel's threads are grouped.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class KernelAttribute(Grouping grouping) : Attribute
{
    /// <summary>How the kernel's threads are grouped.</summary>
    public Grouping Grouping { get; } = grouping;

    /// <summary>The kernels that a marked method stands for: itself, or what its type parameters make of it.</summary>
    /// <param name="method">A marked method.</param>
    /// <returns>Methods without open type parameters.</returns>
    public static IEnumerable<MethodInfo> Closed(MethodInfo method)
    {
        if (!method.IsGenericMethodDefinition) return [method];
        IEnumerable<Type[]> combinations = [[]];
        foreach (var _ in method.GetGenericArguments())
            combinations = combinations.SelectMany(types => new[] { typeof(Float32), typeof(BFloat16) }.Select(type => (Type[])[.. types, type]));
        return combinations.Select(method.MakeGenericMethod);
    }
}
