using System.Reflection;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Verification.Compilation;

/// <summary>A method that ILGPU compiles.</summary>
/// <param name="Method">The method.</param>
/// <param name="Grouping">How its threads are grouped.</param>
public sealed record MarkedKernel(MethodInfo Method, Grouping Grouping)
{
    /// <summary>Class, method and types of storage, as in <c>MatMulPortable.ProductKernel(Float32, BFloat16)</c>.</summary>
    public string Name => $"{Method.DeclaringType?.Name}.{Method.Name}{(Method.IsGenericMethod ? $"({string.Join(", ", Method.GetGenericArguments().Select(type => type.Name))})" : "")}";
}

/// <summary>Finds kernels by their attribute.</summary>
public static class MarkedKernels
{
    private const BindingFlags AllMembers = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>The methods of an assembly that carry <see cref="KernelAttribute"/>, by name; for every type of storage.</summary>
    /// <param name="assembly">The assembly.</param>
    /// <returns>They.</returns>
    public static IReadOnlyList<MarkedKernel> In(Assembly assembly) =>
    [
        .. from type in assembly.GetTypes()
           from method in type.GetMethods(AllMembers)
           let attribute = method.GetCustomAttribute<KernelAttribute>()
           where attribute is not null
           orderby type.FullName, method.Name
           from closed in KernelAttribute.Closed(method)
           select new MarkedKernel(closed, attribute.Grouping),
    ];

    /// <summary>The kernels of the product.</summary>
    /// <param name="op">Those of one op; null for all.</param>
    /// <returns>They, by name.</returns>
    /// <exception cref="ArgumentException">There is no such op.</exception>
    public static IReadOnlyList<MarkedKernel> Of(string? op)
    {
        var all = In(typeof(KernelAttribute).Assembly);
        if (op is null) return all;
        // Attention and CachedAttention: a class belongs to the op whose name it begins with.
        string name = KernelSet.TypeOf(op).Name;
        return [.. all.Where(kernel => kernel.Method.DeclaringType!.Name is var type && (type.StartsWith(name, StringComparison.Ordinal) || (op == "matmul" && type == "TensorCoreProduct") || (op == "attention" && type == "TensorCoreAttention")))];
    }
}
