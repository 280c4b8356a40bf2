using System.Runtime.CompilerServices;
using ILGPU;

namespace NativeRlhf.Kernels.Device;

/// <summary>Checks of operands: one line that names the op, the operand and both shapes.</summary>
internal static class Guard
{
    public static void Shape(string op, Tensor tensor, int rows, int cols, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (tensor.Rows != rows || tensor.Cols != cols)
            throw new ArgumentException($"{op}: {name} is {tensor}, expected ({rows}, {cols})");
    }

    /// <summary>As <see cref="Shape"/>, but the operand may be left out.</summary>
    public static void OptionalShape(string op, Tensor tensor, int rows, int cols, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (!tensor.IsNone) Shape(op, tensor, rows, cols, name);
    }

    /// <summary>A vector of <paramref name="length"/> elements, lying or standing.</summary>
    public static void Vector(string op, Tensor tensor, int length, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (tensor.Length != length || (tensor.Rows != 1 && tensor.Cols != 1 && length != 0))
            throw new ArgumentException($"{op}: {name} is {tensor}, expected a vector of {length}");
    }

    public static void OptionalVector(string op, Tensor tensor, int length, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (!tensor.IsNone) Vector(op, tensor, length, name);
    }

    /// <summary>Two operands that are stored alike; one that is left out has no type.</summary>
    public static void SameType(
        string op, Tensor first, Tensor second, [CallerArgumentExpression(nameof(first))] string firstName = "", [CallerArgumentExpression(nameof(second))] string secondName = "")
    {
        if (!first.IsNone && !second.IsNone && first.Type != second.Type)
            throw new ArgumentException($"{op}: {firstName} is {first} and {secondName} is {second}; both must be of the same type");
    }

    /// <summary>An operand that is of float32 whatever the others are: statistics, losses, gradients that accumulate.</summary>
    public static void IsFloat32(string op, Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (tensor.Type != ElementType.Float32) throw new ArgumentException($"{op}: {name} is {tensor}; it must be of float32");
    }

    public static void Length<T>(string op, ArrayView<T> view, long atLeast, [CallerArgumentExpression(nameof(view))] string name = "")
        where T : unmanaged
    {
        if (view.Length < atLeast)
            throw new ArgumentException($"{op}: {name} has {view.Length} elements, expected at least {atLeast}");
    }

    public static void Require(string op, bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref FailureMessage message)
    {
        if (!condition) throw new ArgumentException($"{op}: {message.ToStringAndClear()}");
    }

    /// <summary>An interpolated string that is put together only where the condition does not hold.</summary>
    [InterpolatedStringHandler]
    public ref struct FailureMessage
    {
        private DefaultInterpolatedStringHandler _text;

        public FailureMessage(int literalLength, int formattedCount, bool condition, out bool isNeeded)
        {
            isNeeded = !condition;
            if (isNeeded) _text = new DefaultInterpolatedStringHandler(literalLength, formattedCount);
        }

        public void AppendLiteral(string text) => _text.AppendLiteral(text);

        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

        public string ToStringAndClear() => _text.ToStringAndClear();
    }
}
