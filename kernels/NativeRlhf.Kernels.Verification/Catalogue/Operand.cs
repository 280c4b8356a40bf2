using System.Diagnostics.CodeAnalysis;
using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Verification.Catalogue;

/// <summary>A tensor of a <see cref="Problem"/>, and what the oracle has in its place.</summary>
public sealed class Operand
{
    internal Operand(string name, Tensor tensor, Func<double[]> values) => (Name, Tensor, _values) = (name, tensor, new Lazy<double[]>(values));

    private readonly Lazy<double[]> _values;

    /// <summary>Its name in the op.</summary>
    public string Name { get; }

    /// <summary>It on the device.</summary>
    public Tensor Tensor { get; }

    /// <summary>What the oracle reads, and writes where this is an output.</summary>
    public double[] Values => _values.Value;

    /// <summary>Its tensor; none if it is left out.</summary>
    /// <param name="operand">An operand, or null.</param>
    public static implicit operator Tensor(Operand? operand) => operand?.Tensor ?? Tensor.None;

    /// <summary>Its values; null if it is left out.</summary>
    /// <param name="operand">An operand, or null.</param>
    [return: NotNullIfNotNull(nameof(operand))]
    public static implicit operator double[]?(Operand? operand) => operand?.Values;
}

/// <summary>Integers of a <see cref="Problem"/>.</summary>
public sealed class IndexOperand
{
    internal IndexOperand(IndexBuffer buffer, int[] values) => (Buffer, Values) = (buffer, values);

    /// <summary>They on the device.</summary>
    internal IndexBuffer Buffer { get; }

    /// <summary>They as they were before the op.</summary>
    public int[] Values { get; }

    /// <summary>The view of the device.</summary>
    /// <param name="operand">Integers.</param>
    public static implicit operator ArrayView<int>(IndexOperand operand) => operand.Buffer.View;
}

/// <summary>Something that an op has written, and how it is judged.</summary>
/// <param name="Name">Its name in the op.</param>
/// <param name="Error">The error after the oracle has run; NaN if it makes no sense.</param>
/// <param name="Limit">The largest error that passes, of a variant of some precision.</param>
/// <param name="Elements">How many elements are written.</param>
public sealed record Output(string Name, Func<double> Error, Func<string, double> Limit, long Elements);
