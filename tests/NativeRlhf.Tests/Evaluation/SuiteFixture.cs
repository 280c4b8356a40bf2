using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Tokenization;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Evaluation;

/// <summary>Models of which every log-probability can be computed by hand.</summary>
internal static class SuiteFixture
{
    public const string Characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;'‘’?!-=<>()\"\n";

    /// <summary>A character tokenizer.</summary>
    public static CharTokenizer Letters { get; } = CharTokenizer.Train([new string([.. Characters])]);

    /// <summary>A model whose weights are all 0: every token has the probability 1/V.</summary>
    public static Gpt Uniform(TextTokenizer tokenizer, int positions = 64) => Constant(tokenizer, _ => 0, positions);

    /// <summary>A model whose logits are the same at every place, whatever came before.</summary>
    public static Gpt Constant(TextTokenizer tokenizer, Func<int, float> logit, int positions = 64)
    {
        var model = new Gpt(Device(), new GptConfig
        {
            Layers = 1,
            Heads = 1,
            Width = 4,
            Inner = 16,
            Positions = positions,
            VocabularySize = tokenizer.VocabularySize,
            LmHeadBias = true,
            BosToken = 0,
        }, false);
        foreach (var spec in model.Weights.Specs) model.Device.Upload(model.Weights[spec.Name], new float[spec.Length]);
        model.Device.Upload(model.Weights["lm_head.bias"], [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(logit)]);
        return model;
    }

    /// <summary>What a suite says of a file.</summary>
    public static SuiteResult Run(BenchmarkSuite suite, Gpt model, TextTokenizer tokenizer, string fileName, string content, int? limit = null)
    {
        using var folder = new TemporaryFolder();
        folder.Write(fileName, content);
        using var scorer = new LikelihoodScorer(model, tokenizer);
        return suite.Run(scorer, [folder.File(fileName)], limit);
    }

    public static double Value(this SuiteResult result, string name) => result.Measures.Single(measure => measure.Name == name).Value;
}
