namespace NativeRlhf.Kernels.Device;

/// <summary>The work of the operations that ran on a rehearsal device (<see cref="ComputeDevice.OpenRehearsal"/>).</summary>
public sealed class WorkTally
{
    /// <summary>
    /// Floating-point operations of matrix products and attention, two for every multiplication with its addition; the rest of a
    /// model is bound by memory.
    /// </summary>
    public double Flops { get; private set; }

    /// <summary>Bytes that operations read and write, each operand once.</summary>
    public double Bytes { get; private set; }

    /// <summary>Enters an operation.</summary>
    /// <param name="flops">Its floating-point operations.</param>
    /// <param name="elements">The float32 elements that it reads and writes.</param>
    internal void Add(double flops, double elements)
    {
        Flops += flops;
        Bytes += sizeof(float) * elements;
    }
}
