namespace ILGPU.Runtime;

/// <summary>Something that lives on an accelerator and goes with it.</summary>
public abstract class AcceleratorObject : IDisposable
{
    protected AcceleratorObject(Accelerator accelerator)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        Accelerator = accelerator;
        accelerator.Register(this);
    }

    public Accelerator Accelerator { get; }
    public AcceleratorType AcceleratorType => Accelerator.AcceleratorType;
    public bool IsDisposed { get; private set; }

    public void Dispose()
    {
        if (IsDisposed)
            return;
        IsDisposed = true;
        DisposeAcceleratorObject(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void DisposeAcceleratorObject(bool disposing);
}
