using System.Text;

namespace NativeRlhf.Miniature;

/// <summary>A task in the base model's own format, of which every item has one right answer.</summary>
public enum FewShotTask
{
    /// <summary>The opposite of a word.</summary>
    Opposites,

    /// <summary>The sum of two numbers.</summary>
    Sums,

    /// <summary>What an animal says.</summary>
    Sounds,

    /// <summary>The capital of a country.</summary>
    Capitals,
}

/// <summary>
/// An item of a few-shot task. It is scored by log-probability: a model solves it when it gives the right completion after
/// the prompt a higher one than every wrong completion.
/// </summary>
/// <param name="Task">The task.</param>
/// <param name="Prompt">A question–answer page that ends with "A:", for the models that continue it.</param>
/// <param name="Completion">The right answer: a space, the value and a full stop.</param>
/// <param name="WrongCompletions">Wrong answers of the same form, all different.</param>
/// <param name="Split">The part of the data; no prompt text is in two.</param>
/// <param name="HeldOut"><see cref="HeldOut.Fact"/> where the subject is one that the usual instructions lack; the web has it in any case.</param>
public sealed record FewShotItem(
    FewShotTask Task, string Prompt, string Completion, IReadOnlyList<string> WrongCompletions, Split Split, HeldOut HeldOut)
{
    /// <summary>The row of a file: <c>prompt</c>, <c>completion</c>, <c>wrong</c> (a list), <c>task</c>, <c>split</c>, <c>held_out</c>.</summary>
    /// <returns>One JSON object without line breaks.</returns>
    public string ToRow() => JsonRow.Write(json =>
    {
        json.WriteString("prompt", Prompt);
        json.WriteString("completion", Completion);
        json.WriteStartArray("wrong");
        foreach (string wrong in WrongCompletions)
        {
            json.WriteStringValue(wrong);
        }

        json.WriteEndArray();
        json.WriteString("task", Task.ToString());
        json.WriteString("split", Split.ToString());
        json.WriteString("held_out", HeldOut.ToString());
    });
}

/// <summary>
/// Tasks in the base model's format, which measure what alignment costs: questions with a checkable answer on a page such
/// as the web text holds, solved examples first. No model is trained on them; what they ask for is in the web text.
/// </summary>
public sealed class FewShotTasks
{
    /// <summary>The most wrong completions of an item, so that guessing solves one item in four.</summary>
    public const int MostWrong = 3;

    /// <summary>The most solved examples before the question.</summary>
    public const int MostShots = 5;

    private const int Attempts = 1000;

    private readonly World world;

    /// <summary>The tasks of a world.</summary>
    /// <param name="world">The world.</param>
    public FewShotTasks(World world) => this.world = world;

    /// <summary>Draws items of one task. Draws are counter-based: a longer sample starts with the shorter one.</summary>
    /// <param name="task">The task.</param>
    /// <param name="count">How many items; their prompts are all different.</param>
    /// <param name="split">Of which part of the data.</param>
    /// <param name="shots">Solved examples before the question; with a 640-token BPE each takes some 15 tokens.</param>
    /// <returns>The items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative or more than there are, or the examples are not 0 to <see cref="MostShots"/>.</exception>
    public IReadOnlyList<FewShotItem> Sample(FewShotTask task, int count, Split split, int shots = 3)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(shots);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shots, MostShots);
        Relation relation = RelationOf(task);
        List<FewShotItem> items = new(count);
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            var random = new WorldRandom(world.Seed, $"few-shot {task} {split} {shots}", i);
            FewShotItem? found = null;
            for (int attempt = 0; attempt < Attempts && found is null; attempt++)
            {
                FewShotItem candidate = Draw(task, relation, split, shots, random);
                if (Instructions.SplitOf(candidate.Prompt) == split && seen.Add(candidate.Prompt))
                {
                    found = candidate;
                }
            }

            items.Add(found ?? throw new ArgumentOutOfRangeException(nameof(count), count,
                $"After {i} items of {task} in the {split} split no new ones are found; ask for fewer, for more shots, or take a larger WorldSize."));
        }

        return items;
    }

    private static Relation RelationOf(FewShotTask task) => task switch
    {
        FewShotTask.Opposites => Relation.Opposite,
        FewShotTask.Sums => Relation.Sum,
        FewShotTask.Sounds => Relation.Sound,
        FewShotTask.Capitals => Relation.Capital,
        _ => throw new ArgumentOutOfRangeException(nameof(task), task, "There is no such task."),
    };

    private FewShotItem Draw(FewShotTask task, Relation relation, Split split, int shots, WorldRandom random)
    {
        string asked = random.Pick(world.Subjects(relation));
        string truth = Truth(relation, asked);

        // "the opposite of cold is hot" on the page would give away that of hot.
        string[] others = [.. world.Subjects(relation).Where(subject => subject != asked && subject != truth)];
        var page = new StringBuilder();
        foreach (string shown in random.Sample(others, shots))
        {
            page.Append(FewShot.Format(Question(relation, shown, random), $"{Truth(relation, shown)}.")).Append('\n');
        }

        page.Append(FewShot.Format(Question(relation, asked, random), "").TrimEnd(' '));
        string[] falsehoods = [.. world.Values(relation).Where(value => value != truth && value != asked)];
        return new FewShotItem(
            task, page.ToString(), Completion(truth), [.. random.Sample(falsehoods, MostWrong).Select(Completion)], split,
            world.IsHeldOut(asked) ? HeldOut.Fact : HeldOut.None);
    }

    private static string Completion(string value) => $" {value}.";

    private string Question(Relation relation, string subject, WorldRandom random)
    {
        string[] questions = RelationWording.Of(relation).Questions;
        return RelationWording.Fill(questions[random.Below(world.Size.Phrasings)], subject, "");
    }

    private string Truth(Relation relation, string subject) => world.TrueValues(relation, subject)[0];
}
