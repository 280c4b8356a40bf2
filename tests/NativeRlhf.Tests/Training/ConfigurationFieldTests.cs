using NativeRlhf.Configuration;
using NativeRlhf.Tests.Model;
using NativeRlhf.Tests.Tokenization;

namespace NativeRlhf.Tests.Training;

/// <summary>
/// No key of a configuration is decoration: changing it changes the metrics, the trained weights or the files. The two that
/// decide memory alone change none of them.
/// </summary>
public class ConfigurationFieldTests
{
    private static readonly Dictionary<string, IReadOnlyDictionary<string, string>> Results = [];

    /// <summary>For every key the settings of two runs that differ in it alone.</summary>
    private static readonly Dictionary<string, (string[] Common, string First, string Second)> Changes = new()
    {
        ["steps"] = ([], "3", "2"),
        ["epochs"] = (["steps=null"], "0.5", "0.8"),
        ["batchSize"] = (["miniBatchSize=1", "microBatchSize=1"], "4", "3"),
        ["microBatchSize"] = ([], "2", "1"),
        ["recompute"] = (["dropout=0.1"], "false", "true"),
        ["learningRate"] = ([], "0.01", "0.02"),
        ["learningRateSchedule"] = ([], "cosine", "linear"),
        ["finalLearningRateFraction"] = (["learningRateSchedule=linear"], "0.1", "0.5"),
        ["warmupSteps"] = ([], "0", "2"),
        ["beta1"] = ([], "0.9", "0.5"),
        ["beta2"] = ([], "0.95", "0.5"),
        ["epsilon"] = ([], "1e-8", "1e-2"),
        ["adamForm"] = (["epsilon=1e-3"], "pytorch", "tensorflow"),
        ["weightDecay"] = ([], "0", "0.5"),
        ["gradientClip"] = (["epsilon=1e-2"], "1e-3", "0"),
        ["dropout"] = ([], "0", "0.3"),
        ["maxLength"] = (["onTooLong=truncate"], "20", "9"),
        ["shuffle"] = ([], "true", "false"),
        ["evalEvery"] = ([], "0", "1"),
        ["checkpointEvery"] = ([], "0", "1"),
        ["keepCheckpoints"] = (["checkpointEvery=1"], "1", "2"),
        ["precision"] = ([], "float32", "bfloat16"),
        ["masterWeights"] = (["precision=bfloat16", "steps=1", "warmupSteps=0"], "true", "false"),
        ["loraRank"] = ([], "0", "2"),
        ["loraAlpha"] = (["loraRank=2"], "null", "16"),
        ["loraTargets"] = (["loraRank=2"], "all-linear", "mlp.c_fc"),
        ["onTooLong"] = (["maxLength=10", "responseLength=3"], "truncate", "drop"),
        ["promptTemplate"] = ([], "{prompt}", "a: {prompt}"),
        ["beta"] = ([], "0.1", "0.3"),
        ["labelSmoothing"] = ([], "0", "0.2"),
        ["microBatchTokens"] = (["microBatchSize=null"], "17", "40"),
        ["pretrainRatio"] = ([], "0", "0.5"),
        ["selectBy"] = (["evalEvery=1"], "last", "reward"),
        ["keepFraction"] = (["answersPerPrompt=4"], "0", "0.5"),
        ["normalization"] = ([], "none", "bias"),
        ["ensemble"] = ([], "1", "2"),
        ["episodes"] = (["steps=null"], "4", "8"),
        ["miniBatchSize"] = ([], "2", "4"),
        ["innerEpochs"] = ([], "1", "2"),
        ["responseLength"] = ([], "4", "6"),
        ["temperature"] = ([], "1", "0.7"),
        ["topK"] = ([], "0", "3"),
        ["topP"] = ([], "1", "0.5"),
        ["klCoef"] = ([], "0.05", "0.5"),
        ["klController"] = (["klHorizon=20"], "fixed", "adaptive"),
        ["klTarget"] = (["klController=adaptive", "klHorizon=20", "steps=5"], "6", "0.001"),
        ["klHorizon"] = (["klController=adaptive"], "20", "40"),
        ["gamma"] = ([], "1", "0.5"),
        ["lambda"] = ([], "0.95", "0.5"),
        ["clipRange"] = (["innerEpochs=3"], "0.5", "0.001"),
        ["valueClipRange"] = (["innerEpochs=3"], "null", "0.001"),
        ["valueCoef"] = (["epsilon=1e-2"], "0.1", "1"),
        ["valueLearningRate"] = ([], "null", "0.03"),
        ["whitenAdvantages"] = (["epsilon=1e-2"], "true", "false"),
        ["whitenRewards"] = ([], "true", "false"),
        ["scoreClip"] = ([], "null", "0.05"),
        ["missingEosPenalty"] = ([], "null", "-3"),
        ["ptxCoef"] = (["ptxRatio=1"], "0", "0.5"),
        ["ptxRatio"] = (["ptxCoef=0.5"], "1", "2"),
        ["emaDecay"] = ([], "0", "0.6"),
        ["emaFinal"] = (["emaDecay=0.6"], "true", "false"),
        ["answersPerPrompt"] = ([], "1", "2"),
        ["advantages"] = (["answersPerPrompt=4", "epsilon=1e-2"], "grpo", "rloo"),
        ["klPenalty"] = (["innerEpochs=2"], "reward", "loss"),
        ["lossMean"] = (["epsilon=1e-2"], "token", "answer"),
    };

    public static IEnumerable<TestCaseData> Keys() =>
        from kind in Enum.GetValues<Kind>()
        from key in ConfigurationKey.Of(Type(kind))
        select new TestCaseData(kind, key.Name).SetArgDisplayNames(kind.ToString(), key.Name);

    [TestCaseSource(nameof(Keys))]
    public void ChangingAKeyChangesSomething(Kind kind, string key)
    {
        Assert.That(Changes, Contains.Key(key), "a new key needs an entry here");
        var (common, first, second) = Changes[key];
        // A key of PPO alone says nothing to the other trainers.
        var known = ConfigurationKey.Of(Type(kind)).Select(entry => entry.Name).ToHashSet();
        string[] settings =
        [
            .. new[] { "steps=3", "batchSize=4", "microBatchSize=2", "learningRate=0.01", "weightDecay=0", "evalEvery=0", "checkpointEvery=0", "maxLength=20", "miniBatchSize=2", "innerEpochs=1", "responseLength=6", "answersPerPrompt=1" }
                .Concat(common).Where(setting => known.Contains(setting.Split('=')[0])),
        ];
        var one = Result(kind, [.. settings, $"{key}={first}"]);
        var two = Result(kind, [.. settings, $"{key}={second}"]);
        if (key is "microBatchSize" or "microBatchTokens")
        {
            // It decides memory, and the result never beyond rounding.
            Assert.That(two.Keys, Is.EqualTo(one.Keys));
            // PPO's loss of the policy is a difference of terms of about one: its rounding is theirs.
            Assert.That(Losses(two), Is.EqualTo(Losses(one)).Within(1e-6));
            return;
        }

        if (key == "recompute")
        {
            // It decides memory and time, and not a bit of the result.
            Assert.That(two, Is.EqualTo(one));
            return;
        }

        Assert.That(two, Is.Not.EqualTo(one));
    }

    [Test]
    public void EveryEntryIsAKey() =>
        Assert.That(Changes.Keys, Is.SubsetOf(Keys().Select(data => data.Arguments[1])));

    private static IReadOnlyDictionary<string, string> Result(Kind kind, string[] settings)
    {
        // Settings that come later win, and the two runs of a key often are the run of another.
        string name = $"{kind} {string.Join(' ', settings.GroupBy(setting => setting.Split('=')[0]).Select(group => group.Last()).Order(StringComparer.Ordinal))}";
        if (Results.TryGetValue(name, out var result)) return result;
        using var folder = new TemporaryFolder();
        string path = folder.File("run");
        try
        {
            // The CPU's vector code has no bfloat16: a run that asks for it is refused, unless that is not the question.
            TinyRuns.Run(kind, path, settings, device: settings.Any(setting => setting.StartsWith("masterWeights=", StringComparison.Ordinal)) ? TestModels.PortableDevice() : null);
            result = TinyRuns.Result(path);
        }
        catch (InputException exception)
        {
            result = new Dictionary<string, string> { ["error"] = exception.Message };
        }

        return Results[name] = result;
    }

    private static double[] Losses(IReadOnlyDictionary<string, string> result) =>
    [
        .. from line in result["metrics.jsonl"].Split('\n')
           from entry in System.Text.Json.Nodes.JsonNode.Parse(line)!.AsObject()
           where entry.Key.StartsWith("loss", StringComparison.Ordinal)
           select (double)entry.Value!,
    ];

    private static Type Type(Kind kind) => kind switch
    {
        Kind.Pretrain => typeof(PretrainConfiguration),
        Kind.Sft => typeof(SftConfiguration),
        Kind.Reward => typeof(RewardConfiguration),
        Kind.Dpo => typeof(DpoConfiguration),
        Kind.Raft => typeof(RaftConfiguration),
        _ => typeof(PpoConfiguration),
    };
}
