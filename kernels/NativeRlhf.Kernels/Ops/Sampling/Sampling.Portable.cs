using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// One group a row. A restriction is a threshold on the logit. Floats are ordered as their bit patterns are, once the
/// negative ones are flipped, so that the largest threshold that leaves enough tokens or enough mass is found exactly by
/// searching the 32 bits, without sorting.
/// </summary>
internal sealed class SamplingPortable(ComputeDevice device) : Sampling
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<int>, ArrayView<float>, int> _greedy =
        device.Load<ArrayView<int>, ArrayView<float>, int>(GreedyKernel);

    private readonly Action<KernelConfig, ArrayView<int>, ArrayView<float>, ArrayView<int>, ArrayView<int>, int, float, int, float, ulong> _draw =
        device.Load<ArrayView<int>, ArrayView<float>, ArrayView<int>, ArrayView<int>, int, float, int, float, ulong>(DrawKernel);

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
            _draw(groups, tokens, logits.View, streams, positions, logits.Cols, settings.InverseTemperature, topK, settings.TopP, settings.Seed);
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
        if (Group.IdxX == 0) tokens[Grid.IdxX] = IsFinite(max) ? first : -1;
    }

    [Kernel(Grouping.Explicit)]
    private static void DrawKernel(
        ArrayView<int> tokens, ArrayView<float> logits, ArrayView<int> streams, ArrayView<int> positions,
        int cols, float inverseTemperature, int topK, float topP, ulong seed)
    {
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var shared4 = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        int row = Grid.IdxX;
        long origin = (long)row * cols;
        float max = RowMax(shared, logits, origin, cols);
        uint threshold = Order(float.NegativeInfinity), highest = Order(max);
        if (topK > 0) threshold = Search(shared4, logits, origin, cols, threshold, highest, topK, byMass: false, max, inverseTemperature);
        if (topP < 1)
        {
            float all = Value(threshold);
            float mass = Above(shared4, logits, origin, cols, new Float4(all, all, all, all), byMass: true, max, inverseTemperature).X;
            threshold = Search(shared4, logits, origin, cols, threshold, highest, topP * mass, byMass: true, max, inverseTemperature);
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

            tokens[row] = IsFinite(max) ? token : -1;
        }
    }

    /// <summary>The largest logit; +∞ where one is NaN, which some devices' maximum would lose.</summary>
    private static float RowMax(ArrayView<float> shared, ArrayView<float> logits, long origin, int cols)
    {
        float max = float.NegativeInfinity;
        for (int c = Group.IdxX; c < cols; c += Group.DimX)
        {
            float logit = logits[origin + c];
            max = logit < float.PositiveInfinity ? MathF.Max(max, logit) : float.PositiveInfinity;
        }

        return GroupReduce.Max(shared, max);
    }

    private static bool IsFinite(float max) => max > float.NegativeInfinity && max < float.PositiveInfinity;

    /// <summary>
    /// The largest threshold in [<paramref name="low"/>, <paramref name="high"/>] that leaves at least
    /// <paramref name="enough"/>; the lowest one does. Four probes at a time: each pass over the row leaves a fifth.
    /// </summary>
    private static uint Search(
        ArrayView<Float4> shared, ArrayView<float> logits, long origin, int cols, uint low, uint high, float enough, bool byMass, float max, float inverseTemperature)
    {
        while (low < high)
        {
            uint range = high - low, step = (range + 4) / 5;
            uint p1 = low + step, p2 = low + Math.Min(2 * step, range), p3 = low + Math.Min(3 * step, range), p4 = low + Math.Min(4 * step, range);
            var left = Above(shared, logits, origin, cols, new Float4(Value(p1), Value(p2), Value(p3), Value(p4)), byMass, max, inverseTemperature);
            if (left.W >= enough)
            {
                low = p4;
            }
            else if (left.Z >= enough)
            {
                low = p3;
                high = p4 - 1;
            }
            else if (left.Y >= enough)
            {
                low = p2;
                high = p3 - 1;
            }
            else if (left.X >= enough)
            {
                low = p1;
                high = p2 - 1;
            }
            else
            {
                high = p1 - 1;
            }
        }

        return low;
    }

    /// <summary>
    /// For each of four thresholds, how many logits are at least as large (exact in float up to 2²⁴), or their mass
    /// Σ exp((logit − max) / T). Sums of parts of a row never exceed sums of more of it, as they are added in the same order.
    /// </summary>
    private static Float4 Above(
        ArrayView<Float4> shared, ArrayView<float> logits, long origin, int cols, Float4 least, bool byMass, float max, float inverseTemperature)
    {
        float x = 0, y = 0, z = 0, w = 0;
        for (int c = Group.IdxX; c < cols; c += Group.DimX)
        {
            float logit = logits[origin + c], weight = 1;
            if (byMass) weight = MathF.Exp((logit - max) * inverseTemperature);
            x += logit >= least.X ? weight : 0;
            y += logit >= least.Y ? weight : 0;
            z += logit >= least.Z ? weight : 0;
            w += logit >= least.W ? weight : 0;
        }

        return GroupReduce.Sum(shared, new Float4(x, y, z, w));
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
