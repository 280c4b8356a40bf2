using NativeRlhf.Configuration;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Training;

/// <summary>Sums over all updates of a step.</summary>
internal sealed class PpoSums
{
    public double PolicyLoss, Clipped, KlLoss, ApproximateKl, Ratio, LargestRatioChange, ValueLoss, ValueClipped, PretrainingLoss, GradientNorm;
    public long Tokens;
    public int Updates;

    /// <summary>Adds the statistics of <see cref="PpoLoss.Policy"/> and <see cref="PpoLoss.Kl"/>.</summary>
    public void AddPolicy(float[] statistics)
    {
        PolicyLoss += statistics[0];
        Clipped += statistics[1];
        ApproximateKl += statistics[2];
        Ratio += statistics[3];
        LargestRatioChange = Math.Max(LargestRatioChange, statistics[4]);
        KlLoss += statistics[5];
    }

    /// <summary>Adds the statistics of <see cref="PpoLoss.Value"/>.</summary>
    public void AddValue(float[] statistics)
    {
        ValueLoss += statistics[0];
        ValueClipped += statistics[1];
    }

    /// <summary>The means over all updates.</summary>
    public void Report(Metrics metrics, PpoConfiguration configuration)
    {
        metrics["policy/approxkl"] = ApproximateKl / Tokens;
        metrics["policy/clipfrac"] = Clipped / Tokens;
        metrics["policy/ratio"] = Ratio / Tokens;
        metrics["loss/policy"] = PolicyLoss / Tokens;
        if (configuration.KlPenalty == KlPenalty.Loss) metrics["loss/kl"] = KlLoss / Updates;
        if (configuration.Advantages == AdvantageEstimator.Gae)
        {
            metrics["loss/value"] = ValueLoss / Tokens;
            metrics["value/clipfrac"] = ValueClipped / Tokens;
        }

        if (configuration.PtxCoef > 0) metrics["loss/ptx"] = PretrainingLoss / Updates;
    }
}
