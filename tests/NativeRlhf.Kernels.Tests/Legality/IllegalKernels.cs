using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>Says which rule a method breaks.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class BreaksAttribute(KernelRule rule) : Attribute
{
    public KernelRule Rule { get; } = rule;
}

/// <summary>Kernels that look innocent and cannot be compiled: at least one for every rule.</summary>
public static unsafe class IllegalKernels
{
    private static readonly int[] Table = [1, 2, 3];
    private static readonly Box Shared = new();
    private static float scale = 2f;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Signature)]
    public static float HasResult(Index1D index, ArrayView<float> view) => view[index];

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Signature)]
    public static void IsGeneric<T>(Index1D index, ArrayView<T> view)
        where T : unmanaged =>
        view[index] = default;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Signature)]
    public static void TakesNoIndex(ArrayView<float> view) => view[0] = 1f;

    [Kernel(Grouping.Explicit), Breaks(KernelRule.Signature)]
    public static void TakesIndexWithGroups(Index1D index, ArrayView<float> view) => view[index] = 1f;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.KernelParameter)]
    public static void TakesArray(Index1D index, ArrayView<float> view, float[] factors) => view[index] = 1f;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.KernelParameter)]
    public static void TakesReference(Index1D index, ArrayView<float> view, ref float factor) => view[index] = factor;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.KernelParameter)]
    public static void TakesStructureWithReference(Index1D index, ArrayView<float> view, Labelled value) =>
        view[index] = value.Number;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.KernelParameter)]
    public static void TakesFlag(Index1D index, ArrayView<float> view, bool flag) => view[index] = flag ? 1f : 0f;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.ReferenceType)]
    public static void ReadsObject(Index1D index, ArrayView<float> view) => view[index] = Label(index).Value;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.ReferenceType)]
    public static void AsksForType(Index1D index, ArrayView<float> view) => AskForType<float>(index, view);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.NewObject)]
    public static void MakesObject(Index1D index, ArrayView<float> view) => view[index] = new Box { Value = 1f }.Value;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Array)]
    public static void MakesArray(Index1D index, ArrayView<float> view)
    {
        var sums = new float[4];
        sums[index % 4] = view[index];
        view[index] = sums[0] + sums.Length;
    }

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Boxing)]
    public static void Boxes(Index1D index, ArrayView<float> view) => view[index] = Unbox(index.X);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.String)]
    public static void Formats(Index1D index, ArrayView<float> view) => view[index] = $"{index.X}".Length;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.String)]
    public static void ReadsText(Index1D index, ArrayView<float> view) => view[index] = "constant"[index];

    [Kernel(Grouping.Implicit), Breaks(KernelRule.VirtualCall)]
    public static void CallsInterface(Index1D index, ArrayView<float> view) => view[index] = Through(new Doubler(), index);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.VirtualCall)]
    public static void CallsObjectMethod(Index1D index, ArrayView<float> view) => view[index] = Hash(new Doubler());

    [Kernel(Grouping.Implicit), Breaks(KernelRule.GenericMath)]
    public static void AddsGenerically(Index1D index, ArrayView<float> view) => view[index] = Sum(view[index], 1f);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Exception)]
    public static void Throws(Index1D index, ArrayView<float> view)
    {
        if (index > 3)
            throw new InvalidOperationException();
        view[index] = 1f;
    }

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Exception)]
    public static void Tries(Index1D index, ArrayView<float> view)
    {
        try
        {
            view[index] = 1f;
        }
        finally
        {
            view[0] = 2f;
        }
    }

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Recursion)]
    public static void Recurses(Index1D index, ArrayView<float> view) => view[index] = Factorial(index);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Recursion)]
    public static void RecursesTogether(Index1D index, ArrayView<float> view) => view[index] = Even(index) ? 1f : 0f;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Delegate)]
    public static void CallsLambda(Index1D index, ArrayView<float> view)
    {
        Func<float, float> twice = x => 2f * x;
        view[index] = twice(view[index]);
    }

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Delegate)]
    public static void CallsFunctionPointer(Index1D index, ArrayView<float> view)
    {
        delegate*<int, float> function = &Factorial;
        view[index] = function(index);
    }

    [Kernel(Grouping.Implicit), Breaks(KernelRule.StaticField)]
    public static void ReadsVariable(Index1D index, ArrayView<float> view) => view[index] = scale;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.StaticField)]
    public static void WritesVariable(Index1D index, ArrayView<float> view) => scale = view[index];

    [Kernel(Grouping.Implicit), Breaks(KernelRule.StaticField)]
    public static void ReadsTable(Index1D index, ArrayView<int> view) => view[index] = Table[index];

    [Kernel(Grouping.Implicit), Breaks(KernelRule.StaticField)]
    public static void ReadsStaticObject(Index1D index, ArrayView<float> view) => view[index] = Shared.Value;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Span)]
    public static void MakesSpan(Index1D index, ArrayView<float> view) => view[index] = SpanOf(ref view[0])[index];

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Span)]
    public static void CountsSpan(Index1D index, ArrayView<float> view) =>
        view[index] = new Span<float>(ref view[0]).Length;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.StackAllocation)]
    public static void AllocatesOnStack(Index1D index, ArrayView<float> view)
    {
        float* sums = stackalloc float[4];
        view[index] = sums[0];
    }

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Pinning)]
    public static void Pins(Index1D index, ArrayView<float> view)
    {
        fixed (float* first = &view[0])
            first[index] = 1f;
    }

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Pointer)]
    public static void UsesPointer(Index1D index, ArrayView<float> view) => view[index] = Dereference(&index);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Unsafe)]
    public static void UsesUnsafe(Index1D index, ArrayView<float> view) =>
        view[index] = Unsafe.As<float, int>(ref view[index]);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.Unsafe)]
    public static void UsesMarshal(Index1D index, ArrayView<float> view) => view[index] = Marshal.SizeOf<float>();

    [Kernel(Grouping.Implicit), Breaks(KernelRule.SimdVector)]
    public static void UsesVector(Index1D index, ArrayView<float> view) => view[index] = Vector.Sum(Vector<float>.One);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.SimdVector)]
    public static void UsesVector4(Index1D index, ArrayView<float> view) => view[index] = new Vector4(1f).X;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.SimdVector)]
    public static void UsesVector256(Index1D index, ArrayView<float> view) => view[index] = Vector256.Sum(Vector256<float>.One);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.FusedMultiplyAdd)]
    public static void Fuses(Index1D index, ArrayView<float> view) => view[index] = MathF.FusedMultiplyAdd(view[index], 2f, 1f);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.CopySign)]
    public static void CopiesSign(Index1D index, ArrayView<float> view) => view[index] = MathF.CopySign(1f, view[index]);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.SharedMemoryInImplicitKernel)]
    public static void SharesWithoutGroup(Index1D index, ArrayView<float> view)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(4);
        view[index] = shared[0];
    }

    [Kernel(Grouping.Implicit), Breaks(KernelRule.GroupInImplicitKernel)]
    public static void WaitsWithoutGroup(Index1D index, ArrayView<float> view)
    {
        ILGPU.Group.Barrier();
        view[index] = 1f;
    }

    [Kernel(Grouping.Implicit), Breaks(KernelRule.GroupInImplicitKernel)]
    public static void ShufflesWithoutGroup(Index1D index, ArrayView<float> view) => view[index] = Warp.ShuffleXor(view[index], 1);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.HostApi)]
    public static void CopiesToHost(Index1D index, ArrayView<float> view) => view.CopyTo(view.SubView(index, 1));

    [Kernel(Grouping.Implicit), Breaks(KernelRule.ForeignCall)]
    public static void Rounds(Index1D index, ArrayView<float> view) => view[index] = MathF.Round(view[index]);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.ForeignCall)]
    public static void Clamps(Index1D index, ArrayView<float> view) => view[index] = Math.Clamp(view[index], 0f, 1f);

    [Kernel(Grouping.Implicit), Breaks(KernelRule.ForeignCall)]
    public static void AsksForTime(Index1D index, ArrayView<long> view) => view[index] = Environment.TickCount64;

    [Kernel(Grouping.Implicit), Breaks(KernelRule.UnsupportedType)]
    public static void UsesDecimal(Index1D index, ArrayView<float> view)
    {
        decimal value = index.X;
        view[index] = (float)value;
    }

    [Kernel(Grouping.Implicit), Breaks(KernelRule.UnsupportedInstruction)]
    public static void TakesArgumentList(Index1D index, ArrayView<int> view) => view[index] = Count(__arglist(1, 2));

    private static Box Label(int index) => index > 0 ? Label(index - 1) : Shared;

    private static void AskForType<T>(Index1D index, ArrayView<float> view) =>
        view[index] = typeof(T) == typeof(float) ? 1f : 2f;

    private static float Unbox(object value) => (int)value;

    private static float Through(IScaler scaler, float value) => scaler.Scale(value);

    private static int Hash<T>(T value)
        where T : struct =>
        value.GetHashCode();

    private static T Sum<T>(T left, T right)
        where T : INumber<T> =>
        left + right;

    private static float Factorial(int n) => n < 2 ? 1f : n * Factorial(n - 1);

    private static bool Even(int n) => n == 0 || Odd(n - 1);

    private static bool Odd(int n) => n != 0 && Even(n - 1);

    private static Span<float> SpanOf(ref float first) => MemoryMarshal.CreateSpan(ref first, 1);

    private static int Dereference(Index1D* index) => *index;

    private static int Count(__arglist) => new ArgIterator(__arglist).GetRemainingCount();

    /// <summary>A structure that holds a reference.</summary>
    public readonly struct Labelled
    {
        public readonly string Text;
        public readonly float Number;

        public Labelled(string text, float number) => (Text, Number) = (text, number);
    }

    private sealed class Box
    {
        public float Value { get; set; }
    }

    private interface IScaler
    {
        public float Scale(float value);
    }

    private readonly struct Doubler : IScaler
    {
        public float Scale(float value) => 2f * value;
    }
}
