using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// One group a row. A restriction is a threshold on the logit. Floats are ordered as their bit patterns are, once the
/// negative ones are flipped, so that the largest threshold that leaves enough tokens or enough mass is found exactly by
/// bisection over 32 bits, without sorting.
/// </summary>
internal sealed class SamplingPortable(ComputeDevice device) : Sampling
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<int>, ArrayView<float>, int> _greedy =
        device.Accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<float>, int>(GreedyKernel);

    private readonly Action<KernelConfig, ArrayView<int>, ArrayView<float>, ArrayView<int>, ArrayView<int>, int, float, int, float, ulong> _draw =
        device.Accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<float>, ArrayView<int>, ArrayView<int>, int, float, int, float, ulong>(DrawKernel);

    private protected override void ForwardCore(ArrayView<int> tokens, Tensor logits, ArrayView<int> streams, ArrayView<int> positions, in SamplingSettings settings)
    {
        var groups = _size.Groups(logits.Rows);
        if (settings.Temperature == 0)
        {
            _greedy(groups, tokens, logits.View, logits.Cols);
        }
        else
        {
            int topK = settings.TopK >= logits.Cols ? 0 : settings.TopK;
            _draw(groups, tokens, logits.View, streams, positions, logits.Cols, 1 / settings.Temperature, topK, settings.TopP, settings.Seed);
        }
    }

    /// <summary>The first token with the largest logit.</summary>
    [Kernel(Grouping.Explicit)]
    private static void GreedyKernel(ArrayView<int> tokens, ArrayView<float> logits, int cols)
    {
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var sharedIndices = SharedMemory.Allocate<int>(LaunchSize.MaxGroup);
        long origin = (long)Grid.IdxX * cols;
        float max = RowMax(shared, logits, origin, cols);
        int first = cols - 1;
        for (int c = Group.IdxX; c < cols; c += Group.DimX)
        {
            if (logits[origin + c] == max) first = Math.Min(first, c);
        }

        first = GroupReduce.Min(sharedIndices, first);
        if (Group.IdxX == 0) tokens[Grid.IdxX] = first;
    }

    [Kernel(Grouping.Explicit)]
    private static void DrawKernel(
        ArrayView<int> tokens, ArrayView<float> logits, ArrayView<int> streams, ArrayView<int> positions,
        int cols, float inverseTemperature, int topK, float topP, ulong seed)
    {
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        int row = Grid.IdxX;
        long origin = (long)row * cols;
        float max = RowMax(shared, logits, origin, cols);
        uint threshold = Order(float.NegativeInfinity), highest = Order(max);
        if (topK > 0)
        {
            uint high = highest;
            while (threshold < high)
            {
                uint middle = high - ((high - threshold) / 2);
                if (Count(shared, logits, origin, cols, Value(middle)) >= topK) threshold = middle;
                else high = middle - 1;
            }
        }

        if (topP < 1)
        {
            float enough = topP * Mass(shared, logits, origin, cols, Value(threshold), max, inverseTemperature);
            uint high = highest;
            while (threshold < high)
            {
                uint middle = high - ((high - threshold) / 2);
                if (Mass(shared, logits, origin, cols, Value(middle), max, inverseTemperature) >= enough) threshold = middle;
                else high = middle - 1;
            }
        }

        // Each thread sums a run of neighbouring tokens; then one thread finds the run, and in it the token.
        float least = Value(threshold), sum = 0;
        int run = (cols + Group.DimX - 1) / Group.DimX, from = Math.Min(Group.IdxX * run, cols), to = Math.Min(from + run, cols);
        for (int c = from; c < to; c++) sum += Probability(logits[origin + c], least, max, inverseTemperature);
        shared[Group.IdxX] = sum;
        Group.Barrier();
        if (Group.IdxX == 0)
        {
            float total = 0;
            for (int i = 0; i < Group.DimX; i++) total += shared[i];
            var words = Philox.At(seed, RandomPurpose.Sampling, (uint)streams[row], (ulong)positions[row]);
            float goal = Philox.ToUniform(words.X) * total, before = 0;
            int found = 0;
            while (found < Group.DimX - 1 && before + shared[found] <= goal) before += shared[found++];

            // Rounding may leave the goal just beyond the end of the run: then its last allowed token is meant.
            int token = 0, end = Math.Min((found + 1) * run, cols);
            float cumulative = before;
            for (int c = Math.Min(found * run, cols); c < end && cumulative <= goal; c++)
            {
                float p = Probability(logits[origin + c], least, max, inverseTemperature);
                cumulative += p;
                if (p > 0) token = c;
            }

            tokens[row] = token;
        }
    }

    private static float RowMax(ArrayView<float> shared, ArrayView<float> logits, long origin, int cols)
    {
        float max = float.NegativeInfinity;
        for (int c = Group.IdxX; c < cols; c += Group.DimX) max = MathF.Max(max, logits[origin + c]);
        return GroupReduce.Max(shared, max);
    }

    /// <summary>How many logits are at least <paramref name="least"/>; exact in float up to 2²⁴.</summary>
    private static float Count(ArrayView<float> shared, ArrayView<float> logits, long origin, int cols, float least)
    {
        float count = 0;
        for (int c = Group.IdxX; c < cols; c += Group.DimX) count += logits[origin + c] >= least ? 1 : 0;
        return GroupReduce.Sum(shared, count);
    }

    /// <summary>The sum of exp((logit − max) / T) over the logits that are at least <paramref name="least"/>.</summary>
    private static float Mass(ArrayView<float> shared, ArrayView<float> logits, long origin, int cols, float least, float max, float inverseTemperature)
    {
        float mass = 0;
        for (int c = Group.IdxX; c < cols; c += Group.DimX) mass += Probability(logits[origin + c], least, max, inverseTemperature);
        return GroupReduce.Sum(shared, mass);
    }

    private static float Probability(float logit, float least, float max, float inverseTemperature) =>
        logit >= least ? MathF.Exp((logit - max) * inverseTemperature) : 0;

    /// <summary>An integer for each float, in the same order.</summary>
    private static uint Order(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
    }

    /// <summary>The float of an order.</summary>
    private static float Value(uint order) => Interop.IntAsFloat((order & 0x80000000) != 0 ? order & 0x7FFFFFFF : ~order);
}
