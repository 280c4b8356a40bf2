using System.Text.Json;
using System.Text.Json.Serialization;
using NativeRlhf.Miniature;

namespace NativeRlhf.Runner.Reproduction;

/// <summary>The sets of prompts that every model answers.</summary>
internal static class PromptSets
{
    public const string Test = "test", Misconceptions = "misconceptions", ClosedDomain = "closed-domain",
        Provoking = "provoking", ProvokingRespectful = "provoking-respectful", ProvokingRude = "provoking-rude",
        HeldOutPhrasing = "held-out-phrasing", HeldOutFact = "held-out-fact", HeldOutKind = "held-out-kind";
}

/// <summary>The models of one size.</summary>
internal static class ModelNames
{
    public const string Base = "base", Prompted = "prompted base", Sft = "SFT", Ppo = "PPO", PpoPtx = "PPO-ptx";

    /// <summary>All of them, in the order of the paper's figures.</summary>
    public static IReadOnlyList<string> All { get; } = [Base, Prompted, Sft, Ppo, PpoPtx];
}

/// <summary>A row of <c>answers.jsonl</c>: an answer and all that is said of it.</summary>
/// <param name="Set">One of <see cref="PromptSets"/>.</param>
/// <param name="Kind">The kind of the prompt.</param>
/// <param name="Prompt">The prompt.</param>
/// <param name="Text">The answer.</param>
/// <param name="Ended">Whether the model ended it.</param>
/// <param name="Marks">The judge's marks.</param>
/// <param name="Score">The score of the size's reward model.</param>
/// <param name="Kl">The sum of log π − log π_SFT over the answer, in nats; null where the model saw another prompt.</param>
/// <param name="Ratings">What the training labelers think of it, 1 to 7.</param>
/// <param name="HeldOutRatings">What the held-out labelers think of it.</param>
internal sealed record EvaluatedAnswer(
    string Set, InstructionKind Kind, string Prompt, string Text, bool Ended, Marks Marks, double Score, double? Kl, int[] Ratings, int[] HeldOutRatings);

/// <summary>What was measured of a model, as it stands in the folder of its evaluation.</summary>
/// <param name="Model">One of <see cref="ModelNames"/>, or that of a run of the sweep.</param>
/// <param name="Parameters">How many parameters it has.</param>
/// <param name="KlCoefficient">β of the run that made it; null where there is none.</param>
/// <param name="TextLosses">The loss on each window of held-out web text, in nats per token; empty where the model is another one's with a prompt.</param>
/// <param name="FewShot">For every few-shot task and each of its items 1 where the right answer is the most probable, else 0.</param>
internal sealed record ModelEvaluation(
    string Model, int Parameters, double? KlCoefficient, double[] TextLosses, IReadOnlyDictionary<string, double[]> FewShot)
{
    private const string FileName = "evaluation.json", AnswersName = "answers.jsonl";

    /// <summary>All answers.</summary>
    [JsonIgnore]
    public IReadOnlyList<EvaluatedAnswer> Answers { get; init; } = [];

    /// <summary>The answers to the prompts of a set, in the order of the prompts.</summary>
    public IReadOnlyList<EvaluatedAnswer> To(string set) => [.. Answers.Where(answer => answer.Set == set)];

    public void Write(string folder)
    {
        EvaluationFiles.WriteLines(Path.Combine(folder, AnswersName), Answers);
        EvaluationFiles.Write(Path.Combine(folder, FileName), this);
    }

    public static ModelEvaluation Read(string folder) =>
        EvaluationFiles.Read<ModelEvaluation>(Path.Combine(folder, FileName)) with { Answers = EvaluationFiles.ReadLines<EvaluatedAnswer>(Path.Combine(folder, AnswersName)) };
}

/// <summary>A prompt whose answers the reward model scored and all labelers ranked.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Scores">The reward model's score of each answer.</param>
/// <param name="Training">The ranks that each training labeler gave, 1 the best.</param>
/// <param name="HeldOut">The ranks that each held-out labeler gave.</param>
internal sealed record RankedAnswers(string Prompt, double[] Scores, int[][] Training, int[][] HeldOut);

/// <summary>What was measured of a reward model: <c>rankings.jsonl</c>.</summary>
/// <param name="Prompts">The prompts with their rankings.</param>
internal sealed record RewardEvaluation(IReadOnlyList<RankedAnswers> Prompts)
{
    private const string FileName = "rankings.jsonl";

    public void Write(string folder) => EvaluationFiles.WriteLines(Path.Combine(folder, FileName), Prompts);

    public static RewardEvaluation Read(string folder) => new(EvaluationFiles.ReadLines<RankedAnswers>(Path.Combine(folder, FileName)));
}

/// <summary>How evaluations are stored.</summary>
internal static class EvaluationFiles
{
    private static readonly JsonSerializerOptions Format = new(JsonStyle.Line)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter() },
        RespectRequiredConstructorParameters = true,
    };

    public static void Write<T>(string file, T value) => Checkpoints.AtomicFile.WriteText(file, JsonSerializer.Serialize(value, Format) + "\n");

    public static void WriteLines<T>(string file, IEnumerable<T> values) =>
        Checkpoints.AtomicFile.WriteText(file, string.Concat(values.Select(value => JsonSerializer.Serialize(value, Format) + "\n")));

    public static T Read<T>(string file) => Parse<T>(file, 1, File.ReadAllText(file));

    public static T[] ReadLines<T>(string file) => [.. File.ReadLines(file).Select((line, i) => Parse<T>(file, i + 1, line))];

    private static T Parse<T>(string file, int line, string text)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(text, Format) ?? throw InputException.At(file, line, "no evaluation stands here; remove the stage's folder, and it runs again");
        }
        catch (JsonException exception)
        {
            throw InputException.At(file, line, $"not what an evaluation wrote: {exception.Message.Split(" Path:")[0]}; remove the stage's folder, and it runs again");
        }
    }
}
