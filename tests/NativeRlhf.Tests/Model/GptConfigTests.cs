using System.Text.Json.Nodes;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;
using NativeRlhf.Tests.Tokenization;

namespace NativeRlhf.Tests.Model;

public class GptConfigTests
{
    private const string Least = """ "n_layer": 2, "n_head": 4, "n_embd": 32, "n_positions": 16, "vocab_size": 100""";

    [Test]
    public void DefaultsAreThoseOfGpt2()
    {
        var config = Load("{" + Least + "}");
        Assert.That(config with { Other = [] }, Is.EqualTo(new GptConfig
        {
            Layers = 2,
            Heads = 4,
            Width = 32,
            Positions = 16,
            VocabularySize = 100,
            Inner = 128,
            LayerNormEpsilon = 1e-5f,
            Activation = ActivationKind.GeluTanh,
            TieWordEmbeddings = true,
            LmHeadBias = false,
            RewardScale = 1,
            RewardBias = 0,
            Other = [],
        }).UsingPropertiesComparer());
    }

    [Test]
    public void EveryKeyIsReadAndWrittenBack()
    {
        var json = JsonNode.Parse("{" + Least + """
            , "model_type": "gpt2", "n_inner": 77, "layer_norm_epsilon": 0.001, "activation_function": "relu", "tie_word_embeddings": false,
            "lm_head_bias": true, "bos_token_id": 3, "eos_token_id": 4, "reward_bias": -0.5, "reward_scale": 2,
            "architectures": ["GPT2LMHeadModel"], "task_specific_params": {"a": {"b": [1, null, "x"]}}, "torch_dtype": null }
            """)!.AsObject();
        var config = Load(json.ToJsonString());
        Assert.That((config.Inner, config.LayerNormEpsilon, config.Activation, config.TieWordEmbeddings, config.LmHeadBias, config.BosToken, config.EosToken, config.RewardBias, config.RewardScale),
            Is.EqualTo((77, 0.001f, ActivationKind.Relu, false, true, 3, 4, -0.5f, 2f)));
        var written = config.ToJson(isRewardModel: true);
        Assert.That(written.Select(entry => entry.Key), Is.EquivalentTo(json.Select(entry => entry.Key)));
        foreach (var (key, value) in json)
        {
            if (key == "layer_norm_epsilon") Assert.That((float)written[key]!, Is.EqualTo((float)value!));
            else Assert.That(written[key]?.ToJsonString(), Is.EqualTo(value?.ToJsonString()), key);
        }

        var again = Load(written.ToJsonString());
        Assert.That(again.ToJson(true).ToJsonString(), Is.EqualTo(written.ToJsonString()));
        Assert.That(config.ToJson(isRewardModel: false).Select(entry => entry.Key), Does.Not.Contain("reward_bias"));
    }

    [TestCase("gelu_new", ActivationKind.GeluTanh)]
    [TestCase("gelu", ActivationKind.GeluExact)]
    [TestCase("relu", ActivationKind.Relu)]
    public void ActivationsHaveTheirPublicNames(string name, ActivationKind kind)
    {
        var config = Load("{" + Least + $", \"activation_function\": \"{name}\"" + "}");
        Assert.That(config.Activation, Is.EqualTo(kind));
        Assert.That((string?)config.ToJson(false)["activation_function"], Is.EqualTo(name));
    }

    [Test]
    public void CommentsAndTrailingCommasAreAllowed() =>
        Assert.That(Load("{ // a comment\n" + Least + ", }").Layers, Is.EqualTo(2));

    [TestCase("", "is not valid JSON")]
    [TestCase("[]", "is not a JSON object")]
    [TestCase("null", "is not a JSON object")]
    [TestCase("{\n\"n_layer\": 2,\n,}", ":3: is not valid JSON")]
    [TestCase("{}", "'n_embd' is missing")]
    [TestCase("{" + Least + ", \"n_layer\": 3}", "n_layer")]
    [TestCase("{" + Least + ", \"other\": 3, \"other\": 4}", "other")]
    [TestCase("{" + Least + ", \"model_type\": \"llama\"}", "only gpt2 is supported")]
    [TestCase("{" + Least + ", \"model_type\": 2}", "model_type is 2; it must be a string")]
    [TestCase("{" + Least + ", \"activation_function\": \"silu\"}", "use gelu_new, gelu or relu")]
    [TestCase("{" + Least + ", \"layer_norm_epsilon\": 0}", "must be positive and finite")]
    [TestCase("{" + Least + ", \"layer_norm_epsilon\": -1e-5}", "must be positive and finite")]
    [TestCase("{" + Least + ", \"layer_norm_epsilon\": 1e999}", "layer_norm_epsilon")]
    [TestCase("{" + Least + ", \"layer_norm_epsilon\": \"small\"}", "must be a number")]
    [TestCase("{" + Least + ", \"tie_word_embeddings\": 1}", "must be true or false")]
    [TestCase("{" + Least + ", \"eos_token_id\": 100}", "eos_token_id 100 is not below vocab_size 100")]
    [TestCase("{" + Least + ", \"bos_token_id\": 101}", "bos_token_id 101")]
    [TestCase("{" + Least + ", \"eos_token_id\": -1}", "eos_token_id is -1")]
    [TestCase("{" + Least + ", \"n_inner\": 0}", "n_inner is 0")]
    [TestCase("{" + Least + ", \"reward_scale\": 1e999}", "reward_scale")]
    [TestCase("""{"n_layer": 2, "n_head": 3, "n_embd": 32, "n_positions": 16, "vocab_size": 100}""", "n_embd 32 is not a multiple of n_head 3")]
    [TestCase("""{"n_layer": 2.5, "n_head": 4, "n_embd": 32, "n_positions": 16, "vocab_size": 100}""", "n_layer is 2.5")]
    [TestCase("""{"n_layer": 2, "n_head": -4, "n_embd": 32, "n_positions": 16, "vocab_size": 100}""", "n_head is -4")]
    [TestCase("""{"n_layer": 2, "n_head": 4, "n_embd": 32, "n_positions": 16, "vocab_size": 99999999999}""", "vocab_size is 99999999999")]
    public void BadValuesAreOneLineThatNamesThem(string text, string message) =>
        Assert.That(() => Load(text), Throws.TypeOf<InputException>()
            .With.Message.Contains("config.json").And.Message.Contains(message).And.Message.Not.Contains("\n"));

    [Test]
    public void AFileThatIsAbsentIsNamed() =>
        Assert.That(() => GptConfig.Load("/nowhere/config.json"), Throws.TypeOf<InputException>().With.Message.Contains("/nowhere/config.json"));

    private static GptConfig Load(string text)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", text);
        return GptConfig.Load(folder.File("config.json"));
    }
}
