using System.Reflection;
using System.Reflection.Emit;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>Finds methods that are loaded as kernels by the code that loads them.</summary>
public static class KernelDiscovery
{
    private const BindingFlags AllMembers =
        BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>
    /// The methods that an assembly hands to Load…Kernel or <see cref="KernelLoading"/>: the delegate made last before such a call. A load whose
    /// method is not made right there, a null, cannot be checked.
    /// </summary>
    public static IReadOnlyList<(MethodBase Loader, MethodBase? Kernel, Grouping Grouping)> Loaded(Assembly assembly)
    {
        var found = new List<(MethodBase, MethodBase?, Grouping)>();
        foreach (MethodBase method in AllMethods(assembly).Where(method => method.DeclaringType != typeof(KernelLoading)))
        {
            MethodBase? last = null;
            foreach (IlInstruction instruction in IlReader.Read(method))
            {
                if (instruction.OpCode == OpCodes.Ldftn)
                {
                    last = (MethodBase)instruction.Operand!;
                }
                else if (instruction.Operand is MethodBase call && IsLoad(call))
                {
                    bool isImplicit = call.Name.Contains("Grouped", StringComparison.Ordinal);
                    found.Add((method, last, isImplicit ? Grouping.Implicit : Grouping.Explicit));
                    last = null;
                }
            }
        }

        return found;
    }

    /// <summary>What a kernel is called in the name of a test.</summary>
    public static string Name(MethodInfo kernel) =>
        $"{kernel.DeclaringType?.Name}.{kernel.Name}{(kernel.IsGenericMethod ? $"<{string.Join(", ", kernel.GetGenericArguments().Select(type => type.Name))}>" : "")}";

    /// <summary>All methods and constructors of an assembly.</summary>
    public static IEnumerable<MethodBase> AllMethods(Assembly assembly) =>
        from type in assembly.GetTypes()
        from method in type.GetMethods(AllMembers).Cast<MethodBase>().Concat(type.GetConstructors(AllMembers))
        select method;

    private static bool IsLoad(MethodBase method) =>
        method.DeclaringType == typeof(KernelLoading) || (method.DeclaringType is { } type
        && (type == typeof(KernelLoaders) || type == typeof(Accelerator))
        && method.Name.StartsWith("Load", StringComparison.Ordinal)
        && method.Name.EndsWith("Kernel", StringComparison.Ordinal));
}
