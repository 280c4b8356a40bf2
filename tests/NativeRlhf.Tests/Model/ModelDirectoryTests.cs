using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Tokenization;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Model;

public class ModelDirectoryTests : FolderTests
{
    [Test]
    public void AModelComesBackBitForBit([Values] bool tied, [Values] bool headBias, [Values] bool hasScore)
    {
        using var model = Random(Odd(tied, headBias: headBias) with { EosToken = 7, RewardBias = 0.5f, Other = new JsonObject { ["mine"] = "kept" } }, 1, hasScore);
        string path = Folder.File("model");
        ModelDirectory.Save(path, model, new CharTokenizer("abc"));
        using var loaded = ModelDirectory.Load(Device(), path);
        Assert.That(loaded.Weights.Specs, Is.EqualTo(model.Weights.Specs));
        foreach (var spec in model.Weights.Specs)
            Assert.That(Values(loaded.Weights[spec.Name]), Is.EqualTo(Values(model.Weights[spec.Name])), spec.Name);
        Assert.That((loaded.Config.EosToken, (string?)loaded.Config.Other["mine"], loaded.Config.RewardBias), Is.EqualTo((7, "kept", hasScore ? 0.5f : 0)));
        Assert.That(TextTokenizer.TryLoad(path)?.Encode("cab"), Is.EqualTo(new[] { 2, 0, 1 }));
        Assert.That(Directory.GetFileSystemEntries(Folder.Path), Has.Length.EqualTo(1), "nothing is left beside it");
    }

    [Test]
    public void PublicCheckpointsWithPrefixMasksAndTiedCopyAreRead([Values] bool prefix)
    {
        using var model = Random(Odd(), 2);
        string p = prefix ? "transformer." : "";
        Write(model, name => p + name, extra:
        [
            ($"{p}h.0.attn.bias", [1, 1, 23, 23], new float[23 * 23]), ($"{p}h.1.attn.bias", [1, 1, 23, 23], new float[23 * 23]),
            ($"{p}h.0.attn.masked_bias", [1], [-1e4f]), ("lm_head.weight", [51, 33], Values(model.Weights.TokenEmbedding)),
        ]);
        using var loaded = ModelDirectory.Load(Device(), Folder.Path);
        AssertClose(loaded.Weights, model.Weights, 1e-30);
    }

    [Test]
    public void AModelIsWrittenInHalfTheSizeIfWanted()
    {
        using var model = Random(Odd(), 3);
        ModelDirectory.Save(Folder.File("single"), model, null);
        ModelDirectory.Save(Folder.File("half"), model, null, TensorType.BF16);
        Assert.That(new FileInfo(Folder.File("half/model.safetensors")).Length, Is.LessThan(0.6 * new FileInfo(Folder.File("single/model.safetensors")).Length));
        using var loaded = ModelDirectory.Load(Device(), Folder.File("half"));
        foreach (var spec in model.Weights.Specs)
            Assert.That(Values(loaded.Weights[spec.Name]), Is.EqualTo(Values(model.Weights[spec.Name]).Select(value => NativeRlhf.Kernels.Device.BFloat16.Of(value).Value)), spec.Name);
    }

    [TestCase(TensorType.F16, 1e-3)]
    [TestCase(TensorType.BF16, 8e-3)]
    public void HalfPrecisionIsWidened(TensorType type, double tolerance)
    {
        using var model = Random(Odd(), 3);
        Write(model, type: type);
        using var loaded = ModelDirectory.Load(Device(), Folder.Path);
        AssertClose(loaded.Weights, model.Weights, tolerance);
        Assert.That(Values(loaded.Weights.TokenEmbedding), Is.Not.EqualTo(Values(model.Weights.TokenEmbedding)));
        Assert.That(Values(loaded.Weights.TokenEmbedding).Select(value => type == TensorType.F16 ? (float)(Half)value : BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(value) & ~0xFFFF)),
            Is.EqualTo(Values(loaded.Weights.TokenEmbedding)), "every value is one of the narrow type");
    }

    [Test]
    public void TheRewardScaleIsMultipliedIntoTheHead()
    {
        using var model = Random(Odd(), 4, hasScore: true);
        Write(model, config: Odd() with { RewardScale = -2, RewardBias = 0.25f }, isReward: true);
        using var loaded = ModelDirectory.Load(Device(), Folder.Path);
        Assert.That(Values(loaded.Weights.Score), Is.EqualTo(Values(model.Weights.Score).Select(value => -2 * value)));
        Assert.That((loaded.Config.RewardScale, loaded.Config.RewardBias), Is.EqualTo((1f, 0.25f)));
        string again = Folder.File("again");
        ModelDirectory.Save(again, loaded, null);
        using var second = ModelDirectory.Load(Device(), again);
        Assert.That(Values(second.Weights.Score), Is.EqualTo(Values(loaded.Weights.Score)), "and not twice");
    }

    [Test]
    public void TheScalarHeadIsTakenAddedOrLeftAsAsked()
    {
        using var plain = Random(Odd(), 5);
        using var reward = Random(Odd(), 5, hasScore: true);
        string without = Folder.File("plain"), with = Folder.File("reward");
        ModelDirectory.Save(without, plain, null);
        ModelDirectory.Save(with, reward, null);
        Assert.Multiple(() =>
        {
            Assert.That(HasScore(without, ScoreHead.AsStored), Is.False);
            Assert.That(HasScore(with, ScoreHead.AsStored), Is.True);
            Assert.That(HasScore(with, ScoreHead.None), Is.False);
            Assert.That(HasScore(with, ScoreHead.Required), Is.True);
            Assert.That(HasScore(without, ScoreHead.NewIfAbsent), Is.True);
            Assert.That(() => HasScore(without, ScoreHead.Required), Throws.TypeOf<InputException>().With.Message.Contains("score.weight"));
        });

        static bool HasScore(string path, ScoreHead score)
        {
            using var model = ModelDirectory.Load(Device(), path, score);
            return model.Weights.HasScore;
        }
    }

    [Test]
    public void AMissingTensorIsNamed()
    {
        using var model = Random(Odd(), 6);
        Write(model, skip: "h.1.mlp.c_fc.bias");
        AssertFails("h.1.mlp.c_fc.bias", "missing", "[70]");
    }

    [Test]
    public void AnExtraTensorIsNamed([Values("h.2.ln_1.weight", "transformer.surprise", "h.0.attn.bias2")] string name)
    {
        using var model = Random(Odd(), 6);
        Write(model, extra: [(name, [3], [1, 2, 3])]);
        AssertFails(name, "[3]", "no place");
    }

    [Test]
    public void ATensorOfTheWrongShapeIsNamed()
    {
        using var model = Random(Odd(), 6);
        Write(model, skip: "h.0.mlp.c_fc.weight", extra: [("h.0.mlp.c_fc.weight", [70, 33], new float[70 * 33])]);
        AssertFails("h.0.mlp.c_fc.weight", "[70, 33]", "[33, 70]");
    }

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    public void ATensorThatIsNotFiniteIsNamed(float value)
    {
        using var model = Random(Odd(), 6);
        float[] bias = new float[33];
        bias[5] = value;
        Write(model, skip: "ln_f.bias", extra: [("ln_f.bias", [33], bias)]);
        AssertFails("ln_f.bias");
    }

    [Test]
    public void TwoTensorsOfOneMeaningAreAnError()
    {
        using var model = Random(Odd(), 6);
        Write(model, extra: [("transformer.ln_f.bias", [33], new float[33])]);
        AssertFails("ln_f.bias", "twice");
    }

    [Test]
    public void ATiedCopyThatDiffersIsAnError()
    {
        using var model = Random(Odd(), 6);
        Write(model, extra: [("lm_head.weight", [51, 33], new float[51 * 33])]);
        AssertFails("lm_head.weight", "tie_word_embeddings");
    }

    [Test]
    public void AFolderThatIsNoModelSaysWhatIsMissing()
    {
        AssertFails("config.json");
        Folder.Write("config.json", Odd().ToJson(false).ToJsonString());
        AssertFails("model.safetensors");
    }

    private void AssertFails(params string[] parts)
    {
        var exception = Assert.Throws<InputException>(() => ModelDirectory.Load(Device(), Folder.Path).Dispose());
        Assert.That(exception.Message, Does.Contain(Folder.Path).And.Not.Contains("\n"));
        foreach (string part in parts) Assert.That(exception.Message, Does.Contain(part));
    }

    /// <summary>A model directory as another program could have written it.</summary>
    private void Write(
        Gpt model, Func<string, string>? rename = null, TensorType type = TensorType.F32, string? skip = null,
        (string Name, long[] Shape, float[] Values)[]? extra = null, GptConfig? config = null, bool isReward = false)
    {
        var tensors = model.Weights.Specs.Where(spec => spec.Name != skip)
            .Select(spec => (Name: rename?.Invoke(spec.Name) ?? spec.Name, spec.Shape, Values: Values(model.Weights[spec.Name])))
            .Concat(extra ?? []).ToList();
        Folder.Write("config.json", (config ?? model.Config).ToJson(isReward).ToJsonString());
        SafeTensorsWriter.Save(Folder.File("model.safetensors"), [.. tensors.Select(tensor => new TensorHeader(tensor.Name, type, tensor.Shape))], writer =>
        {
            foreach (var (name, _, values) in tensors) writer.Write(name, values);
        });
    }
}
