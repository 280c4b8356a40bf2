using System.Text.Json.Nodes;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Checkpoints;

/// <summary>
/// Reward models as public <c>GPT2ForSequenceClassification</c> checkpoints with one label: the tensors of the model under
/// <c>transformer.</c>, <c>score.weight</c> (1, C), no vocabulary head, and a config.json that names the class and its label.
/// </summary>
/// <remarks>
/// The score is read at the last token that is no padding. The scale of a normalised model is in its <c>score.weight</c>; the public
/// class has no bias, so that <c>reward_bias</c> stays a key of config.json that we alone read: there its scores are lower by
/// that constant, which no comparison sees.
/// </remarks>
public static class SequenceClassification
{
    private const string Architecture = "GPT2ForSequenceClassification";

    private static readonly string[] Keys = ["architectures", "num_labels", "id2label", "label2id", "problem_type", "pad_token_id"];

    /// <summary>Writes a reward model as such a checkpoint, complete or not at all.</summary>
    /// <param name="directory">The directory; must not exist.</param>
    /// <param name="model">A model with a scalar head.</param>
    /// <param name="tokenizer">Its tokenizer, or null.</param>
    /// <param name="padToken">
    /// A token that stands in no row, with which readers may fill up a batch; with none they score one row at a time. The
    /// end-of-text token will not do: it ends rows, and readers take it for padding and score the token before it.
    /// </param>
    /// <exception cref="InputException">The model has no scalar head, or the padding token is none of its tokens or ends texts.</exception>
    public static void Save(string directory, Gpt model, TextTokenizer? tokenizer, int? padToken)
    {
        if (!model.HasScore) throw new InputException("the model has no score.weight, so it is not a reward model; train one with: nativerlhf reward");
        if (padToken is { } pad && (pad < 0 || pad >= model.Config.VocabularySize)) throw new InputException($"the padding token is {pad}; the ids of this model are 0 to {model.Config.VocabularySize - 1}");
        if (padToken is not null && padToken == (model.Config.EosToken ?? tokenizer?.EndOfText))
            throw new InputException($"the padding token {padToken} is the end-of-text token, which ends the rows that are scored; name a token that stands in no row, or none");
        var other = (JsonObject)model.Config.Other.DeepClone();
        other["architectures"] = new JsonArray(Architecture);
        other["num_labels"] = 1;
        other["id2label"] = new JsonObject { ["0"] = "score" };
        other["label2id"] = new JsonObject { ["score"] = 0 };
        other["problem_type"] = "regression";
        other["pad_token_id"] = padToken;
        // There is no vocabulary head to be tied to anything, and the public class is none the wiser.
        var config = model.Config with { TieWordEmbeddings = true, LmHeadBias = false, Other = other };
        AtomicDirectory.Write(directory, folder =>
        {
            AtomicFile.WriteText(Path.Combine(folder, "config.json"), config.ToJson(isRewardModel: true).ToJsonString(JsonStyle.Indented) + "\n");
            ModelDirectory.WriteTensors(
                Path.Combine(folder, SafeTensorsSet.FileName),
                [.. model.Config.Specs(hasScore: true).Where(spec => !spec.Name.StartsWith("lm_head.", StringComparison.Ordinal))],
                (spec, values) => ModelDirectory.ReadMerged(model, spec, values),
                spec => spec.Name == "score.weight" ? spec.Name : ModelDirectory.Prefix + spec.Name);
            tokenizer?.Save(folder);
        });
    }

    /// <summary>Reads such a checkpoint as a reward model.</summary>
    /// <param name="device">The device that it will live on.</param>
    /// <param name="directory">The directory.</param>
    /// <returns>The model, without what config.json says of labels; to be disposed by the caller.</returns>
    /// <exception cref="InputException">It is of another class, has not one label, or is damaged.</exception>
    public static Gpt Load(ComputeDevice device, string directory)
    {
        string file = Path.Combine(directory, "config.json");
        var config = GptConfig.Load(file);
        if (config.Other["architectures"] is JsonArray { Count: > 0 } classes && classes[0]?.ToString() != Architecture)
            throw new InputException($"{file}: architectures is {classes.ToJsonString()}; expected [\"{Architecture}\"]");
        // Where the keys are absent the public default is two labels.
        int labels = (config.Other["id2label"] as JsonObject)?.Count ?? (config.Other["num_labels"] is JsonValue number && number.TryGetValue(out int count) ? count : 2);
        if (labels != 1) throw new InputException($"{file}: the model has {labels} labels (id2label, num_labels); a reward model has one, its score");
        var other = new JsonObject(config.Other.Where(entry => !Keys.Contains(entry.Key)).Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone())));
        return ModelDirectory.Load(device, directory, ScoreHead.Required, out _, config with { Other = other });
    }
}
