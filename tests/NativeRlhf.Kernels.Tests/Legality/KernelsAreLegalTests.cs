using System.Reflection;
using ILGPU;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Verification.Compilation;
using KernelGroup = ILGPU.Group;

namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>Keeps the product's kernels within what the kernel compiler translates, also where it is absent.</summary>
[TestFixture]
public sealed class KernelsAreLegalTests
{
    private static readonly Assembly Product = typeof(KernelAttribute).Assembly;

    [Test]
    public void Every_kernel_is_legal()
    {
        IEnumerable<KernelViolation> violations =
            MarkedKernels.In(Product).SelectMany(kernel => KernelLegality.Check(kernel.Method, kernel.Grouping));
        Assert.That(violations.Select(violation => violation.ToString()), Is.Empty);
    }

    [Test]
    public void Everything_that_is_loaded_is_marked_as_a_kernel()
    {
        Dictionary<MethodBase, Grouping> marked =
            MarkedKernels.In(Product).ToDictionary(kernel => (MethodBase)kernel.Method, kernel => kernel.Grouping);
        IEnumerable<string> wrong =
            from load in KernelDiscovery.Loaded(Product)
            where load.Kernel is null || !marked.TryGetValue(load.Kernel, out Grouping grouping) || grouping != load.Grouping
            select $"{load.Loader.DeclaringType?.Name} loads {load.Kernel?.Name ?? "a delegate from elsewhere"} as {load.Grouping}";
        Assert.That(wrong, Is.Empty);
    }

    [Test]
    public void Every_marked_kernel_is_loaded()
    {
        HashSet<MethodBase?> loaded = [.. KernelDiscovery.Loaded(Product).Select(load => load.Kernel)];
        IEnumerable<string> idle =
            from kernel in MarkedKernels.In(Product)
            where !loaded.Contains(kernel.Method)
            select KernelDiscovery.Name(kernel.Method);
        Assert.That(idle, Is.Empty);
    }

    [Test]
    public void Device_code_belongs_to_a_marked_kernel()
    {
        HashSet<MethodBase> reached =
            [.. MarkedKernels.In(Product).SelectMany(kernel => KernelLegality.Closure(kernel.Method)).Select(Definition)];
        IEnumerable<string> strays =
            from method in KernelDiscovery.AllMethods(Product)
            where IsDeviceCode(method) && !reached.Contains(method)
            select $"{method.DeclaringType?.Name}.{method.Name}";
        Assert.That(strays, Is.Empty);
    }

    private static bool IsDeviceCode(MethodBase method) =>
        (method.IsStatic && method.GetParameters() is [{ } first, ..] && KernelTypes.IsIndex(first.ParameterType))
        || IlReader.Read(method).Any(instruction =>
            instruction.Operand is MethodBase { DeclaringType: { } type }
            && (type == typeof(Grid) || type == typeof(KernelGroup) || type == typeof(Warp)
                || type == typeof(SharedMemory) || type == typeof(LocalMemory)));

    // A generic helper is reached as what it was made for; what stands in the assembly is its definition.
    private static MethodBase Definition(MethodBase method) =>
        method.Module.ResolveMethod(method.MetadataToken)!;
}
