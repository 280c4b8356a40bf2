namespace ILGPU;

/// <summary>Something that only a kernel may do was called outside of one.</summary>
public sealed class InvalidKernelOperationException : InvalidOperationException
{
    public InvalidKernelOperationException()
        : base("This operation works inside of a kernel alone; groups and warps need an explicitly grouped one.")
    {
    }

    public InvalidKernelOperationException(string message)
        : base(message)
    {
    }

    public InvalidKernelOperationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
