using System.Text;

namespace NativeRlhf.Miniature;

/// <summary>How much of everything the files of a world hold.</summary>
public sealed record WorldFileOptions
{
    /// <summary>For <see cref="WorldSize.Demo"/>: what the <c>demo</c> command trains on.</summary>
    public static WorldFileOptions Demo { get; } = new();

    /// <summary>For <see cref="WorldSize.Full"/>.</summary>
    public static WorldFileOptions Full { get; } = new()
    {
        PretrainingTokens = 10_000_000,
        Demonstrations = 10_000,
        Prompts = 20_000,
    };

    /// <summary>About how many tokens of web text for training; see <see cref="WebText.CharactersPerToken"/>.</summary>
    public int PretrainingTokens { get; init; } = 1_000_000;

    /// <summary>Demonstrations.</summary>
    public int Demonstrations { get; init; } = 2000;

    /// <summary>Training prompts; the first of them are those of the demonstrations.</summary>
    public int Prompts { get; init; } = 4000;

    /// <summary>Prompts of the test split.</summary>
    public int TestPrompts { get; init; } = 1000;

    /// <summary>Prompts of the validation split, and of each file with something held out, with a tone, or about misconceptions.</summary>
    public int ProbePrompts { get; init; } = 150;

    /// <summary>Items of each few-shot task.</summary>
    public int FewShotItems { get; init; } = 200;

    /// <summary>The kind that all files but its own lack (the web text has it); null for none, and no such file.</summary>
    public InstructionKind? HeldOutKind { get; init; } = InstructionKind.Extraction;
}

/// <summary>A data file of a world.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Use">What it is for.</param>
/// <param name="Lines">Its lines, made as they are read.</param>
public sealed record WorldFile(string Name, string Use, IEnumerable<string> Lines)
{
    /// <summary>The whole content; every line ends with a line feed.</summary>
    /// <returns>The text and the number of its lines.</returns>
    public (string Text, int Lines) Content()
    {
        var text = new StringBuilder();
        int lines = 0;
        foreach (string line in Lines)
        {
            text.Append(line).Append('\n');
            lines++;
        }

        return (text.ToString(), lines);
    }
}

/// <summary>
/// A world as ordinary data files, on which any tool can train: JSON lines, one file a use. The same world and options
/// give the same bytes on every machine. Rows of prompts have the fields that <see cref="Instruction.FromRow(string)"/>
/// needs, so that answers to them can be judged.
/// </summary>
public sealed class WorldFiles
{
    /// <summary>The held-out part of the web text is so many times smaller than the training part.</summary>
    public const int HeldOutPart = 25;

    private readonly World world;
    private readonly WorldFileOptions options;
    private readonly Instructions instructions;

    /// <summary>The files of a world.</summary>
    /// <param name="world">The world.</param>
    /// <param name="options">How much of everything; <see cref="WorldFileOptions.Demo"/> when not given.</param>
    public WorldFiles(World world, WorldFileOptions? options = null)
    {
        this.world = world;
        this.options = options ?? WorldFileOptions.Demo;
        instructions = new Instructions(world, new InstructionOptions { HeldOutKind = this.options.HeldOutKind });
    }

    /// <summary>The file with the facts; all others are JSON lines.</summary>
    public WorldFile Facts => new("facts.json", "every fact and misconception, to look up", FactsDocument());

    /// <summary>Text for pretraining.</summary>
    public WorldFile Web => new("web.jsonl", "text for pretraining", world.WebDocuments(Split.Train, options.PretrainingTokens).Select(Document));

    /// <summary>Text that measures the pretraining loss.</summary>
    public WorldFile WebHeldOut => new(
        "web-held-out.jsonl", "text that measures the pretraining loss",
        world.WebDocuments(Split.Test, options.PretrainingTokens / HeldOutPart).Select(Document));

    /// <summary>Prompts with completions, for SFT.</summary>
    public WorldFile Demonstrations => new("demonstrations.jsonl", "prompts with demonstrations, for SFT", Demonstrate());

    /// <summary>Prompts for comparisons and PPO.</summary>
    public WorldFile Prompts => Asked("prompts.jsonl", "prompts for comparisons and PPO", () => instructions.Sample(options.Prompts, Split.Train));

    /// <summary>Prompts of the validation split.</summary>
    public WorldFile ValidationPrompts => Asked(
        "validation-prompts.jsonl", "prompts to choose settings by", () => instructions.Sample(options.ProbePrompts, Split.Validation));

    /// <summary>Prompts of the test split.</summary>
    public WorldFile TestPrompts => Asked("test-prompts.jsonl", "prompts of the final measurement", () => instructions.Sample(options.TestPrompts, Split.Test));

    /// <summary>Questions about misconceptions, each with the truth and the falsehood.</summary>
    public WorldFile Misconceptions => new("misconceptions.jsonl", "questions that measure truthfulness, with truth and falsehood", AskMisconceptions());

    /// <summary>Items of the few-shot tasks.</summary>
    public WorldFile FewShotTasks => new("few-shot-tasks.jsonl", "question pages in the base model's format, which measure the alignment tax", DrawFewShot());

    /// <summary>All files, in the order in which a pipeline uses them.</summary>
    public IReadOnlyList<WorldFile> All =>
    [
        Facts, Web, WebHeldOut, Demonstrations, Prompts, ValidationPrompts, TestPrompts,
        HeldOutPrompts(HeldOut.Phrasing), HeldOutPrompts(HeldOut.Fact),
        .. options.HeldOutKind is null ? Array.Empty<WorldFile>() : [HeldOutPrompts(HeldOut.Kind)],
        Provoking(ConstraintKind.None), Provoking(ConstraintKind.Respectful), Provoking(ConstraintKind.Rude),
        Misconceptions, FewShotTasks,
    ];

    /// <summary>Test prompts with something that the usual data lack.</summary>
    /// <param name="what">A phrasing, a fact or the kind.</param>
    /// <returns><c>held-out-phrasings.jsonl</c>, <c>held-out-facts.jsonl</c> or <c>held-out-kind.jsonl</c>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Nothing is asked for.</exception>
    public WorldFile HeldOutPrompts(HeldOut what) => Asked(
        what switch
        {
            HeldOut.Phrasing => "held-out-phrasings.jsonl",
            HeldOut.Fact => "held-out-facts.jsonl",
            HeldOut.Kind => "held-out-kind.jsonl",
            _ => throw new ArgumentOutOfRangeException(nameof(what), what, "Expected Phrasing, Fact or Kind."),
        },
        "test prompts that differ from all of training by this",
        () => instructions.Sample(options.ProbePrompts, Split.Test, what));

    /// <summary>Test prompts that provoke a rude answer.</summary>
    /// <param name="tone">Without a word on the tone (<see cref="ConstraintKind.None"/>), <see cref="ConstraintKind.Respectful"/> or <see cref="ConstraintKind.Rude"/>.</param>
    /// <returns><c>provoking-none.jsonl</c>, <c>provoking-respectful.jsonl</c> or <c>provoking-rude.jsonl</c>.</returns>
    public WorldFile Provoking(ConstraintKind tone) => Asked(
        $"provoking-{tone.ToString().ToLowerInvariant()}.jsonl", "test prompts that measure toxicity", () => instructions.Provoking(options.ProbePrompts, Split.Test, tone));

    private static WorldFile Asked(string name, string use, Func<IReadOnlyList<Instruction>> draw)
    {
        return new WorldFile(name, use, Rows());

        IEnumerable<string> Rows()
        {
            foreach (Instruction instruction in draw())
            {
                yield return instruction.ToRow();
            }
        }
    }

    private static string Document(string text) => JsonRow.Write(json => json.WriteString("text", text));

    /// <summary>A prompt that comes again is answered anew, so that no writer's slip is shown time after time.</summary>
    private IEnumerable<string> Demonstrate()
    {
        var demonstrator = new Demonstrator(world);
        var answered = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (Instruction instruction in instructions.Sample(options.Demonstrations, Split.Train))
        {
            int times = answered.GetValueOrDefault(instruction.Prompt);
            answered[instruction.Prompt] = times + 1;
            yield return instruction.ToDemonstrationRow(demonstrator.Answer(instruction, times));
        }
    }

    private IEnumerable<string> AskMisconceptions()
    {
        foreach (Instruction question in instructions.MisconceptionQuestions(options.ProbePrompts, Split.Test))
        {
            Misconception matter = world.Misconceptions.Single(m => m.Topic == question.Intent.Topic);
            yield return question.ToQuestionRow(
                world.State(new Claim(Relation.Misconception, matter.Topic, matter.Truth)),
                world.State(new Claim(Relation.Misconception, matter.Topic, matter.Falsehood)));
        }
    }

    private IEnumerable<string> DrawFewShot()
    {
        var tasks = new FewShotTasks(world);
        foreach (FewShotTask task in Enum.GetValues<FewShotTask>())
        {
            foreach (FewShotItem item in tasks.Sample(task, options.FewShotItems, Split.Test))
            {
                yield return item.ToRow();
            }
        }
    }

    /// <summary>One JSON document, a fact a line, so that it can be searched as text.</summary>
    private IEnumerable<string> FactsDocument()
    {
        string[] facts = [.. Enum.GetValues<Relation>().SelectMany(relation => world.Subjects(relation)
            .SelectMany(subject => world.TrueValues(relation, subject).Select(value => Fact(new Claim(relation, subject, value)))))];
        string[] misconceptions = [.. world.Misconceptions.Select(m => JsonRow.Write(json =>
        {
            json.WriteString("topic", m.Topic);
            json.WriteString("truth", world.State(new Claim(Relation.Misconception, m.Topic, m.Truth)));
            json.WriteString("falsehood", world.State(new Claim(Relation.Misconception, m.Topic, m.Falsehood)));
            json.WriteBoolean("held_out", world.IsHeldOut(m.Topic));
        }))];
        yield return "{\"facts\":[";
        foreach (string line in WithCommas(facts))
        {
            yield return line;
        }

        yield return "],\"misconceptions\":[";
        foreach (string line in WithCommas(misconceptions))
        {
            yield return line;
        }

        yield return "]}";
    }

    private string Fact(Claim claim) => JsonRow.Write(json =>
    {
        json.WriteString("relation", claim.Relation.ToString());
        json.WriteString("subject", claim.Subject);
        json.WriteString("value", claim.Value);
        json.WriteString("statement", world.State(claim));
        json.WriteBoolean("held_out", world.IsHeldOut(claim.Subject));
    });

    private static IEnumerable<string> WithCommas(string[] items) => items.Select((item, i) => i < items.Length - 1 ? item + "," : item);
}
