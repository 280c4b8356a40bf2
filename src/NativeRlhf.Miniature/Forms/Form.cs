namespace NativeRlhf.Miniature.Forms;

/// <summary>What a form of task says about an answer to it.</summary>
/// <param name="Follows">The answer does what is asked, right or wrong.</param>
/// <param name="Claims">What the answer claims by being an answer: "meat." to "what does the dog eat?"</param>
/// <param name="IsFragment">It answers without being a sentence.</param>
internal sealed record Verdict(bool Follows, IReadOnlyList<Claim> Claims, bool IsFragment = false)
{
    public static readonly Verdict No = new(false, []);

    public static readonly Verdict Yes = new(true, []);

    public static Verdict If(bool follows) => follows ? Yes : No;
}

/// <summary>
/// A form of task: it draws what is asked, words the prompt, answers it well, and checks an answer. Demonstrator and
/// judge share nothing but the grammar of the world: an answer is checked by reading it, not by comparing it with
/// what the demonstrator would have written.
/// </summary>
internal abstract class Form(World world)
{
    /// <summary>The name in <see cref="Intent.Form"/>.</summary>
    public abstract string Name { get; }

    /// <summary>The kind to which it belongs.</summary>
    public abstract InstructionKind Kind { get; }

    /// <summary>Its weight within its kind.</summary>
    public abstract double Share { get; }

    /// <summary>Whether the answer must come from a text in the prompt.</summary>
    public virtual bool IsClosedDomain => false;

    /// <summary>Whether a good answer may ask something; elsewhere an answer with a question mark does not follow.</summary>
    public virtual bool MayAsk => false;

    /// <summary>Whether it asks about subjects of which some are held out.</summary>
    public virtual bool IsAboutFacts => false;

    protected World World => world;

    protected Narrative Narrative { get; } = new(world);

    /// <summary>Decides what is asked.</summary>
    public abstract Intent Draw(Drawer draw);

    /// <summary>Whether the intent is one that this world can have; rows of a file may come from another.</summary>
    public abstract bool Knows(Intent intent);

    /// <summary>Wordings of the prompt, the last of them held out; <c>{n}</c> stands for the count of the constraint.</summary>
    public abstract IReadOnlyList<string> Phrasings(Intent intent);

    /// <summary>Decides what is demanded besides, such that some answer can satisfy it.</summary>
    public virtual Constraint DrawConstraint(Intent intent, WorldRandom random) => Constraint.None;

    /// <summary>A good answer, one of many; constraints are the caller's business.</summary>
    public abstract string Answer(Intent intent, WorldRandom random);

    /// <summary>An answer that claims something false, or null when the form knows no particular one.</summary>
    public virtual string? FalseAnswer(Intent intent, WorldRandom random) => null;

    /// <summary>Reads an answer, whose courtesies and rude sentences are already set aside.</summary>
    public abstract Verdict Check(Intent intent, Reply reply);

    /// <summary>The event in the given text, which <see cref="Knows"/> has checked.</summary>
    protected Event ReadEvent(string sentence) => Narrative.TryRead(sentence.TrimEnd('.'), out Event? told)
        ? told
        : throw new ArgumentException($"\"{sentence}\" is no sentence of this world.");

    protected bool IsEvent(string sentence) => Narrative.TryRead(sentence.TrimEnd('.'), out _);

    protected static string Fill(string pattern, string key, string value) =>
        pattern.Replace("{" + key + "}", value, StringComparison.Ordinal);

    protected static IReadOnlyList<string> Fill(IEnumerable<string> patterns, string key, string value) =>
        [.. patterns.Select(pattern => Fill(pattern, key, value))];
}

/// <summary>Which subjects may be drawn.</summary>
internal enum FactScope
{
    /// <summary>Those that are not held out.</summary>
    Usual,

    /// <summary>Only those that are held out.</summary>
    HeldOut,

    /// <summary>All: the web knows everything.</summary>
    All,
}

/// <summary>Draws the parts of a task for a user, who has favourites.</summary>
internal sealed class Drawer(World world, WorldRandom random, FactScope scope, int user)
{
    public World World => world;

    public WorldRandom Random => random;

    /// <summary>A subject that the scope allows, more often one that the user likes.</summary>
    public string Subject(IReadOnlyList<string> subjects)
    {
        string[] allowed = [.. subjects.Where(IsAllowed)];
        return Favourite(allowed);
    }

    /// <summary>Whether the scope allows any of the subjects.</summary>
    public bool HasSubject(IReadOnlyList<string> subjects) => subjects.Any(IsAllowed);

    /// <summary>Of two draws the one that the user likes better.</summary>
    public T Favourite<T>(IReadOnlyList<T> items) where T : notnull
    {
        T first = random.Pick(items);
        T second = random.Pick(items);
        return Liking(first) >= Liking(second) ? first : second;
    }

    /// <summary>A number in [0, 1) that is the user's own.</summary>
    public double Habit(string what) => (WorldRandom.Hash($"{world.Seed} {user} {what}") >> 11) * (1.0 / (1UL << 53));

    private bool IsAllowed(string subject) => scope == FactScope.All || world.IsHeldOut(subject) == (scope == FactScope.HeldOut);

    private double Liking<T>(T item) => Habit($"likes {item}");
}
