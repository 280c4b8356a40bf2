using System.Reflection;

namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>A place where a kernel breaks a rule.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Chain">The kernel, what it calls, and so on to the method where the rule is broken.</param>
/// <param name="Offset">The offset of the instruction in that method's code; -1 for its signature and locals.</param>
/// <param name="Detail">What stands there.</param>
public sealed record KernelViolation(KernelRule Rule, IReadOnlyList<MethodBase> Chain, int Offset, string Detail)
{
    public override string ToString()
    {
        string chain = string.Join(" → ", Chain.Select(method => $"{method.DeclaringType?.Name}.{method.Name}"));
        string place = Offset < 0 ? "signature" : $"IL_{Offset:x4}";
        return $"kernel {chain}, {place}: {Rule}: {Detail}";
    }
}
