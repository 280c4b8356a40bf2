using NativeRlhf.Checkpoints;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Optimization;

namespace NativeRlhf.Training;

/// <summary>Adam's moments in a checkpoint: two safetensors files in the layout of the weights.</summary>
internal static class OptimizerState
{
    private const string First = "adam_m.safetensors", Second = "adam_v.safetensors";

    public static void Write(string folder, AdamWOptimizer optimizer, ComputeDevice device)
    {
        ModelDirectory.WriteParameters(Path.Combine(folder, First), optimizer.FirstMoments, device);
        ModelDirectory.WriteParameters(Path.Combine(folder, Second), optimizer.SecondMoments, device);
    }

    public static void Read(string folder, AdamWOptimizer optimizer, ComputeDevice device, int steps)
    {
        ModelDirectory.ReadParameters(Path.Combine(folder, First), optimizer.FirstMoments, device);
        ModelDirectory.ReadParameters(Path.Combine(folder, Second), optimizer.SecondMoments, device);
        optimizer.Steps = steps;
    }
}
