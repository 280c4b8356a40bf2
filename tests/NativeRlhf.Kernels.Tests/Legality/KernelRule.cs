namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>What a kernel must not do, because the kernel compiler cannot translate it.</summary>
public enum KernelRule
{
    /// <summary>A kernel is a static, non-generic method without result; an implicit one takes an index first.</summary>
    Signature,

    /// <summary>A kernel's parameters are views, numbers and structures of those.</summary>
    KernelParameter,

    /// <summary>No classes, interfaces, typeof.</summary>
    ReferenceType,

    /// <summary>No new of classes.</summary>
    NewObject,

    /// <summary>No arrays of the runtime: they are LocalMemory or SharedMemory.</summary>
    Array,

    /// <summary>No boxing.</summary>
    Boxing,

    /// <summary>No text but constants for CudaAsm and Debug.Assert.</summary>
    String,

    /// <summary>No calls whose target is found at run time.</summary>
    VirtualCall,

    /// <summary>No generic arithmetic over the interfaces of the built-in numbers.</summary>
    GenericMath,

    /// <summary>No throw, try, catch, finally.</summary>
    Exception,

    /// <summary>Calls are inlined: none leads back to its caller.</summary>
    Recursion,

    /// <summary>No delegates, lambdas, function pointers.</summary>
    Delegate,

    /// <summary>No static fields but read-only values.</summary>
    StaticField,

    /// <summary>No spans.</summary>
    Span,

    /// <summary>No stackalloc.</summary>
    StackAllocation,

    /// <summary>No fixed.</summary>
    Pinning,

    /// <summary>No pointers.</summary>
    Pointer,

    /// <summary>No Unsafe and MemoryMarshal.</summary>
    Unsafe,

    /// <summary>No vectors of the CPU.</summary>
    SimdVector,

    /// <summary>No FusedMultiplyAdd: it compiles to a call to a function that does not exist.</summary>
    FusedMultiplyAdd,

    /// <summary>No CopySign: GPUs get its arguments the wrong way round.</summary>
    CopySign,

    /// <summary>No shared memory in a kernel without groups.</summary>
    SharedMemoryInImplicitKernel,

    /// <summary>No Group, Grid and Warp in a kernel without groups.</summary>
    GroupInImplicitKernel,

    /// <summary>No part of ILGPU that is for host code, or whose result depends on the order of threads.</summary>
    HostApi,

    /// <summary>No methods of the framework but those that ILGPU translates.</summary>
    ForeignCall,

    /// <summary>No value types of the framework but numbers and tuples.</summary>
    UnsupportedType,

    /// <summary>No other instruction that ILGPU does not know.</summary>
    UnsupportedInstruction,
}
