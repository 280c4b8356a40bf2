namespace NativeRlhf.Kernels.Verification.Catalogue;

/// <summary>All cases of all ops: what <c>kernels verify</c> proves and <c>kernels bench</c> times.</summary>
public static class OpCatalogue
{
    /// <summary>The cases, in the order of <see cref="KernelSet.Ops"/>.</summary>
    public static IReadOnlyList<OpCase> All { get; } =
    [
        .. RowCases.All.Concat(ProductCases.All).Concat(FlatCases.All).Concat(LossCases.All).OrderBy(definition => KernelSet.Ops.ToList().IndexOf(definition.Op)),
    ];

    /// <summary>The cases that a user asks for.</summary>
    /// <param name="name">An op, or an op with a method; null for all.</param>
    /// <returns>At least one.</returns>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static IReadOnlyList<OpCase> Find(string? name) => All.Where(definition => definition.Is(name)).ToList() is { Count: > 0 } found
        ? found
        : throw new ArgumentException($"there is no op '{name}'; ops are {string.Join(", ", KernelSet.Ops)}, and one of their methods is named as in matmul.dW");
}
