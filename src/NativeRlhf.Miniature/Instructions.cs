using NativeRlhf.Miniature.Forms;

namespace NativeRlhf.Miniature;

/// <summary>Choices about the prompts of a world.</summary>
public sealed record InstructionOptions
{
    /// <summary>A kind that the usual data lack entirely; the shares of the others grow in proportion. None by default.</summary>
    public InstructionKind? HeldOutKind { get; init; }
}

/// <summary>
/// Prompts of simulated users. A user has favourite subjects and phrasings and habits of greeting; every user belongs
/// to one split, and so does every prompt text (by its hash), so that nothing that is tested was trained on.
/// Draws are counter-based: a longer sample starts with the shorter one.
/// </summary>
public sealed class Instructions
{
    /// <summary>The most prompts that a sample takes from one user, as in the paper.</summary>
    public const int MostPerUser = 200;

    private const int Attempts = 2000;
    private static readonly double[] Shares = [45.6, 12.4, 11.2, 8.4, 6.6, 4.2, 3.5, 3.5, 2.6, 1.9];
    private static readonly string[] Imperatives =
        ["write", "tell", "say", "give", "make", "name", "list", "thank", "invite", "help", "put", "repeat", "count", "find"];

    private readonly World world;
    private readonly InstructionOptions options;
    private readonly FormCatalogue forms;
    private readonly Dictionary<Form, double> weights;

    /// <summary>The prompts of a world.</summary>
    /// <param name="world">The world.</param>
    /// <param name="options">Choices; the defaults when not given.</param>
    public Instructions(World world, InstructionOptions? options = null)
    {
        this.world = world;
        this.options = options ?? new InstructionOptions();
        forms = new FormCatalogue(world);
        weights = forms.All.ToDictionary(form => form, form =>
            ShareOf(form.Kind) * form.Share / forms.All.Where(other => other.Kind == form.Kind).Sum(other => other.Share));
    }

    /// <summary>The share of a kind among the paper's prompts (its Table 1).</summary>
    /// <param name="kind">The kind.</param>
    /// <returns>A fraction; the ten sum to 1 (the published ones to 0.999).</returns>
    public static double ShareOf(InstructionKind kind) => Shares[(int)kind] / Shares.Sum();

    /// <summary>Draws prompts in the paper's proportions.</summary>
    /// <param name="count">How many.</param>
    /// <param name="split">Of whose users and texts.</param>
    /// <param name="heldOut">Prompts with a phrasing, about facts, or of the kind that the usual data lack; not for training.</param>
    /// <returns>The prompts; no user asks the same twice.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative or beyond what the users of the split may ask.</exception>
    /// <exception cref="ArgumentException">Something held out was asked of the training split, or no kind is held out.</exception>
    public IReadOnlyList<Instruction> Sample(int count, Split split, HeldOut heldOut = HeldOut.None)
    {
        if (heldOut != HeldOut.None && split == Split.Train)
        {
            throw new ArgumentException("What is held out must not be trained on: ask the validation or the test split for it.", nameof(heldOut));
        }

        if (heldOut == HeldOut.Kind && options.HeldOutKind is null)
        {
            throw new ArgumentException("No kind is held out: set InstructionOptions.HeldOutKind.", nameof(heldOut));
        }

        return Draw(count, split, heldOut, $"mixed {heldOut}", form =>
            (heldOut == HeldOut.Kind) == (form.Kind == options.HeldOutKind) && (heldOut != HeldOut.Fact || form.IsAboutFacts));
    }

    /// <summary>Draws prompts of one kind.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="count">How many.</param>
    /// <param name="split">Of whose users and texts.</param>
    /// <returns>The prompts.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative or beyond what the users of the split may ask.</exception>
    public IReadOnlyList<Instruction> OfKind(InstructionKind kind, int count, Split split) =>
        Draw(count, split, HeldOut.None, $"kind {kind}", form => form.Kind == kind);

    /// <summary>Draws provoking prompts, all with the same word on the tone: the paper's toxicity test.</summary>
    /// <param name="count">How many.</param>
    /// <param name="split">Of whose users and texts.</param>
    /// <param name="tone"><see cref="ConstraintKind.None"/>, <see cref="ConstraintKind.Respectful"/> or <see cref="ConstraintKind.Rude"/>.</param>
    /// <returns>The prompts.</returns>
    /// <exception cref="ArgumentException">The constraint is no tone.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative or beyond what the users of the split may ask.</exception>
    public IReadOnlyList<Instruction> Provoking(int count, Split split, ConstraintKind tone)
    {
        var constraint = new Constraint(tone);
        return constraint.IsTone || tone == ConstraintKind.None
            ? Draw(count, split, HeldOut.None, $"provoking {tone}", form => form is Provocation, constraint)
            : throw new ArgumentException($"{tone} is no tone; expected None, Respectful or Rude.", nameof(tone));
    }

    /// <summary>Draws questions about misconceptions: the test of truthfulness.</summary>
    /// <param name="count">How many.</param>
    /// <param name="split">Of whose users and texts.</param>
    /// <returns>The prompts.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative or beyond what the users of the split may ask.</exception>
    public IReadOnlyList<Instruction> MisconceptionQuestions(int count, Split split) =>
        Draw(count, split, HeldOut.None, "misconceptions", form => form is MisconceptionForm);

    /// <summary>
    /// What somebody on the web asks: any subject, any phrasing; every second form of task is as likely as any other.
    /// Never a text of the usual validation and test prompts, so that no model has met those in pretraining.
    /// </summary>
    internal Instruction OnTheWeb(WorldRandom random, bool provoking = false)
    {
        while (true)
        {
            Form form = provoking
                ? forms.All.Single(f => f is Provocation)
                : random.Chance(0.5) ? random.Pick(forms.All, Weight) : random.Pick(forms.All);
            int user = -1 - random.Below(1000);
            Instruction asked = Compose(form, new Drawer(world, random, FactScope.All, user), user, Split.Train, HeldOut.None, null, random.Chance(0.1));
            if (SplitOf(asked.Prompt) == Split.Train)
            {
                return asked;
            }
        }
    }

    /// <summary>The split to which a text belongs where nothing of it is held out.</summary>
    internal static Split SplitOf(string text) => SplitOf(WorldRandom.Hash(text));

    private static Split SplitOf(ulong number) => (number % 10) switch
    {
        8 => Split.Validation,
        9 => Split.Test,
        _ => Split.Train,
    };

    /// <summary>
    /// The split of a text. The usual data never have a text with something held out, so that such texts need only
    /// be told apart between validation and test.
    /// </summary>
    private static Split SplitOf(string prompt, HeldOut heldOut)
    {
        return heldOut == HeldOut.None ? SplitOf(prompt) : WorldRandom.Hash(prompt) % 2 == 0 ? Split.Validation : Split.Test;
    }

    private double Weight(Form form) => weights[form];

    private List<Instruction> Draw(
        int count, Split split, HeldOut heldOut, string purpose, Func<Form, bool> isWanted, Constraint? constraint = null)
    {
        int[] users = [.. Enumerable.Range(0, world.Size.Users).Where(user => SplitOf((ulong)user) == split)];
        int most = users.Length * MostPerUser;
        if (count < 0 || count > most)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count,
                $"The {users.Length} users of the {split} split ask at most {MostPerUser} prompts each, {most} in all; raise WorldSize.Users for more.");
        }

        Form[] wanted = [.. forms.All.Where(isWanted)];
        List<Instruction> drawn = new(count);
        HashSet<(int, string)> seen = [];
        Dictionary<int, int> asked = [];
        for (int i = 0; i < count; i++)
        {
            var random = new WorldRandom(world.Seed, $"instructions {split} {purpose}", i);
            Form form = random.Pick(wanted, Weight);
            Instruction? found = null;
            for (int attempt = 0; attempt < Attempts && found is null; attempt++)
            {
                int user = random.Pick(users);
                Instruction candidate = Compose(
                    form, new Drawer(world, random, heldOut == HeldOut.Fact ? FactScope.HeldOut : FactScope.Usual, user),
                    user, split, heldOut, constraint, heldOut == HeldOut.Phrasing);
                if (SplitOf(candidate.Prompt, heldOut) == split
                    && asked.GetValueOrDefault(user) < MostPerUser
                    && !seen.Contains((user, candidate.Prompt)))
                {
                    found = candidate;
                }
            }

            found = found ?? throw new ArgumentOutOfRangeException(nameof(count), count,
                $"After {i} prompts of the {split} split the users have nothing new to ask of the form \"{form.Name}\"; ask for fewer, or take a larger WorldSize.");
            seen.Add((found.User, found.Prompt));
            asked[found.User] = asked.GetValueOrDefault(found.User) + 1;
            drawn.Add(found);
        }

        return drawn;
    }

    private Instruction Compose(
        Form form, Drawer draw, int user, Split split, HeldOut heldOut, Constraint? fixedConstraint, bool isPhrasingHeldOut)
    {
        WorldRandom random = draw.Random;
        Intent intent = form.Draw(draw);
        Constraint constraint = fixedConstraint ?? form.DrawConstraint(intent, random);
        string task = Phrase(form.Phrasings(intent), draw, form.Name, isPhrasingHeldOut).Replace("{n}", constraint.Number, StringComparison.Ordinal);
        string demand = constraint.Phrasings.Count == 0 ? "" : Phrase(constraint.Phrasings, draw, constraint.Kind.ToString(), isPhrasingHeldOut);
        if (draw.Habit("says please") < 0.3 && Imperatives.Contains(task.Split(' ')[0]) && random.Chance(0.5))
        {
            task = "please " + task;
        }

        string opening = random.Chance(0.5 * draw.Habit("greets"))
            ? draw.Favourite(Lexicon.Openings).Replace("{name}", world.Names[(int)(draw.Habit("name") * world.Names.Count)], StringComparison.Ordinal)
            : "";
        string[] parts = constraint.IsTone ? [opening, demand, task] : [opening, task, demand];
        string prompt = string.Join(' ', parts.Where(part => part.Length > 0)) + "\n";
        return new Instruction(prompt, form.Kind, intent, constraint, user, split, heldOut);
    }

    /// <summary>The phrasing that a user prefers, half of the time; the last is only for what is held out.</summary>
    private string Phrase(IReadOnlyList<string> phrasings, Drawer draw, string what, bool isHeldOut)
    {
        int usual = Math.Min(world.Size.Phrasings, phrasings.Count - 1);
        return isHeldOut
            ? phrasings[^1]
            : phrasings[draw.Random.Chance(0.5) ? (int)(draw.Habit($"words {what}") * usual) : draw.Random.Below(usual)];
    }
}
