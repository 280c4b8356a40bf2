using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Verification.Catalogue;

namespace NativeRlhf.Kernels.Verification;

/// <summary>One case on one shape, against the oracle.</summary>
/// <param name="Case">The case.</param>
/// <param name="Variant">The variant that ran.</param>
/// <param name="Precision">How operands were stored and multiplied: float32, tf32 (stored as float32) or bfloat16.</param>
/// <param name="Seed">The seed that repeats it.</param>
/// <param name="Shape">The shape, and what was chosen beside it.</param>
/// <param name="Output">The output with the largest error for its limit.</param>
/// <param name="Error">That error.</param>
/// <param name="Limit">Its limit.</param>
/// <param name="Failure">What is wrong, or null.</param>
public sealed record Verdict(OpCase Case, KernelVariant Variant, string Precision, ulong Seed, string Shape, string Output, double Error, double Limit, string? Failure);

/// <summary>Proves the ops of a device against the oracle, on random shapes.</summary>
public sealed class Verifier : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly GuardedMemory _memory;

    /// <summary>A verifier for the variants that a device has chosen.</summary>
    /// <param name="device">The device; it stays the caller's.</param>
    public Verifier(ComputeDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        (_device, _memory) = (device, new GuardedMemory(device));
    }

    /// <summary>
    /// Runs one case on a shape that the seed draws: outputs hold NaN beforehand, or ones where they are added to, and what lies around
    /// the operands must not be touched.
    /// </summary>
    /// <param name="definition">The case.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="precision">How operands are stored that need not be of float32.</param>
    /// <returns>What came of it.</returns>
    public Verdict Verify(OpCase definition, ulong seed, string precision = "float32")
    {
        ArgumentNullException.ThrowIfNull(definition);
        string name = _device.Kernels.Chosen[definition.Op];
        var variant = KernelSet.AllVariants(definition.Op).First(variant => variant.Name == name);
        // On the CPU, kernels that are launched run in a simulator, which takes milliseconds for a launch.
        bool isSimulated = _device.IsHostMemory && variant.IsLaunched;
        ulong mixed = Mix(seed, definition.Name);
        int[] shape = definition.Draw(new Random((int)(mixed >> 33)), isSimulated);
        using var problem = Problem.Create(definition, shape, _device, _memory.Take, mixed, storage: precision == "bfloat16" ? ElementType.BFloat16 : ElementType.Float32);
        problem.Run();
        problem.RunOracle();
        (string Name, double Error, double Limit) worst = ("", 0, double.NaN);
        double worstRatio = -1;
        string? failure = null;
        foreach (var output in problem.Outputs)
        {
            double error = output.Error(), limit = output.Limit(precision), ratio = error == 0 ? 0 : error / limit;
            if (error > limit) failure ??= $"{output.Name} is off";
            if (ratio > worstRatio) (worst, worstRatio) = ((output.Name, error, limit), ratio);
        }

        if (_memory.Reset() >= 0) failure = failure is null ? "memory outside of the operands was written" : $"{failure}, and memory outside of the operands was written";
        string words = string.Join(", ", [definition.Format(shape), .. problem.Choices]);
        return new Verdict(definition, variant, precision, seed, words, worst.Name, worst.Error, worst.Limit, failure);
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    /// <summary>A seed of its own for every case: FNV-1a over the name, and the finaliser of splitmix64.</summary>
    private static ulong Mix(ulong seed, string name)
    {
        ulong hash = 14695981039346656037;
        foreach (char letter in name) hash = (hash ^ letter) * 1099511628211;
        ulong z = seed + hash;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
