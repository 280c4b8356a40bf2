namespace ILGPU.Runtime;

/// <summary>An array that stays where it is. On the CPU, whose memory is the host's, no page needs to be locked for a copy.</summary>
public abstract class PageLockedArray<T> : IDisposable
    where T : unmanaged
{
    public abstract Span<T> Span { get; }

    public long Length => Span.Length;

    public Span<T>.Enumerator GetEnumerator() => Span.GetEnumerator();

    public void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>A one-dimensional array that stays where it is.</summary>
public sealed class PageLockedArray1D<T> : PageLockedArray<T>
    where T : unmanaged
{
    private readonly T[] array;

    internal PageLockedArray1D(LongIndex1D extent, bool uninitialized)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(extent.X, nameof(extent));
        int length = checked((int)extent.X);
        array = uninitialized ? GC.AllocateUninitializedArray<T>(length, pinned: true) : GC.AllocateArray<T>(length, pinned: true);
    }

    public LongIndex1D Extent => array.LongLength;

    public override Span<T> Span => array.AsSpan();

    public ref T this[int index] => ref array[index];

    public ref T this[long index] => ref array[index];

    public T[] GetArray() => array;
}

/// <summary>Allocates page-locked arrays.</summary>
public static class PageLockedArrayExtensions
{
    public static PageLockedArray1D<T> AllocatePageLocked1D<T>(this Accelerator accelerator, LongIndex1D extent)
        where T : unmanaged => accelerator.AllocatePageLocked1D<T>(extent, uninitialized: false);

    public static PageLockedArray1D<T> AllocatePageLocked1D<T>(this Accelerator accelerator, LongIndex1D extent, bool uninitialized)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        accelerator.EnsureAlive();
        return new PageLockedArray1D<T>(extent, uninitialized);
    }
}
