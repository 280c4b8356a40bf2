namespace ILGPU.Runtime.CPU;

/// <summary>A thread that can be woken. A wake-up that comes early is kept.</summary>
internal sealed class Sleeper
{
    [ThreadStatic]
    private static Sleeper? ofThread;

    private bool awake;

    public static Sleeper OfThread => ofThread ??= new Sleeper();

    public void Sleep()
    {
        lock (this)
        {
            while (!awake)
                Monitor.Wait(this);
            awake = false;
        }
    }

    public void Wake()
    {
        lock (this)
        {
            awake = true;
            Monitor.Pulse(this);
        }
    }
}
