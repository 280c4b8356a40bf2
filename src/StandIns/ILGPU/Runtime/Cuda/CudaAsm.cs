namespace ILGPU.Runtime.Cuda;

/// <summary>
/// Inline PTX, which only CUDA devices understand: a kernel asks <see cref="IsSupported"/> first.
/// </summary>
public static class CudaAsm
{
    public static bool IsSupported => Accelerator.CurrentType == AcceleratorType.Cuda;

    public static void Emit(string asm) => throw NoCuda();

    public static void Emit<T0>(string asm, T0 arg0)
        where T0 : struct =>
        throw NoCuda();

    public static void Emit<T0>(string asm, out T0 arg0)
        where T0 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1>(string asm, T0 arg0, T1 arg1)
        where T0 : struct where T1 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1>(string asm, out T0 arg0, T1 arg1)
        where T0 : struct where T1 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2>(string asm, T0 arg0, T1 arg1, T2 arg2)
        where T0 : struct where T1 : struct where T2 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2>(string asm, out T0 arg0, T1 arg1, T2 arg2)
        where T0 : struct where T1 : struct where T2 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3>(string asm, T0 arg0, T1 arg1, T2 arg2, T3 arg3)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3>(string asm, out T0 arg0, T1 arg1, T2 arg2, T3 arg3)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4>(string asm, T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4>(string asm, out T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4, T5>(string asm, T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4, T5>(string asm, out T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4, T5, T6>(string asm, T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4, T5, T6>(string asm, out T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4, T5, T6, T7>(string asm, T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6, T7 arg7)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4, T5, T6, T7>(string asm, out T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6, T7 arg7)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4, T5, T6, T7, T8>(string asm, T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6, T7 arg7, T8 arg8)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4, T5, T6, T7, T8>(string asm, out T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6, T7 arg7, T8 arg8)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4, T5, T6, T7, T8, T9>(string asm, T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6, T7 arg7, T8 arg8, T9 arg9)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct =>
        throw NoCuda();

    public static void Emit<T0, T1, T2, T3, T4, T5, T6, T7, T8, T9>(string asm, out T0 arg0, T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6, T7 arg7, T8 arg8, T9 arg9)
        where T0 : struct where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct =>
        throw NoCuda();

    public static void EmitRef<T0>(string asm, ref T0 arg0)
        where T0 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    public static void EmitRef<T0, T1>(string asm, ref T0 arg0, ref T1 arg1)
        where T0 : struct, ICudaAsmEmitParameter where T1 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    public static void EmitRef<T0, T1, T2>(string asm, ref T0 arg0, ref T1 arg1, ref T2 arg2)
        where T0 : struct, ICudaAsmEmitParameter where T1 : struct, ICudaAsmEmitParameter where T2 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    public static void EmitRef<T0, T1, T2, T3>(string asm, ref T0 arg0, ref T1 arg1, ref T2 arg2, ref T3 arg3)
        where T0 : struct, ICudaAsmEmitParameter where T1 : struct, ICudaAsmEmitParameter where T2 : struct, ICudaAsmEmitParameter where T3 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    public static void EmitRef<T0, T1, T2, T3, T4>(string asm, ref T0 arg0, ref T1 arg1, ref T2 arg2, ref T3 arg3, ref T4 arg4)
        where T0 : struct, ICudaAsmEmitParameter where T1 : struct, ICudaAsmEmitParameter where T2 : struct, ICudaAsmEmitParameter where T3 : struct, ICudaAsmEmitParameter where T4 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    public static void EmitRef<T0, T1, T2, T3, T4, T5>(string asm, ref T0 arg0, ref T1 arg1, ref T2 arg2, ref T3 arg3, ref T4 arg4, ref T5 arg5)
        where T0 : struct, ICudaAsmEmitParameter where T1 : struct, ICudaAsmEmitParameter where T2 : struct, ICudaAsmEmitParameter where T3 : struct, ICudaAsmEmitParameter where T4 : struct, ICudaAsmEmitParameter where T5 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    public static void EmitRef<T0, T1, T2, T3, T4, T5, T6>(string asm, ref T0 arg0, ref T1 arg1, ref T2 arg2, ref T3 arg3, ref T4 arg4, ref T5 arg5, ref T6 arg6)
        where T0 : struct, ICudaAsmEmitParameter where T1 : struct, ICudaAsmEmitParameter where T2 : struct, ICudaAsmEmitParameter where T3 : struct, ICudaAsmEmitParameter where T4 : struct, ICudaAsmEmitParameter where T5 : struct, ICudaAsmEmitParameter where T6 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    public static void EmitRef<T0, T1, T2, T3, T4, T5, T6, T7>(string asm, ref T0 arg0, ref T1 arg1, ref T2 arg2, ref T3 arg3, ref T4 arg4, ref T5 arg5, ref T6 arg6, ref T7 arg7)
        where T0 : struct, ICudaAsmEmitParameter where T1 : struct, ICudaAsmEmitParameter where T2 : struct, ICudaAsmEmitParameter where T3 : struct, ICudaAsmEmitParameter where T4 : struct, ICudaAsmEmitParameter where T5 : struct, ICudaAsmEmitParameter where T6 : struct, ICudaAsmEmitParameter where T7 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    public static void EmitRef<T0, T1, T2, T3, T4, T5, T6, T7, T8>(string asm, ref T0 arg0, ref T1 arg1, ref T2 arg2, ref T3 arg3, ref T4 arg4, ref T5 arg5, ref T6 arg6, ref T7 arg7, ref T8 arg8)
        where T0 : struct, ICudaAsmEmitParameter where T1 : struct, ICudaAsmEmitParameter where T2 : struct, ICudaAsmEmitParameter where T3 : struct, ICudaAsmEmitParameter where T4 : struct, ICudaAsmEmitParameter where T5 : struct, ICudaAsmEmitParameter where T6 : struct, ICudaAsmEmitParameter where T7 : struct, ICudaAsmEmitParameter where T8 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    public static void EmitRef<T0, T1, T2, T3, T4, T5, T6, T7, T8, T9>(string asm, ref T0 arg0, ref T1 arg1, ref T2 arg2, ref T3 arg3, ref T4 arg4, ref T5 arg5, ref T6 arg6, ref T7 arg7, ref T8 arg8, ref T9 arg9)
        where T0 : struct, ICudaAsmEmitParameter where T1 : struct, ICudaAsmEmitParameter where T2 : struct, ICudaAsmEmitParameter where T3 : struct, ICudaAsmEmitParameter where T4 : struct, ICudaAsmEmitParameter where T5 : struct, ICudaAsmEmitParameter where T6 : struct, ICudaAsmEmitParameter where T7 : struct, ICudaAsmEmitParameter where T8 : struct, ICudaAsmEmitParameter where T9 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    public static void EmitRef<T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(string asm, ref T0 arg0, ref T1 arg1, ref T2 arg2, ref T3 arg3, ref T4 arg4, ref T5 arg5, ref T6 arg6, ref T7 arg7, ref T8 arg8, ref T9 arg9, ref T10 arg10)
        where T0 : struct, ICudaAsmEmitParameter where T1 : struct, ICudaAsmEmitParameter where T2 : struct, ICudaAsmEmitParameter where T3 : struct, ICudaAsmEmitParameter where T4 : struct, ICudaAsmEmitParameter where T5 : struct, ICudaAsmEmitParameter where T6 : struct, ICudaAsmEmitParameter where T7 : struct, ICudaAsmEmitParameter where T8 : struct, ICudaAsmEmitParameter where T9 : struct, ICudaAsmEmitParameter where T10 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    public static void EmitRef<T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>(string asm, ref T0 arg0, ref T1 arg1, ref T2 arg2, ref T3 arg3, ref T4 arg4, ref T5 arg5, ref T6 arg6, ref T7 arg7, ref T8 arg8, ref T9 arg9, ref T10 arg10, ref T11 arg11)
        where T0 : struct, ICudaAsmEmitParameter where T1 : struct, ICudaAsmEmitParameter where T2 : struct, ICudaAsmEmitParameter where T3 : struct, ICudaAsmEmitParameter where T4 : struct, ICudaAsmEmitParameter where T5 : struct, ICudaAsmEmitParameter where T6 : struct, ICudaAsmEmitParameter where T7 : struct, ICudaAsmEmitParameter where T8 : struct, ICudaAsmEmitParameter where T9 : struct, ICudaAsmEmitParameter where T10 : struct, ICudaAsmEmitParameter where T11 : struct, ICudaAsmEmitParameter =>
        throw NoCuda();

    private static NotSupportedException NoCuda() =>
        new("Inline PTX runs on CUDA devices alone: guard it with CudaAsm.IsSupported.");
}

/// <summary>An operand of <see cref="CudaAsm"/>.EmitRef.</summary>
public interface ICudaAsmEmitParameter;

/// <summary>An operand that the instruction reads.</summary>
public struct Input<T> : ICudaAsmEmitParameter
    where T : struct
{
    public T Value;

    public static implicit operator Input<T>(T value) => new() { Value = value };
}

/// <summary>An operand that the instruction writes.</summary>
public struct Output<T> : ICudaAsmEmitParameter
    where T : struct
{
    public T Value;
}

/// <summary>An operand that the instruction reads and writes.</summary>
public struct Ref<T> : ICudaAsmEmitParameter
    where T : struct
{
    public T Value;

    public static implicit operator Ref<T>(T value) => new() { Value = value };
}
