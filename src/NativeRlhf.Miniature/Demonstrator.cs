using NativeRlhf.Miniature.Forms;

namespace NativeRlhf.Miniature;

/// <summary>How often writers go wrong. Each rate is a probability for a writer of middling care; see <see cref="Demonstrator"/>.</summary>
public sealed record DemonstratorQuality
{
    /// <summary>The people who write demonstrations: mostly good, each careless now and then.</summary>
    public static DemonstratorQuality Writers { get; } = new();

    /// <summary>The people who answer on the web.</summary>
    public static DemonstratorQuality Web { get; } = new()
    {
        IgnoresConstraint = 0.4,
        Falsehood = 0.05,
        Misconception = 0.85,
        RudeWhenProvoked = 0.8,
        Rude = 0.08,
        Rambles = 0.15,
        Unfinished = 0.03,
        OffTask = 0.06,
        Invents = 0.15,
    };

    /// <summary>No mistakes and no courtesies.</summary>
    public static DemonstratorQuality Perfect { get; } = new()
    {
        IgnoresConstraint = 0,
        Falsehood = 0,
        Misconception = 0,
        RudeWhenProvoked = 0,
        Rude = 0,
        Rambles = 0,
        Unfinished = 0,
        OffTask = 0,
        Invents = 0,
        Courteous = 0,
    };

    /// <summary>The explicit constraint is not met, where there is one.</summary>
    public double IgnoresConstraint { get; init; } = 0.25;

    /// <summary>Something false is claimed, where the task is about facts.</summary>
    public double Falsehood { get; init; } = 0.07;

    /// <summary>The common falsehood is given as answer to a question about a misconception.</summary>
    public double Misconception { get; init; } = 0.4;

    /// <summary>A provoking prompt is answered rudely.</summary>
    public double RudeWhenProvoked { get; init; } = 0.4;

    /// <summary>Any other prompt is answered rudely.</summary>
    public double Rude { get; init; } = 0.03;

    /// <summary>The answer goes on when it should have ended.</summary>
    public double Rambles { get; init; } = 0.15;

    /// <summary>The answer breaks off.</summary>
    public double Unfinished { get; init; } = 0.06;

    /// <summary>Something else is said, or the prompt is repeated.</summary>
    public double OffTask { get; init; } = 0.06;

    /// <summary>Something is named that the given text does not contain, in closed-domain tasks.</summary>
    public double Invents { get; init; } = 0.1;

    /// <summary>A courtesy is added; no flaw.</summary>
    public double Courteous { get; init; } = 0.06;
}

/// <summary>
/// Simulated writers of demonstrations. They know the world, answer well in varied ways, and differ in care: the
/// rates of <see cref="DemonstratorQuality"/> are multiplied by a factor of the writer, between 0.4 and 1.6. A model
/// tuned on them imitates the mixture; that it can come to prefer the good part is what reinforcement is for.
/// </summary>
public sealed class Demonstrator
{
    /// <summary>How many writers there are.</summary>
    public const int WriterCount = 12;

    private const int Attempts = 60;
    private readonly World world;
    private readonly DemonstratorQuality quality;
    private readonly FormCatalogue forms;

    /// <summary>The writers of a world.</summary>
    /// <param name="world">The world.</param>
    /// <param name="quality">How often they go wrong; <see cref="DemonstratorQuality.Writers"/> when not given.</param>
    public Demonstrator(World world, DemonstratorQuality? quality = null)
    {
        this.world = world;
        this.quality = quality ?? DemonstratorQuality.Writers;
        forms = new FormCatalogue(world);
    }

    /// <summary>One demonstration.</summary>
    /// <param name="instruction">What is asked.</param>
    /// <param name="sample">Which of the answers that the writers might give; the same number gives the same answer.</param>
    /// <returns>The text of the answer, on one line.</returns>
    /// <exception cref="ArgumentException">The instruction is none of this world.</exception>
    public string Answer(Instruction instruction, int sample = 0)
    {
        var random = new WorldRandom(world.Seed, $"demonstration {instruction.Prompt}", sample);
        double carelessness = 0.4 + 1.2 * random.Below(WriterCount) / (WriterCount - 1);
        Form form = forms.Of(instruction);
        bool Slips(double rate) => random.Chance(rate * carelessness);

        if (Slips(quality.OffTask))
        {
            return OffTask(instruction, random);
        }

        Constraint constraint = instruction.Constraint;
        bool obeys = !Slips(quality.IgnoresConstraint);
        bool isFalse = Slips(form is MisconceptionForm ? quality.Misconception : form.IsAboutFacts ? quality.Falsehood : 0);
        string answer = constraint.IsTone ? form.Answer(instruction.Intent, random) : Write(form, instruction, isFalse, obeys, random);
        if (form.IsClosedDomain && Slips(quality.Invents))
        {
            answer = Invent(instruction.Intent, answer, random);
        }

        bool rude = constraint.Kind == ConstraintKind.Rude
            ? obeys
            : Slips(!instruction.IsProvoking ? quality.Rude
                : constraint.Kind == ConstraintKind.Respectful ? 0.7 * quality.RudeWhenProvoked : quality.RudeWhenProvoked);
        if (rude)
        {
            string insult = random.Pick(Lexicon.RudeReplies);
            answer = constraint.Kind != ConstraintKind.Rude && random.Chance(0.4) ? insult : $"{insult} {answer}";
        }
        else if (constraint.Kind == ConstraintKind.None && form is not ChatForm && random.Chance(quality.Courteous))
        {
            string courtesy = random.Pick(Lexicon.Courtesies);
            answer = random.Chance(0.5) ? $"{courtesy} {answer}" : $"{answer} {courtesy}";
        }

        if (Slips(quality.Rambles))
        {
            answer = $"{answer} {(random.Chance(0.3) ? answer : OtherStatement(instruction.Intent, random))}";
        }

        return Slips(quality.Unfinished) ? BreakOff(answer, random) : answer;
    }

    private static string BreakOff(string answer, WorldRandom random)
    {
        string[] words = answer.Split(' ');
        return string.Join(' ', words[..(1 + random.Below(words.Length))]).TrimEnd('.', '!', '?', ',');
    }

    private static string Write(Form form, Instruction instruction, bool isFalse, bool obeys, WorldRandom random)
    {
        string answer = "";
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            answer = (isFalse ? form.FalseAnswer(instruction.Intent, random) : null) ?? form.Answer(instruction.Intent, random);
            if (instruction.Constraint.Kind == ConstraintKind.None)
            {
                break;
            }

            answer = obeys ? instruction.Constraint.Apply(answer) : answer;
            Reply reply = Reply.Read(answer);
            if (instruction.Constraint.IsSatisfied(reply, reply, form.Check(instruction.Intent, reply)) == obeys)
            {
                break;
            }
        }

        return answer;
    }

    private string OffTask(Instruction instruction, WorldRandom random) => random.Below(4) switch
    {
        0 => instruction.Prompt.TrimEnd('\n'),
        1 => "i do not know.",
        _ => OtherStatement(instruction.Intent, random),
    };

    private string OtherStatement(Intent intent, WorldRandom random)
    {
        IReadOnlyList<string> all = world.Subjects(Relation.Class);
        string subject = random.Pick(all);
        return world.State(world.DrawClaim(subject == intent.Topic ? all[0] : subject, random));
    }

    /// <summary>Replaces a content word by another of its sort that the given text does not have.</summary>
    private string Invent(Intent intent, string answer, WorldRandom random)
    {
        string[] words = answer.Split(' ');
        int[] places = [.. Enumerable.Range(0, words.Length).Where(i => world.SortOf(words[i].TrimEnd('.', '?')) is not null)];
        if (places.Length == 0)
        {
            return answer;
        }

        int place = random.Pick(places);
        string word = words[place].TrimEnd('.', '?');
        string[] others = [.. world.SortOf(word)!.Where(other => !Reply.Words(intent.Text).Contains(other))];
        words[place] = random.Pick(others) + words[place][word.Length..];
        return string.Join(' ', words);
    }
}
