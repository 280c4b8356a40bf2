using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>Which types may stand in a kernel.</summary>
public static class KernelTypes
{
    /// <summary>ILGPU's assemblies, or the stand-in's.</summary>
    public static bool IsIlgpu(Type type) =>
        type.Assembly == typeof(Context).Assembly || type.Assembly == typeof(XMath).Assembly;

    /// <summary>Why a value of a type cannot be in a kernel; null if it can.</summary>
    public static KernelRule? Problem(Type type)
    {
        if (type.IsByRef)
            return Problem(type.GetElementType()!);
        if (type.IsPointer || type.IsFunctionPointer)
            return KernelRule.Pointer;
        if (type == typeof(void) || type.IsEnum)
            return null;
        if (type == typeof(string))
            return KernelRule.String;
        if (type.IsArray)
            return KernelRule.Array;
        if (typeof(Delegate).IsAssignableFrom(type))
            return KernelRule.Delegate;
        if (!type.IsValueType)
            return KernelRule.ReferenceType;
        if (type.IsPrimitive)
            return type == typeof(nint) || type == typeof(nuint) ? KernelRule.Pointer : null;
        if (IsSimd(type))
            return KernelRule.SimdVector;
        if (IsIlgpu(type))
            return type.GetGenericArguments().Select(Problem).FirstOrDefault(problem => problem is not null);
        if (type.Namespace is { } name && (name == "System" || name.StartsWith("System.", StringComparison.Ordinal)))
        {
            if (type.IsByRefLike)
                return KernelRule.Span;
            if (!IsTuple(type))
                return KernelRule.UnsupportedType;
        }

        return type
            .GetFields(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.NonPublic)
            .Select(field => Problem(field.FieldType))
            .FirstOrDefault(problem => problem is not null);
    }

    public static bool IsTuple(Type type) =>
        type.IsGenericType && type.FullName!.StartsWith("System.ValueTuple`", StringComparison.Ordinal);

    public static bool IsSimd(Type type) =>
        type.Namespace == "System.Runtime.Intrinsics"
        || (type.Namespace?.StartsWith("System.Runtime.Intrinsics.", StringComparison.Ordinal) ?? false)
        || (type.Namespace == "System.Numerics"
            && (type.Name.StartsWith("Vector", StringComparison.Ordinal)
                || type.Name.StartsWith("Matrix", StringComparison.Ordinal)
                || type.Name is "Quaternion" or "Plane"));

    /// <summary>Whether a type is an index that implicitly grouped kernels take first.</summary>
    public static bool IsIndex(Type type) =>
        type == typeof(Index1D) || type == typeof(Index2D) || type == typeof(Index3D) || type == typeof(LongIndex1D);

    /// <summary>What of ILGPU is made for kernels.</summary>
    public static bool IsKernelApi(Type type)
    {
        Type definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        return IsIndex(type)
            || definition == typeof(ArrayView<>)
            || definition == typeof(ArrayView1D<,>)
            || definition == typeof(SpecializedValue<>)
            || definition == typeof(Stride1D.Dense)
            || definition == typeof(ILGPU.Half)
            || definition.Namespace == "ILGPU.Runtime.Cuda"
            || definition.FullName is "ILGPU.Grid" or "ILGPU.Group" or "ILGPU.Warp" or "ILGPU.SharedMemory"
                or "ILGPU.LocalMemory" or "ILGPU.Atomic" or "ILGPU.Interop" or "ILGPU.IntrinsicMath"
                or "ILGPU.MemoryFence" or "ILGPU.Algorithms.XMath" or "ILGPU.Index1D" or "ILGPU.LongIndex2D"
                or "ILGPU.LongIndex3D" or "ILGPU.VariableView`1";
    }
}
