using System.Text.Json.Nodes;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Tokenization;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Evaluation;

/// <summary>
/// Public items against tests/golden/evaluation, which PyTorch and another tokenizer computed for the same model by the harness's rules:
/// every item to 1e-4. The items are read from shared/data.
/// </summary>
public sealed class GoldenSuiteTests
{
    private const double Tolerance = 1e-4;

    private TemporaryFolder _folder = null!;
    private JsonNode _expected = null!;
    private Gpt _model = null!;
    private LikelihoodScorer _scorer = null!;

    [OneTimeSetUp]
    public void Load()
    {
        _folder = new TemporaryFolder();
        TokenizerFixtures.CopyGpt2To(_folder.Path);
        _expected = JsonNode.Parse(File.ReadAllText(TestFiles.Repository("tests/golden/evaluation/expected.json")))!;
        _folder.Write("config.json", _expected["config"]!.ToJsonString());
        _model = new Gpt(Device(), GptConfig.Load(_folder.File("config.json")), false);
        string[] tensors = [.. _expected["tensors"]!.AsArray().Select(name => (string)name!)];
        Assert.That(_model.Weights.Specs.Select(spec => spec.Name), Is.EquivalentTo(tensors));
        for (int t = 0; t < tensors.Length; t++)
        {
            var tensor = _model.Weights[tensors[t]];
            _model.Device.Upload(tensor, Weights(tensors[t], t, (int)tensor.Length));
        }

        _scorer = new LikelihoodScorer(_model, TextTokenizer.Load(_folder.Path));
    }

    [OneTimeTearDown]
    public void Clean()
    {
        _scorer?.Dispose();
        _model?.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void Lambada()
    {
        string[] lines = File.ReadAllLines(TestFiles.Shared("lambada/lambada_test.jsonl"));
        var (result, expected) = Run(new Lambada(), "lambada", "items.jsonl", i => [lines[i]]);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.That((double)result.Rows[i]["logprob"]!, Is.EqualTo((double)expected[i]["logprob"]!).Within(Tolerance), expected[i].ToJsonString());
            Assert.That((int)result.Rows[i]["tokens"]!, Is.EqualTo((int)expected[i]["tokens"]!));
            Assert.That((bool)result.Rows[i]["greedy"]!, Is.EqualTo((bool)expected[i]["greedy"]!));
        }

        Assert.That(result.Truncated, Is.EqualTo(expected.Count(item => (bool)item["truncated"]!)));
        Assert.That(Math.Log(result.Value("perplexity")), Is.EqualTo(-expected.Average(item => (double)item["logprob"]!)).Within(Tolerance));
    }

    [Test]
    public void HellaSwag()
    {
        string[] lines = DataFile.ReadLines(TestFiles.Shared("hellaswag/hellaswag_val_full.txt.bz2"));
        Assert.That(lines, Has.Length.EqualTo(6 * 10042), "the whole compressed file is read");
        var (result, expected) = Run(new HellaSwag(), "hellaswag", "items.txt", i => lines[(6 * i)..(6 * i + 6)]);
        for (int i = 0; i < expected.Length; i++) Near(result.Rows[i]["logprobs"], expected[i]["logprobs"]);
        foreach (string name in new[] { "acc", "acc_norm", "acc_bytes" })
            Assert.That(result.Value(name), Is.EqualTo(expected.Average(item => (double)item[name]!)), name);
    }

    [Test]
    public void TruthfulQa()
    {
        string[] lines = File.ReadAllLines(TestFiles.Shared("truthfulqa/TruthfulQA.csv"));
        // No cell of this file has a line break in it.
        var (result, expected) = Run(new TruthfulQa(), "truthfulqa", "items.csv", i => [lines[1 + i]], lines[0]);
        for (int i = 0; i < expected.Length; i++)
        {
            Near(result.Rows[i]["logprobs_correct"], expected[i]["correct"]);
            Near(result.Rows[i]["logprobs_incorrect"], expected[i]["incorrect"]);
            Assert.That((double)result.Rows[i]["mc1"]!, Is.EqualTo((double)expected[i]["mc1"]!));
            Assert.That((double)result.Rows[i]["mc2"]!, Is.EqualTo((double)expected[i]["mc2"]!).Within(Tolerance));
        }

        Assert.That(expected.Count(item => (bool)item["truncated"]!), Is.Positive, "some do not fit into the positions");
        Assert.That(result.Truncated, Is.EqualTo(expected.Count(item => (bool)item["truncated"]!)));
    }

    private (SuiteResult Result, JsonNode[] Expected) Run(BenchmarkSuite suite, string key, string file, Func<int, IEnumerable<string>> lines, string? header = null)
    {
        JsonNode[] expected = [.. _expected[key]!.AsArray().Select(node => node!)];
        Assert.That(expected, Has.Length.EqualTo(20));
        IEnumerable<string> content = expected.SelectMany(item => lines((int)item["item"]!));
        File.WriteAllLines(_folder.File(file), header is null ? content : content.Prepend(header));
        return (suite.Run(_scorer, [_folder.File(file)]), expected);
    }

    private static void Near(JsonNode? actual, JsonNode? expected)
    {
        double[] a = [.. actual!.AsArray().Select(value => (double)value!)], b = [.. expected!.AsArray().Select(value => (double)value!)];
        Assert.That(a, Is.EqualTo(b).Within(Tolerance));
    }

    /// <summary>The formula of evaluation_golden.py.</summary>
    private static float[] Weights(string name, int tensor, int count)
    {
        double scale = name is "wte.weight" or "wpe.weight" ? 0.75 : 0.5;
        float one = name.Contains(".ln_", StringComparison.Ordinal) && name.EndsWith("weight", StringComparison.Ordinal) || name == "ln_f.weight" ? 1 : 0;
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            ulong z = unchecked(((ulong)tensor << 32) + (ulong)i + 0x9E3779B97F4A7C15);
            z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
            z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
            z ^= z >> 31;
            values[i] = (float)(scale * (2 * ((z >> 40) / 16777216.0) - 1)) + one;
        }

        return values;
    }
}
