using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Model;

/// <summary>
/// GPT-2's initial weights: matrices N(0, 0.02), projections onto the residual stream N(0, 0.02/√(2L)), positions N(0, 0.01),
/// LayerNorm 1 and 0, biases 0; the head of a reward model N(0, 1/√(C + 1)) (Stiennon et al. 2020).
/// </summary>
public static class Initialization
{
    private const int Chunk = 1 << 16;

    /// <summary>Fills all weights.</summary>
    /// <param name="model">The model.</param>
    /// <param name="seed">The seed; each tensor draws from a stream of its own.</param>
    public static void Initialize(Gpt model, ulong seed)
    {
        for (int i = 0; i < model.Weights.Specs.Count; i++)
        {
            var spec = model.Weights.Specs[i];
            if (spec.Name == "score.weight") InitializeScore(model, seed);
            else if (spec.IsVector) model.Device.Kernels.Elementwise.Fill(model.Weights[spec.Name], spec.Name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0);
            else Normal(model, spec, StandardDeviation(spec.Name, model.Config), seed, (uint)i);
        }
    }

    /// <summary>Fills the scalar head of a new reward model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="seed">The seed.</param>
    public static void InitializeScore(Gpt model, ulong seed)
    {
        var spec = model.Weights.Specs.Single(s => s.Name == "score.weight");
        Normal(model, spec, 1 / Math.Sqrt(model.Config.Width + 1), seed, uint.MaxValue);
    }

    private static double StandardDeviation(string name, GptConfig config) => name switch
    {
        "wpe.weight" => 0.01,
        _ when name.EndsWith("c_proj.weight", StringComparison.Ordinal) => 0.02 / Math.Sqrt(2 * config.Layers),
        _ => 0.02,
    };

    private static void Normal(Gpt model, TensorSpec spec, double deviation, ulong seed, uint stream)
    {
        // In chunks: a copy of the largest tensor would be a tenth of all that training needs.
        float[] values = new float[Math.Min(spec.Length, Chunk)];
        var weights = model.Weights[spec.Name];
        for (long start = 0; start < spec.Length; start += Chunk)
        {
            int count = (int)Math.Min(Chunk, spec.Length - start);
            // Box and Muller (1958): two uniforms of a Philox block give two normals, a block gives four.
            for (int i = 0; i < count; i += 4)
            {
                var words = Philox.At(seed, RandomPurpose.Initialization, stream, (ulong)((start + i) / 4));
                Pair(words.X, words.Y, i);
                Pair(words.Z, words.W, i + 2);
            }

            model.Device.Upload(weights.Range(start, count), values.AsSpan(0, count));
        }

        void Pair(uint first, uint second, int at)
        {
            double radius = Math.Sqrt(-2 * Math.Log((first + 0.5) / 4294967296.0)), angle = 2 * Math.PI * second / 4294967296.0;
            if (at < values.Length) values[at] = (float)(deviation * radius * Math.Cos(angle));
            if (at + 1 < values.Length) values[at + 1] = (float)(deviation * radius * Math.Sin(angle));
        }
    }
}
