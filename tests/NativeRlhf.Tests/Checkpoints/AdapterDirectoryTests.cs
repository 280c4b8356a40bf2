using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Model;
using NativeRlhf.Tests.Model;
using NativeRlhf.Tests.Tokenization;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Checkpoints;

/// <summary>Adapters in the public layout of PEFT.</summary>
public class AdapterDirectoryTests : FolderTests
{
    [Test]
    public void NamesShapesAndSettingsAreThoseOfPeft()
    {
        using var model = WithAdapter(Random(Odd(), 1, hasScore: true), new AdapterSettings(4, 8, ["attn.c_attn", "mlp.c_proj"]));
        AdapterDirectory.WriteFiles(Folder.Path, model);
        using var reader = SafeTensorsReader.Open(Folder.File("adapter_model.safetensors"));
        Assert.That(reader.Tensors.Select(tensor => $"{tensor.Name} {tensor.ShapeText}"), Is.EquivalentTo(Enumerable.Range(0, 2).SelectMany(l => new[]
        {
            $"base_model.model.transformer.h.{l}.attn.c_attn.lora_A.weight [4, 33]", $"base_model.model.transformer.h.{l}.attn.c_attn.lora_B.weight [99, 4]",
            $"base_model.model.transformer.h.{l}.mlp.c_proj.lora_A.weight [4, 70]", $"base_model.model.transformer.h.{l}.mlp.c_proj.lora_B.weight [33, 4]",
        }).Append("base_model.model.score.weight [1, 33]")));
        var config = JsonNode.Parse(File.ReadAllText(Folder.File("adapter_config.json")))!;
        Assert.That(
            config.ToJsonString(), Is.EqualTo("""
            {"peft_type":"LORA","task_type":"SEQ_CLS","base_model_name_or_path":null,"r":4,"lora_alpha":8,"lora_dropout":0,"target_modules":["attn.c_attn","mlp.c_proj"],"fan_in_fan_out":true,"bias":"none","modules_to_save":["score"],"inference_mode":true}
            """));
    }

    [Test]
    public void WhatIsWrittenReadsBack([Values] bool hasScore)
    {
        using var model = WithAdapter(Random(Odd(), 1, hasScore), new AdapterSettings(3, 4.5, ["attn.c_proj", "mlp.c_fc"]));
        AdapterDirectory.WriteFiles(Folder.Path, model);
        using var other = Random(Odd(), 1);
        AdapterDirectory.Attach(other, Folder.Path);
        Assert.That(other.Adapter!.Settings.Targets, Is.EqualTo(model.Adapter!.Settings.Targets));
        Assert.That(other.Adapter.Settings with { Targets = [] }, Is.EqualTo(model.Adapter.Settings with { Targets = [] }));
        Assert.That(Values(other.Adapter.Weights.All), Is.EqualTo(Values(model.Adapter.Weights.All)));
        Assert.That(other.HasScore, Is.EqualTo(hasScore), "a reward model's head comes with its adapter");
    }

    [Test]
    public void AnAdapterWithoutAHeadTakesTheModels()
    {
        using var model = WithAdapter(Random(Odd(), 1), new AdapterSettings(3, 4.5, ["attn.c_proj"]));
        AdapterDirectory.WriteFiles(Folder.Path, model);
        using var other = Random(Odd(), 1, hasScore: true);
        AdapterDirectory.Attach(other, Folder.Path);
        Assert.That(other.Adapter!.Weights.HasScore, "it is to be trained");
        Assert.That(Values(other.Adapter.Weights.Score), Is.EqualTo(Values(other.Weights.Score)));
    }

    /// <summary>Names without the model's own prefix (saved from a bare GPT2Model), half precision, keys that are not known.</summary>
    [Test]
    public void WhatOthersWriteIsRead()
    {
        using var model = WithAdapter(Random(Odd(), 1), new AdapterSettings(4, 8, ["mlp.c_fc"]));
        var weights = model.Adapter!.Weights;
        Config("""{"peft_type": "LORA", "r": 4, "lora_alpha": 4, "use_rslora": true, "target_modules": "all-linear", "rank_pattern": {}, "megatron_core": "x"}""");
        SafeTensorsWriter.Save(
            Folder.File("adapter_model.safetensors"), [.. weights.Specs.Select(spec => new TensorHeader("base_model.model." + spec.Name, TensorType.BF16, spec.Shape))],
            writer => { foreach (var spec in weights.Specs) writer.Write("base_model.model." + spec.Name, Values(weights[spec.Name])); });
        using var other = Random(Odd(), 1);
        AdapterDirectory.Attach(other, Folder.Path);
        Assert.That(other.Adapter!.Settings.Targets, Is.EqualTo(new[] { "mlp.c_fc" }));
        Assert.That(other.Adapter.Scale, Is.EqualTo(2), "α/√r");
        Assert.That(RelativeError(Values(other.Adapter.Weights.All), Values(weights.All)), Is.LessThan(4e-3));
    }

    [TestCase("""{"peft_type": "IA3"}""", "peft_type is IA3")]
    [TestCase("""{"r": 4, "lora_alpha": 8, "use_dora": true}""", "use_dora")]
    [TestCase("""{"r": 4, "lora_alpha": 8, "bias": "all"}""", "bias is all")]
    [TestCase("""{"r": 4, "lora_alpha": 8, "rank_pattern": {"c_fc": 2}}""", "rank_pattern")]
    [TestCase("""{"lora_alpha": 8}""", "r must be an integer from 1")]
    [TestCase("""{"r": 0, "lora_alpha": 8}""", "r must be an integer from 1")]
    [TestCase("""{"r": 4, "lora_alpha": "8"}""", "lora_alpha must be a number above 0")]
    [TestCase("""{"r": 2, "lora_alpha": 8}""", "is [4, 33]; the adapter's r and the model make it [2, 33]")]
    [TestCase("{", "valid JSON")]
    public void AConfigurationThatIsNotSupportedIsOneLine(string config, string expected)
    {
        WriteAdapter();
        Config(config);
        AssertFails(expected);
    }

    [Test]
    public void AMissingTensorIsNamed()
    {
        WriteAdapter(skip: "h.1.attn.c_attn.lora_B.weight");
        AssertFails("h.1.attn.c_attn.lora_B.weight [99, 4] is missing");
    }

    [TestCase("base_model.model.lm_head.lora_A.weight")]
    [TestCase("base_model.model.transformer.h.2.attn.c_attn.lora_A.weight")]
    [TestCase("base_model.model.transformer.wte.lora_embedding_A")]
    public void ATensorWithoutAPlaceIsNamed(string name)
    {
        WriteAdapter(extra: name);
        AssertFails($"tensor {name} [1] has no place");
    }

    [Test]
    public void AnAdapterOfAnotherArchitectureIsOneLine()
    {
        Config("""{"r": 4, "lora_alpha": 8}""");
        SafeTensorsWriter.Save(Folder.File("adapter_model.safetensors"), [new("base_model.model.model.layers.0.q_proj.lora_A.weight", TensorType.F32, [1])], writer => writer.Write("base_model.model.model.layers.0.q_proj.lora_A.weight", [1]));
        AssertFails("another architecture");
    }

    [Test]
    public void AFolderThatIsNoAdapterIsOneLine()
    {
        AssertFails("adapter_config.json");
        Config("""{"r": 4, "lora_alpha": 8}""");
        AssertFails("adapter_model.safetensors");
        File.WriteAllText(Folder.File("adapter_model.bin"), "");
        AssertFails("adapter_model.bin is not read");
    }

    private void Config(string json) => File.WriteAllText(Folder.File("adapter_config.json"), json);

    private void WriteAdapter(string? skip = null, string? extra = null)
    {
        using var model = WithAdapter(Random(Odd(), 1), new AdapterSettings(4, 8, ["attn.c_attn"]));
        AdapterDirectory.WriteFiles(Folder.Path, model);
        var weights = model.Adapter!.Weights;
        var specs = weights.Specs.Where(spec => spec.Name != skip).ToList();
        SafeTensorsWriter.Save(
            Folder.File("adapter_model.safetensors"),
            [.. specs.Select(spec => new TensorHeader("base_model.model.transformer." + spec.Name, TensorType.F32, spec.Shape)), .. extra is null ? Array.Empty<TensorHeader>() : [new(extra, TensorType.F32, [1])]],
            writer =>
            {
                foreach (var spec in specs) writer.Write("base_model.model.transformer." + spec.Name, Values(weights[spec.Name]));
                if (extra is not null) writer.Write(extra, [1]);
            });
    }

    private void AssertFails(string expected)
    {
        using var model = Random(Odd(), 1);
        var exception = Assert.Throws<InputException>(() => AdapterDirectory.Attach(model, Folder.Path));
        Assert.That(exception!.Message, Does.Contain(Folder.Path).And.Contain(expected).And.Not.Contain("\n"));
        Assert.That(model.Adapter, Is.Null);
    }
}
