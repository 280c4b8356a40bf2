namespace NativeRlhf.Runner.Cli;

/// <summary>A list whose elements are disposed of with it, the last one first.</summary>
internal sealed class Disposables<T> : List<T>, IDisposable
    where T : IDisposable
{
    public void Dispose()
    {
        for (int i = Count - 1; i >= 0; i--) this[i].Dispose();
        Clear();
    }
}
