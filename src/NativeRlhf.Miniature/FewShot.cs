namespace NativeRlhf.Miniature;

/// <summary>
/// The "prompted base" of the paper: a base model that is shown a question–answer page, in the form in which the
/// web text holds such pages, and continues it.
/// </summary>
public sealed class FewShot
{
    /// <summary>The most examples in a prompt.</summary>
    public const int MostShots = 40;

    private readonly World world;
    private readonly IReadOnlyList<Instruction> examples;
    private readonly Demonstrator demonstrator;

    /// <summary>Few-shot prompts of a world.</summary>
    /// <param name="world">The world.</param>
    public FewShot(World world)
    {
        this.world = world;
        examples = new Instructions(world).Sample(MostShots, Split.Train);
        demonstrator = new Demonstrator(world, DemonstratorQuality.Perfect);
    }

    /// <summary>A question with its answer, as pages hold them: "Q: …", a new line, "A: …".</summary>
    /// <param name="prompt">A prompt, with or without its line feed.</param>
    /// <param name="answer">Its answer.</param>
    /// <returns>Two lines without a line feed at the end.</returns>
    public static string Format(string prompt, string answer) => $"Q: {prompt.TrimEnd('\n')}\nA: {answer}";

    /// <summary>The text that a base model is to continue: flawless examples, then the question.</summary>
    /// <param name="instruction">What is asked.</param>
    /// <param name="shots">How many examples from the training split; with a 640-token BPE each takes some 22 tokens.</param>
    /// <returns>A text that ends with "A:".</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number of examples is negative or more than <see cref="MostShots"/>.</exception>
    public string Prompt(Instruction instruction, int shots = 2)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(shots);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shots, MostShots);
        var random = new WorldRandom(world.Seed, $"few-shot {instruction.Prompt}");
        IEnumerable<string> pages = random.Sample(examples, shots)
            .Select(example => Format(example.Prompt, demonstrator.Answer(example)) + "\n");
        return string.Concat(pages) + Format(instruction.Prompt, "").TrimEnd(' ');
    }

    /// <summary>The answer within what the base model wrote: its first line. A line feed ends it as properly as an end of text.</summary>
    /// <param name="continuation">What the model wrote after <see cref="Prompt"/>.</param>
    /// <param name="ended">Whether it ended by itself.</param>
    /// <returns>The answer.</returns>
    public static Answer Read(string continuation, bool ended)
    {
        string text = continuation.TrimStart(' ');
        int end = text.IndexOf('\n', StringComparison.Ordinal);
        return end < 0 ? new Answer(text, ended) : new Answer(text[..end]);
    }
}
