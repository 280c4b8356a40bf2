using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Verification.Catalogue;

/// <summary>The cases of losses and of sampling.</summary>
internal static class LossCases
{
    private const float ClipRange = 0.2f, Scale = 1 / 128f;

    /// <summary>How near to a boundary of the cumulative distribution float32 may decide otherwise than the oracle.</summary>
    private const double BoundaryWidth = 1e-5;

    // Of a single token the probability is 1 and the gradient 0, to which no error is relative.
    private static readonly Dimension[] Logits = [new("N", 100, 21), new("V", 2000, 150, Least: 2)];

    private static readonly Dimension[] Tokens = [new("N", 1000, 100)];

    public static IEnumerable<OpCase> All =>
    [
        new("logprob", "forward", Logits, LogProbForward, m => [new("head", [m.HeadRows, m.Vocabulary])]),
        new("logprob", "backward", Logits, LogProbBackward, m => [new("head", [m.HeadRows, m.Vocabulary])]) { HasBFloat16 = true },
        new("rankingloss", "forward", [new("M", 60, 20), new("P", 200, 40)], RankingLoss, m => [new("", [m.Rows, m.Rows])]),
        new("ppoloss", "policy", Tokens, Policy, m => [new("", [m.Rows])]),
        new("ppoloss", "value", Tokens, Value, m => [new("", [m.Rows])]),
        new("ppoloss", "kl", Tokens, Kl, m => [new("", [m.Rows])]),
        new("sampling", "forward", [new("R", 60, 12), new("V", 1000, 120)], Sampling, m => [new("", [Math.Min(m.Rows, 64), m.Vocabulary])]),
    ];

    private static void LogProbForward(Problem p, IReadOnlyList<int> shape)
    {
        var (N, V) = (shape[0], shape[1]);
        float temperature = p.Choose("temperature", 1f, 0.7f, 2.5f);
        var targets = p.Indices(N, V);
        Operand logits = p.Input("logits", N, V, 3), logprobs = p.Overwritten("logprobs", N), lse = p.Overwritten("lse", N);
        var entropy = p.Choose("entropy", false, true) ? p.Overwritten("entropy", N, 1, 4) : null;
        p.Call(
            k => k.LogProb.Forward(logprobs, lse, entropy, logits, targets, temperature),
            () => Reference.LogProb.Forward(logprobs, lse, entropy, logits, targets.Values, temperature, N, V));
    }

    private static void LogProbBackward(Problem p, IReadOnlyList<int> shape)
    {
        var (N, V) = (shape[0], shape[1]);
        float temperature = p.Choose("temperature", 1f, 0.7f, 2.5f);
        var targets = p.Indices(N, V);
        Operand logits = p.Input("logits", N, V, 3), dLogprobs = p.Input("dLogprobs", N);
        double[] sums = new double[N];
        if (!p.IsTimed) Reference.LogProb.Forward(new double[N], sums, null, logits, targets.Values, temperature, N, V);
        var lse = p.Input("lse", N, 1, Array.ConvertAll(sums, sum => (double)(float)sum));
        var dLogits = p.Storage == ElementType.Float32 && p.Choose("in place", true, false) ? p.Judge(logits, 4) : p.Overwritten("dLogits", N, V, 4, isStored: true);
        p.Call(
            k => k.LogProb.Backward(dLogits, dLogprobs, lse, logits, targets, temperature),
            () => Reference.LogProb.Backward(dLogits, dLogprobs, lse, logits, targets.Values, temperature, N, V));
    }

    private static void RankingLoss(Problem p, IReadOnlyList<int> shape)
    {
        var (M, P) = (shape[0] + 1, shape[1]);
        var winners = p.Indices(P, M);
        var losers = p.Indices([.. winners.Values.Select(winner => (winner + 1 + p.Random.Next(M - 1)) % M)]);
        Operand scores = p.Input("scores", M, 1, 2), weights = p.Input("weights", P, 1, [.. Enumerable.Range(0, P).Select(i => (double)(float)(1.0 / (P * (1 + (i % 3)))))]);
        Operand statistics = p.Overwritten("statistics", 4, 1, P), dScores = p.Overwritten("dScores", M, 1, P);
        p.Call(
            k => k.RankingLoss.Forward(statistics, dScores, scores, winners, losers, weights),
            () => Reference.RankingLoss.Forward(statistics, dScores, scores, winners.Values, losers.Values, weights));
    }

    private static void Policy(Problem p, IReadOnlyList<int> shape)
    {
        int N = shape[0];
        var (old, logprobs) = Moved(p, N, "oldLogprobs", "logprobs", -3, 0.3);
        Operand A = p.Input("A", N), statistics = p.Statistics("statistics", PpoLoss.PolicyStatisticsLength, N);
        // logprob − oldLogprob cancels, at about 3 against 0.3.
        var dLogprobs = p.Overwritten("dLogprobs", N, 1, 10);
        p.Call(
            k => k.PpoLoss.Policy(statistics, dLogprobs, logprobs, old, A, ClipRange, Scale),
            () => Reference.PpoLoss.Policy(statistics, dLogprobs, logprobs, old, A, ClipRange, Scale));
    }

    private static void Value(Problem p, IReadOnlyList<int> shape)
    {
        int N = shape[0];
        var (old, values) = Moved(p, N, "oldValues", "values", 0, 0.4);
        Operand returns = p.Input("R", N, 1, 1.5), statistics = p.Statistics("statistics", PpoLoss.ValueStatisticsLength, N), dValues = p.Overwritten("dValues", N);
        p.Call(
            k => k.PpoLoss.Value(statistics, dValues, values, old, returns, ClipRange, Scale),
            () => Reference.PpoLoss.Value(statistics, dValues, values, old, returns, ClipRange, Scale));
    }

    private static void Kl(Problem p, IReadOnlyList<int> shape)
    {
        int N = shape[0];
        var (reference, logprobs) = Moved(p, N, "refLogprobs", "logprobs", -3, 0.6);
        var weights = p.Input("weights", N, 1, Array.ConvertAll(RandomData.Normal(p.Random, N), Math.Abs));
        Operand statistics = p.Statistics("statistics", PpoLoss.KlStatisticsLength, N), dLogprobs = p.Accumulated("dLogprobs", N, 1, 10);
        p.Call(
            k => k.PpoLoss.Kl(statistics, dLogprobs, logprobs, reference, weights),
            () => Reference.PpoLoss.Kl(statistics, dLogprobs, logprobs, reference, weights));
    }

    private static void Sampling(Problem p, IReadOnlyList<int> shape)
    {
        var (R, V) = (shape[0], shape[1]);
        var settings = new SamplingSettings(p.Choose("temperature", 1f, 0.7f, 1.5f), p.Choose("top-k", 0, 1, 20), p.Choose("top-p", 1f, 0.9f, 0.5f), (ulong)p.Random.NextInt64());
        var logits = p.Input("logits", R, V, 2);
        IndexOperand streams = p.Indices(R, 100), positions = p.Indices(R, 1000), tokens = p.Indices([.. Enumerable.Repeat(-1, R)]);
        double error = double.NaN;
        p.Judge(new Output("tokens", () => error, _ => BoundaryWidth, R));
        p.Call(k => k.Sampling.Forward(tokens, logits, streams, positions, settings), () =>
        {
            int[] drawn = p.Read(tokens);
            error = 0;
            for (int r = 0; r < R; r++) error = Math.Max(error, Distance(r, drawn[r]));
        });

        // How far the uniform number lies from the interval of the token that was drawn.
        double Distance(int r, int token)
        {
            double[] probabilities = Reference.Sampling.Probabilities(logits.Values[(r * V)..((r + 1) * V)], settings.Temperature, settings.TopK, settings.TopP);
            if (token < 0 || token >= V || probabilities[token] <= 0) return double.PositiveInfinity;
            double u = Reference.Philox.Uniform(settings.Seed, Reference.Philox.SamplingPurpose, (uint)streams.Values[r], (uint)positions.Values[r]);
            double upper = probabilities.Take(token + 1).Sum(), lower = upper - probabilities[token];
            return Math.Max(0, Math.Max(lower - u, u - upper));
        }
    }

    /// <summary>Values, and others near to them.</summary>
    private static (Operand Values, Operand Moved) Moved(Problem p, int count, string name, string movedName, double mean, double scale)
    {
        double[] values = RandomData.Normal(p.Random, count, 1, mean);
        double[] moved = [.. values.Zip(RandomData.Normal(p.Random, count, scale), (value, change) => (double)(float)(value + change))];
        return (p.Input(name, count, 1, values), p.Input(movedName, count, 1, moved));
    }
}
