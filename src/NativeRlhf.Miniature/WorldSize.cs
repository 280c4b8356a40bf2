namespace NativeRlhf.Miniature;

/// <summary>
/// How large the world is. The tables are ordered, and a world takes the first so many rows of each,
/// so that a smaller world is part of every larger one.
/// </summary>
public sealed record WorldSize
{
    /// <summary>
    /// The world of the <c>demo</c> command: about 300 words, prompts and answers of at most some thirty tokens of a
    /// 640-token BPE; learnable by a model of a million parameters from a million tokens.
    /// </summary>
    public static WorldSize Demo { get; } = new()
    {
        Animals = 8,
        Countries = 6,
        Foods = 6,
        Objects = 6,
        Opposites = 4,
        LargestNumber = 6,
        RhymeGroups = 3,
        Misconceptions = 6,
        Names = 4,
        Places = 4,
        Colours = 4,
        Phrasings = 2,
        UpperCase = false,
        LargestList = 3,
        Users = 100,
    };

    /// <summary>Everything that the tables hold.</summary>
    public static WorldSize Full { get; } = new();

    /// <summary>Animals, each with sound, home, food, legs and colour.</summary>
    public int Animals { get; init; } = Lexicon.Animals.Length;

    /// <summary>Countries, each with its capital.</summary>
    public int Countries { get; init; } = Lexicon.Countries.Length;

    /// <summary>Foods, each with its taste.</summary>
    public int Foods { get; init; } = Lexicon.Foods.Length;

    /// <summary>Objects, each with its use.</summary>
    public int Objects { get; init; } = Lexicon.Objects.Length;

    /// <summary>Pairs of opposites.</summary>
    public int Opposites { get; init; } = Lexicon.Opposites.Length;

    /// <summary>The largest number that has a word; sums do not exceed it.</summary>
    public int LargestNumber { get; init; } = Lexicon.Numbers.Length;

    /// <summary>Groups of rhyming words.</summary>
    public int RhymeGroups { get; init; } = Lexicon.RhymeGroups.Length;

    /// <summary>Falsehoods that the web repeats.</summary>
    public int Misconceptions { get; init; } = Lexicon.Misconceptions.Length;

    /// <summary>People.</summary>
    public int Names { get; init; } = Lexicon.Names.Length;

    /// <summary>Places that people go to.</summary>
    public int Places { get; init; } = Lexicon.Places.Length;

    /// <summary>Colours that objects have; the colours of animals are there in any case.</summary>
    public int Colours { get; init; } = Lexicon.Colours.Length;

    /// <summary>How many phrasings of each instruction are in use, besides the one that is held out.</summary>
    public int Phrasings { get; init; } = 4;

    /// <summary>Whether the constraint "in upper case" exists; it needs a vocabulary that holds such words.</summary>
    public bool UpperCase { get; init; } = true;

    /// <summary>The most items that a list is asked for; lists start at two.</summary>
    public int LargestList { get; init; } = 4;

    /// <summary>Simulated users; of every ten, eight are for training, one for validation, one for the test.</summary>
    public int Users { get; init; } = 400;

    /// <summary>Checks that every number is one that the tables can serve.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range; the message names it.</exception>
    internal void Validate()
    {
        Check(nameof(Animals), Animals, 6, Lexicon.Animals.Length);
        Check(nameof(Countries), Countries, 4, Lexicon.Countries.Length);
        Check(nameof(Foods), Foods, 6, Lexicon.Foods.Length);
        Check(nameof(Objects), Objects, 6, Lexicon.Objects.Length);
        Check(nameof(Opposites), Opposites, 4, Lexicon.Opposites.Length);
        Check(nameof(LargestNumber), LargestNumber, 6, Lexicon.Numbers.Length);
        Check(nameof(RhymeGroups), RhymeGroups, 3, Lexicon.RhymeGroups.Length);
        Check(nameof(Misconceptions), Misconceptions, 6, Lexicon.Misconceptions.Length);
        Check(nameof(Names), Names, 4, Lexicon.Names.Length);
        Check(nameof(Places), Places, 4, Lexicon.Places.Length);
        Check(nameof(Colours), Colours, 4, Lexicon.Colours.Length);
        Check(nameof(Phrasings), Phrasings, 1, 4);
        Check(nameof(LargestList), LargestList, 2, 4);
        Check(nameof(Users), Users, 20, 1_000_000);
    }

    private static void Check(string name, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            throw new ArgumentOutOfRangeException(name, value, $"WorldSize.{name} must be {least} to {most}.");
        }
    }
}
