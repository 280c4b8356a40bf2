using System.Text;
using System.Text.Json.Nodes;
using FsCheck.Fluent;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Optimization;
using NativeRlhf.Tests.Data;

namespace NativeRlhf.Tests.Configuration;

public class ConfigurationTests : DataFixture
{
    private static readonly string[] CommonKeys =
    [
        "steps", "epochs", "batchSize", "microBatchSize", "microBatchTokens", "recompute", "learningRate", "learningRateSchedule", "finalLearningRateFraction", "warmupSteps",
        "beta1", "beta2", "epsilon", "adamForm", "weightDecay", "gradientClip", "dropout", "maxLength", "shuffle", "evalEvery", "checkpointEvery",
        "keepCheckpoints", "precision", "masterWeights", "loraRank", "loraAlpha", "loraTargets",
    ];

    private static readonly string[] PromptKeys = ["onTooLong", "promptTemplate"];

    private static readonly string[] RolloutKeys =
        ["episodes", "answersPerPrompt", "miniBatchSize", "innerEpochs", "responseLength", "temperature", "topK", "topP", "missingEosPenalty"];

    private static readonly string[] PpoKeys =
    [
        "klCoef", "klController", "klTarget",
        "klHorizon", "klPenalty", "advantages", "lossMean", "gamma", "lambda", "clipRange", "valueClipRange", "valueCoef", "valueLearningRate", "whitenAdvantages", "whitenRewards", "scoreClip",
        "ptxCoef", "ptxRatio", "emaDecay", "emaFinal",
    ];

    [Test]
    public void The_keys_are_those_that_users_rely_on()
    {
        Assert.That(Keys<PretrainConfiguration>(), Is.EqualTo(CommonKeys));
        Assert.That(Keys<SftConfiguration>(), Is.EqualTo((string[])[.. CommonKeys, .. PromptKeys, "pretrainRatio", "selectBy", "responseLength"]));
        Assert.That(Keys<RewardConfiguration>(), Is.EqualTo((string[])[.. CommonKeys, .. PromptKeys, "normalization", "ensemble"]));
        Assert.That(Keys<PpoConfiguration>(), Is.EqualTo((string[])[.. CommonKeys, .. PromptKeys, .. RolloutKeys, .. PpoKeys]));
        Assert.That(Keys<RaftConfiguration>(), Is.EqualTo((string[])[.. CommonKeys, .. PromptKeys, .. RolloutKeys, "keepFraction"]));

        static IEnumerable<string> Keys<T>() => ConfigurationKey.Of(typeof(T)).Select(key => key.Name);
    }

    [Test]
    public void Defaults_preset_file_and_settings_go_over_one_another()
    {
        string file = Write("c.json", """
            {
                // Of the preset: batchSize 512, innerEpochs 1, klCoef 0.02.
                "batchSize": 128,
                "klCoef": 1e-2, /* and */
                "learningRateSchedule": "cosine",
                "maxLength": null,
            }
            """);
        PpoConfiguration configuration = ConfigurationLoader.Load<PpoConfiguration>(
            file, ["klCoef=0.3", "klCoef=0.4", "microBatchSize=8", "precision=bfloat16", "shuffle=false", "episodes=1e6", "promptTemplate=Q: {prompt}\n"], "instructgpt");
        Assert.That(configuration, Is.EqualTo(Presets.Of<PpoConfiguration>()["instructgpt"] with
        {
            BatchSize = 128,
            KlCoef = 0.4,
            LearningRateSchedule = LearningRateShape.Cosine,
            MaxLength = null,
            MicroBatchSize = 8,
            Precision = Precision.BFloat16,
            Shuffle = false,
            Episodes = 1_000_000,
            PromptTemplate = "Q: {prompt}\n",
        }));
        Assert.That(configuration.InnerEpochs, Is.EqualTo(1));
        Assert.That(ConfigurationLoader.Load<PpoConfiguration>(), Is.EqualTo(new PpoConfiguration()));
        Assert.That(Presets.Of<PpoConfiguration>()["instructgpt"].BatchSize, Is.EqualTo(512), "loading leaves the preset as it is");
    }

    [Test]
    public void What_is_written_reads_back()
    {
        foreach (PpoConfiguration configuration in (PpoConfiguration[])
            [new(), .. Presets.Of<PpoConfiguration>().Values, new() { ScoreClip = 0.1, MissingEosPenalty = -1.5, PromptTemplate = "ü\"{prompt}" }])
        {
            JsonObject json = ConfigurationLoader.ToJson(configuration);
            Assert.That(ConfigurationLoader.Load<PpoConfiguration>(Write("c.json", json.ToJsonString())), Is.EqualTo(configuration));
        }
        Assert.That(ConfigurationLoader.ToJson(new PpoConfiguration())["klController"]!.GetValue<string>(), Is.EqualTo("fixed"));
        Assert.That(ConfigurationLoader.ToJson(new SftConfiguration())["precision"]!.GetValue<string>(), Is.EqualTo("float32"));
    }

    [Test]
    public void Every_key_can_be_set_and_shows()
    {
        var other = new Dictionary<string, string>
        {
            ["learningRateSchedule"] = "constant",
            ["adamForm"] = "tensorflow",
            ["precision"] = "bfloat16",
            ["masterWeights"] = "false",
            ["onTooLong"] = "drop",
            ["promptTemplate"] = "x{prompt}",
            ["klController"] = "adaptive",
            ["klPenalty"] = "loss",
            ["advantages"] = "grpo",
            ["lossMean"] = "answer",
            ["emaFinal"] = "false",
            ["shuffle"] = "false",
            ["recompute"] = "true",
            ["whitenAdvantages"] = "false",
            ["whitenRewards"] = "true",
            ["responseLength"] = "7",
            ["miniBatchSize"] = "8",
            ["steps"] = "9",
            ["keepCheckpoints"] = "9",
            ["maxLength"] = "100",
            ["loraTargets"] = "c_proj",
        };
        string before = ConfigurationLoader.ToJson(new PpoConfiguration()).ToJsonString();
        foreach (ConfigurationKey key in ConfigurationKey.Of(typeof(PpoConfiguration)))
        {
            string value = other.GetValueOrDefault(key.Name)
                ?? (key.Allowed.StartsWith("an integer", StringComparison.Ordinal) ? key.Name == "batchSize" ? "16000" : "16" : "0.75");
            string[] needed = key.Name == "advantages" ? ["answersPerPrompt=2"] : [];
            PpoConfiguration changed = ConfigurationLoader.Load<PpoConfiguration>(sets: [.. needed, $"{key.Name}={value}"]);
            Assert.That(ConfigurationLoader.ToJson(changed).ToJsonString(), Is.Not.EqualTo(before), key.Name);
            Assert.That(key.Format(changed).Trim('"'), Is.EqualTo(value));
        }
    }

    [TestCase("{\n \"learningrate\": 1}", ":2: unknown key 'learningrate'; did you mean 'learningRate'?")]
    [TestCase("{\"wd\": 1,\n\n \"batch_size\": 1}", ":1: unknown key 'wd'")]
    [TestCase("{\"steps\": 1,\n\n \"batch_size\": 1}", ":3: unknown key 'batch_size'; did you mean 'batchSize'?")]
    [TestCase("{\n \"learningRate\": \"fast\"}", ":2: learningRate is \"fast\"; it must be a number ≥ 0 and ≤ 1")]
    [TestCase("{\"learningRate\": -1}", ":1: learningRate is -1; it must be a number ≥ 0 and ≤ 1")]
    [TestCase("{\"learningRate\": null}", ":1: learningRate is null; it must be a number ≥ 0 and ≤ 1")]
    [TestCase("{\"learningRate\": 1e999}", ":1: learningRate is 1e999; it must be a number ≥ 0 and ≤ 1")]
    [TestCase("{\"beta1\": 1}", ":1: beta1 is 1; it must be a number ≥ 0 and < 1")]
    [TestCase("{\"epochs\": 0}", ":1: epochs is 0; it must be a number > 0")]
    [TestCase("{\"steps\": 2.5}", ":1: steps is 2.5; it must be an integer ≥ 1, or null")]
    [TestCase("{\"steps\": 3000000000}", ":1: steps is 3000000000; it must be an integer ≥ 1, or null")]
    [TestCase("{\"shuffle\": 1}", ":1: shuffle is 1; it must be true or false")]
    [TestCase("{\"precision\": \"fp8\"}", ":1: precision is \"fp8\"; it must be one of float32, bfloat16")]
    [TestCase("{\"precision\": 0}", ":1: precision is 0; it must be one of float32, bfloat16")]
    [TestCase("{\"precision\": \"Float32\"}", ":1: precision is \"Float32\"; it must be one of float32, bfloat16")]
    [TestCase("{\"promptTemplate\": {\"a\": \"b\"}}", ":1: promptTemplate is {\"a\": \"b\"}; it must be a string")]
    [TestCase("{\"promptTemplate\": \"a\\n\"}", ":1: promptTemplate is 'a\\n'; it must hold {prompt} exactly once")]
    [TestCase("{\"steps\": 5,\n \"steps\": 6}", ":2: the key 'steps' was given before (")]
    [TestCase("{\"batchSize\": 4,\n \"microBatchSize\": 5}", ":2: microBatchSize is 5 and batchSize 4; it must not be larger")]
    [TestCase("{\"steps\": 10, \"warmupSteps\": 10}", ":1: warmupSteps is 10 and steps 10; it must be smaller")]
    [TestCase("[1]", ":1: a configuration must be a JSON object")]
    [TestCase("{\"steps\": 1\n \"epochs\": 2}", ":2: not valid JSON")]
    [TestCase("{\"steps\": 1} x", ":1: not valid JSON")]
    [TestCase("{\"steps\": 1", ":1: not valid JSON")]
    [TestCase("", ": the file is empty")]
    public void A_mistake_in_a_file_names_its_line(string text, string message)
    {
        string file = Write("c.json", text);
        Assert.That(ErrorOf(() => ConfigurationLoader.Load<SftConfiguration>(file)), Does.StartWith(file + message));
    }

    [TestCase("lr=1", "--set lr=1: unknown key 'lr'")]
    [TestCase("topk=5", "--set topk=5: unknown key 'topk'; did you mean 'topK'?")]
    [TestCase("klcoeff=5", "--set klcoeff=5: unknown key 'klcoeff'; did you mean 'klCoef'?")]
    [TestCase("steps", "--set steps: expected KEY=VALUE")]
    [TestCase("=5", "--set =5: expected KEY=VALUE")]
    [TestCase("topP=0", "--set topP=0: topP is 0; it must be a number > 0 and ≤ 1")]
    [TestCase("klController=pid", "--set klController=pid: klController is \"pid\"; it must be one of fixed, adaptive")]
    [TestCase("steps=many", "--set steps=many: steps is \"many\"; it must be an integer ≥ 1, or null")]
    [TestCase("miniBatchSize=7", "--set miniBatchSize=7: miniBatchSize is 7 and batchSize 64; it must divide it")]
    [TestCase("microBatchSize=32", "--set microBatchSize=32: microBatchSize is 32 and miniBatchSize 16; it must not be larger")]
    [TestCase("responseLength=64;maxLength=64", "--set responseLength=64: responseLength is 64 and maxLength, for prompt and answer together, 64; it must be smaller")]
    [TestCase("ptxRatio=0;ptxCoef=0.5", "--set ptxRatio=0: ptxRatio is 0 and ptxCoef 0.5")]
    public void A_mistake_in_a_setting_names_it(string sets, string message) =>
        Assert.That(ErrorOf(() => ConfigurationLoader.Load<PpoConfiguration>(sets: sets.Split(';'))), Does.StartWith(message));

    [Test]
    public void Any_change_of_bytes_in_a_file_gives_a_configuration_or_an_error_of_one_line()
    {
        byte[] valid = Encoding.UTF8.GetBytes(ConfigurationLoader.ToJson(new PpoConfiguration { MaxLength = 100 }).ToJsonString());
        var mutation =
            from at in Gen.Choose(0, valid.Length - 1)
            from value in Gen.OneOf(Gen.Choose(0, 255), Gen.Elements<int>('"', '\\', '{', '}', ',', ':', '9', '-', '.', 'e', '/', '\n'))
            select (at, value);
        string path = Path.Combine(Folder, "c.json");
        ForAll(Gen.Choose(1, 3).SelectMany(count => mutation.ListOf(count)).ToArbitrary(), mutations =>
        {
            byte[] bytes = [.. valid];
            foreach ((int at, int value) in mutations)
                bytes[at] = (byte)value;
            File.WriteAllBytes(path, bytes);
            try
            {
                ConfigurationLoader.Load<PpoConfiguration>(path);
                return true;
            }
            catch (InputException e)
            {
                return e.Message.StartsWith(path, StringComparison.Ordinal) && !e.Message.Contains('\n');
            }
        }, cases: 300);
    }

    [Test]
    public void Text_needs_no_quotes_in_a_setting_and_may_have_them()
    {
        foreach (string value in (string[])["{prompt}", "\"{prompt}\"", "1{prompt}", "{prompt}=", "[\"{prompt}\"]"])
        {
            string expected = value == "\"{prompt}\"" ? "{prompt}" : value;
            Assert.That(ConfigurationLoader.Load<SftConfiguration>(sets: [$"promptTemplate={value}"]).PromptTemplate, Is.EqualTo(expected));
        }
        Assert.That(ConfigurationLoader.Load<SftConfiguration>(sets: ["onTooLong=\"drop\""]).OnTooLong, Is.EqualTo(OnTooLong.Drop));
        Assert.That(ConfigurationLoader.Load<PpoConfiguration>(sets: ["valueClipRange=null"]).ValueClipRange, Is.Null);
    }

    [Test]
    public void A_horizon_that_could_turn_the_KL_coefficient_around_is_an_error()
    {
        Assert.That(() => ConfigurationLoader.Load<PpoConfiguration>(sets: ["klController=adaptive", "batchSize=80", "klHorizon=16"]),
            Throws.TypeOf<InputException>().With.Message.Contains("klHorizon").And.Message.Contains("more than 16"));
        Assert.That(ConfigurationLoader.Load<PpoConfiguration>(sets: ["klController=adaptive", "batchSize=80", "klHorizon=17"]).Problems(), Is.Empty);
        Assert.That(ConfigurationLoader.Load<PpoConfiguration>(sets: ["batchSize=80", "klHorizon=1"]).Problems(), Is.Empty, "a fixed coefficient has no horizon");
    }

    [Test]
    public void Presets_hold_what_was_published()
    {
        IReadOnlyDictionary<string, PpoConfiguration> presets = Presets.Of<PpoConfiguration>();
        Assert.That(presets.Keys, Is.EqualTo(new[] { "instructgpt", "lm-human-preferences", "summarize", "grpo" }));
        foreach (PpoConfiguration preset in presets.Values)
            Assert.That(preset.Problems(), Is.Empty);

        PpoConfiguration instructGpt = presets["instructgpt"];
        Assert.That((instructGpt.TotalSteps(31_000), instructGpt.BatchSize / instructGpt.MiniBatchSize, instructGpt.InnerEpochs), Is.EqualTo((500L, 8, 1)));
        Assert.That((instructGpt.KlCoef, instructGpt.PtxCoef, instructGpt.PtxRatio, instructGpt.EmaDecay), Is.EqualTo((0.02, 27.8, 8.0, 0.992)));
        Assert.That(instructGpt.Schedule(31_000).At(0), Is.EqualTo(instructGpt.LearningRate / 10).Within(1e-15));
        Assert.That(instructGpt.Schedule(31_000).At(499), Is.EqualTo(instructGpt.LearningRate));

        Assert.That(instructGpt.ValueLearningRate, Is.EqualTo(9e-6));

        PpoConfiguration ziegler = presets["lm-human-preferences"];
        Assert.That((ziegler.KlController, ziegler.KlCoef, ziegler.KlTarget, ziegler.KlHorizon), Is.EqualTo((KlControl.Adaptive, 0.15, 6.0, 10_000.0)));
        Assert.That((ziegler.AdamForm, ziegler.Epsilon, ziegler.WhitenRewards, ziegler.Temperature, ziegler.ResponseLength), Is.EqualTo((AdamForm.TensorFlow, 1e-5, true, 0.7, 24)));

        PpoConfiguration summarize = presets["summarize"];
        Assert.That((summarize.LearningRate, summarize.KlCoef, summarize.ResponseLength, summarize.MissingEosPenalty), Is.EqualTo((3e-6, 0.05, 53, -1.0)));

        PpoConfiguration grpo = presets["grpo"];
        Assert.That((grpo.AnswersPerPrompt, grpo.BatchSize, grpo.KlCoef, grpo.LearningRate, grpo.KlPenalty), Is.EqualTo((64, 1024, 0.04, 1e-6, KlPenalty.Loss)));

        SftConfiguration sft = Presets.Of<SftConfiguration>()["instructgpt"];
        Assert.That((sft.Epochs, sft.Dropout, sft.LearningRate, sft.BatchSize), Is.EqualTo((16.0, 0.2, 9.65e-6, 32)));
        RewardConfiguration reward = Presets.Of<RewardConfiguration>()["instructgpt"];
        Assert.That((reward.Epochs, reward.LearningRate, reward.BatchSize), Is.EqualTo((1.0, 9e-6, 64)));

        Assert.That(ErrorOf(() => ConfigurationLoader.Load<PpoConfiguration>(preset: "gpt5")), Is.EqualTo("--preset gpt5: unknown preset; known are instructgpt, lm-human-preferences, summarize, grpo"));
        Assert.That(ErrorOf(() => ConfigurationLoader.Load<PretrainConfiguration>(preset: "gpt5")), Is.EqualTo("--preset gpt5: this trainer has no presets"));
    }

    [Test]
    public void The_length_of_a_run_is_steps_then_episodes_then_epochs()
    {
        Assert.That(new SftConfiguration { Epochs = 2, BatchSize = 8 }.TotalSteps(10), Is.EqualTo(3));
        Assert.That(new SftConfiguration { Epochs = 0.1, BatchSize = 8 }.TotalSteps(10), Is.EqualTo(1));
        Assert.That(new SftConfiguration { Epochs = 2, BatchSize = 8, Steps = 5 }.TotalSteps(10), Is.EqualTo(5));
        Assert.That(new PpoConfiguration { Episodes = 129 }.TotalSteps(10), Is.EqualTo(3));
        Assert.That(new PpoConfiguration { Episodes = 129, Steps = 7 }.TotalSteps(10), Is.EqualTo(7));
        Assert.That(ErrorOf(() => new SftConfiguration { WarmupSteps = 5, BatchSize = 8 }.Schedule(10)),
            Is.EqualTo("warmupSteps is 5 and the run has 4 steps; shorten the warm-up or lengthen the run"));
    }
}
