namespace NativeRlhf.Kernels.Device;

/// <summary>What the arenas and index buffers of a device take, by purpose: now, and when it was most.</summary>
public sealed class MemoryLedger
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, long> _current = new(StringComparer.Ordinal);
    private IReadOnlyDictionary<string, long> _atPeak = new Dictionary<string, long>();

    /// <summary>The bytes taken now.</summary>
    public long Current { get; private set; }

    /// <summary>The most bytes that were taken at once.</summary>
    public long Peak { get; private set; }

    /// <summary>The bytes of every purpose when most was taken; they add up to <see cref="Peak"/>.</summary>
    public IReadOnlyDictionary<string, long> AtPeak
    {
        get
        {
            lock (_lock) return Current == Peak ? new Dictionary<string, long>(_current) : _atPeak;
        }
    }

    /// <summary>Forgets the peak so far, so that what follows has one of its own: a process may have several runs, one after another.</summary>
    public void RestartPeak()
    {
        lock (_lock) Peak = Current;
    }

    /// <summary>Enters an allocation, or with a negative number its end.</summary>
    internal void Add(string purpose, long bytes)
    {
        lock (_lock)
        {
            // What was taken at the peak is kept when it begins to fall.
            if (bytes < 0 && Current == Peak) _atPeak = new Dictionary<string, long>(_current);
            Current += bytes;
            Peak = Math.Max(Peak, Current);
            _current[purpose] = _current.GetValueOrDefault(purpose) + bytes;
            if (_current[purpose] == 0) _current.Remove(purpose);
        }
    }
}
