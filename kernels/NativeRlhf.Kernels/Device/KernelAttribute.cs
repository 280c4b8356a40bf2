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
/// compile them for every target at hand.
/// </summary>
/// <param name="grouping">How the kernel's threads are grouped.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class KernelAttribute(Grouping grouping) : Attribute
{
    /// <summary>How the kernel's threads are grouped.</summary>
    public Grouping Grouping { get; } = grouping;
}
