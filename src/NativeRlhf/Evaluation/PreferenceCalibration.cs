using System.Text.Json.Nodes;

namespace NativeRlhf.Evaluation;

/// <summary>
/// Whether a reward model is as sure as it is right. With Δ the difference of two scores, σ(|Δ|) is the probability that the model
/// gives to the answer it prefers; over many pairs, as large a share of people should prefer it too. Pairs are put into
/// <see cref="Bins"/> bins of equal width from ½ to 1 by σ(|Δ|).
/// </summary>
public sealed class PreferenceCalibration
{
    /// <summary>How many bins there are.</summary>
    public const int Bins = 10;

    private readonly double[] _expected = new double[Bins], _agreed = new double[Bins];
    private readonly long[] _pairs = new long[Bins];

    /// <summary>How many pairs were added.</summary>
    public long Pairs => _pairs.Sum();

    /// <summary>The expected calibration error: Σ over bins of (pairs of the bin / all pairs) · |mean expected − observed|.</summary>
    public double Error
    {
        get
        {
            double error = 0;
            for (int i = 0; i < Bins; i++) error += Math.Abs(_expected[i] - _agreed[i]);
            return error / Pairs;
        }
    }

    /// <summary>Adds a pair of which people preferred one answer.</summary>
    /// <param name="margin">The score of the answer that people preferred minus that of the other one.</param>
    public void Add(double margin)
    {
        double expected = 1 / (1 + Math.Exp(-Math.Abs(margin)));
        int bin = Math.Min(Bins - 1, (int)((expected - 0.5) * 2 * Bins));
        _expected[bin] += expected;
        // A model that scores both the same agrees by half.
        _agreed[bin] += margin > 0 ? 1 : margin < 0 ? 0 : 0.5;
        _pairs[bin]++;
    }

    /// <summary>The error and all bins: their bounds, pairs, and the mean expected and the observed share of agreement.</summary>
    /// <returns>A new JSON object; expected and observed are null in an empty bin.</returns>
    public JsonObject ToJson() => new()
    {
        ["calibration_error"] = Error,
        ["pairs"] = Pairs,
        ["bins"] = new JsonArray([.. Enumerable.Range(0, Bins).Select(i => new JsonObject
        {
            ["from"] = 0.5 + (i / (2.0 * Bins)),
            ["to"] = 0.5 + ((i + 1) / (2.0 * Bins)),
            ["pairs"] = _pairs[i],
            ["expected"] = _pairs[i] > 0 ? _expected[i] / _pairs[i] : null,
            ["observed"] = _pairs[i] > 0 ? _agreed[i] / _pairs[i] : null,
        })]),
    };
}
