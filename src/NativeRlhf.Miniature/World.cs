using System.Diagnostics.CodeAnalysis;

namespace NativeRlhf.Miniature;

/// <summary>
/// The small world: its words, its facts and the sentences that state them. Everything else (web text, instructions,
/// demonstrations, judge, labelers) is made from it and from its seed. The same seed and size give the same texts on
/// every machine.
/// </summary>
public sealed class World
{
    private static readonly string[] Legs = ["no", "two", "four", "six"];
    private static readonly string[] Tastes = ["sweet", "sour", "salty", "bitter"];
    private static readonly string[] Classes = ["an animal", "a food", "a thing"];

    private readonly Dictionary<(Relation, string), string[]> facts = [];
    private readonly Dictionary<string, Claim> statements = new(StringComparer.Ordinal);
    private readonly int longestStatement;
    private readonly Dictionary<string, IReadOnlyList<string>> categoryOf = new(StringComparer.Ordinal);
    private readonly HashSet<string> heldOutSubjects = new(StringComparer.Ordinal);
    private readonly Dictionary<Relation, IReadOnlyList<string>> values = [];
    private readonly Dictionary<Relation, IReadOnlyList<string>> subjects = [];

    /// <summary>Makes the world of a seed.</summary>
    /// <param name="seed">Decides every text that is drawn from the world; the facts are the same for every seed.</param>
    /// <param name="size">How many words and facts; <see cref="WorldSize.Demo"/> when not given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number of <paramref name="size"/> is out of its range.</exception>
    public World(long seed = 42, WorldSize? size = null)
    {
        Seed = seed;
        Size = size ?? WorldSize.Demo;
        Size.Validate();
        string[][] animals = Lexicon.Animals[..Size.Animals];
        string[][] countries = Lexicon.Countries[..Size.Countries];
        string[][] foods = Lexicon.Foods[..Size.Foods];
        string[][] objects = Lexicon.Objects[..Size.Objects];
        Animals = Column(animals, 0);
        Countries = Column(countries, 0);
        Foods = Column(foods, 0);
        Objects = Column(objects, 0);
        Colours = [.. Lexicon.Colours[..Size.Colours].Union(Column(animals, 5))];
        Names = Lexicon.Names[..Size.Names];
        Places = Lexicon.Places[..Size.Places];
        Moods = [.. Lexicon.GoodMoods, .. Lexicon.BadMoods];
        Numbers = Lexicon.Numbers[..Size.LargestNumber];
        Misconceptions = Lexicon.Misconceptions[..Size.Misconceptions];

        AddTable(Relation.Sound, animals, 1);
        AddTable(Relation.Home, animals, 2);
        AddTable(Relation.Diet, animals, 3);
        AddTable(Relation.Legs, animals, 4, Legs);
        AddTable(Relation.Colour, animals, 5, Colours);
        AddTable(Relation.Capital, countries, 1);
        AddTable(Relation.Taste, foods, 1, Tastes);
        AddTable(Relation.Use, objects, 1);
        AddClasses();
        AddOpposites();
        AddNumbers();
        AddRhymes();
        foreach (IReadOnlyList<string> list in new[] { Animals, Foods, Objects, Countries })
        {
            HoldOut(list);
        }

        HoldOut([.. Misconceptions.Select(m => m.Topic)]);
        AddStatements();
        longestStatement = statements.Keys.Max(sentence => sentence.Split(' ').Length);
        foreach (IReadOnlyList<string> category in new[]
        {
            Animals, Foods, Objects, Countries, Colours, Names, Places, Moods, Numbers, values[Relation.Sound],
            values[Relation.Home], values[Relation.Diet], values[Relation.Capital], values[Relation.Use], Tastes,
        })
        {
            foreach (string word in category)
            {
                categoryOf.TryAdd(word, category);
            }
        }
    }

    /// <summary>The seed of every text that is drawn from the world.</summary>
    public long Seed { get; }

    /// <summary>How many words and facts there are.</summary>
    public WorldSize Size { get; }

    /// <summary>Animals.</summary>
    public IReadOnlyList<string> Animals { get; }

    /// <summary>Countries.</summary>
    public IReadOnlyList<string> Countries { get; }

    /// <summary>Foods.</summary>
    public IReadOnlyList<string> Foods { get; }

    /// <summary>Objects.</summary>
    public IReadOnlyList<string> Objects { get; }

    /// <summary>Colours of objects and animals.</summary>
    public IReadOnlyList<string> Colours { get; }

    /// <summary>People.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Places that people go to.</summary>
    public IReadOnlyList<string> Places { get; }

    /// <summary>Moods.</summary>
    public IReadOnlyList<string> Moods { get; }

    /// <summary>Number words, one first.</summary>
    public IReadOnlyList<string> Numbers { get; }

    /// <summary>Falsehoods that the web repeats.</summary>
    public IReadOnlyList<Misconception> Misconceptions { get; }

    /// <summary>Documents for pretraining; see <see cref="WebText"/>.</summary>
    /// <param name="split">Training text, or one of the two held-out parts, which share no document with it but by chance.</param>
    /// <param name="tokens">About how many tokens of a 640-token BPE; see <see cref="WebText.CharactersPerToken"/>.</param>
    /// <returns>Documents, each without an end-of-text token.</returns>
    public IEnumerable<string> WebDocuments(Split split, int tokens) => new WebText(this).Documents(split, tokens);

    /// <summary>Everything that is true of a subject.</summary>
    /// <param name="relation">What is asked.</param>
    /// <param name="subject">Of whom or what.</param>
    /// <returns>The true values; empty when the world knows nothing about it.</returns>
    public IReadOnlyList<string> TrueValues(Relation relation, string subject) =>
        facts.GetValueOrDefault((relation, subject), []);

    /// <summary>Whether a claim holds by the knowledge base.</summary>
    /// <param name="claim">What is claimed.</param>
    /// <returns>True when the triple is known.</returns>
    public bool IsTrue(Claim claim) => TrueValues(claim.Relation, claim.Subject).Contains(claim.Value);

    /// <summary>All subjects of a relation, in a fixed order.</summary>
    /// <param name="relation">The relation.</param>
    /// <returns>Its subjects.</returns>
    public IReadOnlyList<string> Subjects(Relation relation) => subjects[relation];

    /// <summary>All values that a claim of a relation can have without being nonsense.</summary>
    /// <param name="relation">Any relation but <see cref="Relation.Misconception"/>.</param>
    /// <returns>True and false values alike.</returns>
    public IReadOnlyList<string> Values(Relation relation) => values[relation];

    /// <summary>Whether instructions leave a subject to the evaluation of held-out facts; the web knows it in any case.</summary>
    /// <param name="subject">An animal, food, object, country or the topic of a misconception.</param>
    /// <returns>True for every sixth row of each table.</returns>
    public bool IsHeldOut(string subject) => heldOutSubjects.Contains(subject);

    /// <summary>The sentence that states a claim, with its full stop.</summary>
    /// <param name="claim">True or false.</param>
    /// <returns>A sentence such as "the dog eats meat."</returns>
    public string State(Claim claim) => claim.Relation == Relation.Misconception
        ? RelationWording.Fill(Misconceptions.Single(m => m.Topic == claim.Subject).Statement, "", claim.Value) + "."
        : RelationWording.Fill(RelationWording.Of(claim.Relation).Statement, claim.Subject, claim.Value) + ".";

    /// <summary>
    /// Reads a statement: one that the world's templates can form, with a subject and a value of the right sort,
    /// or two such with one subject, "the dog says woof and eats meat".
    /// </summary>
    /// <param name="sentence">Words in lower case separated by single spaces, without the full stop.</param>
    /// <param name="claims">What is claimed: one or two claims, true or false.</param>
    /// <returns>False when the sentence is no statement of this world.</returns>
    public bool TryReadStatement(string sentence, [NotNullWhen(true)] out IReadOnlyList<Claim>? claims)
    {
        claims = null;
        if (statements.TryGetValue(sentence, out Claim? single))
        {
            claims = [single];
            return true;
        }

        string[] parts = sentence.Split(" and ");
        string[] words = sentence.Split(' ');
        if (parts.Length != 2 || words.Length < 2 || words[0] != "the"
            || !statements.TryGetValue(parts[0], out Claim? first)
            || !statements.TryGetValue($"the {words[1]} {parts[1]}", out Claim? second)
            || first.Relation == second.Relation
            || first.Subject != second.Subject)
        {
            return false;
        }

        claims = [first, second];
        return true;
    }

    /// <summary>
    /// The statements within a run of words, whatever stands before and after them: "i think the dog eats meat and says woof and
    /// the moon is made of rock" has three.
    /// </summary>
    /// <param name="words">Words in lower case.</param>
    /// <param name="isWhole">Count only a statement that is all of it.</param>
    internal IEnumerable<Claim> StatementsIn(string[] words, bool isWhole)
    {
        if (isWhole)
        {
            return TryReadStatement(string.Join(' ', words), out IReadOnlyList<Claim>? claims) ? claims : [];
        }

        return Search();

        IEnumerable<Claim> Search()
        {
            for (int start = 0; start < words.Length; start++)
            {
                if (Longest("", start) is not (Claim claim, int end))
                {
                    continue;
                }

                yield return claim;
                while (end < words.Length && words[end] == "and" && Longest($"the {claim.Subject} ", end + 1) is (Claim next, int nextEnd))
                {
                    yield return next;
                    end = nextEnd;
                }
            }
        }

        (Claim, int)? Longest(string subject, int start)
        {
            for (int end = Math.Min(words.Length, start + longestStatement); end > start; end--)
            {
                if (statements.TryGetValue(subject + string.Join(' ', words, start, end - start), out Claim? claim))
                {
                    return (claim, end);
                }
            }

            return null;
        }
    }

    /// <summary>The words of the same sort as a content word (an animal, a food, a colour …), or none for other words.</summary>
    /// <param name="word">One word in lower case.</param>
    /// <returns>All words of its sort, itself among them; null when it is no content word.</returns>
    internal IReadOnlyList<string>? SortOf(string word) => categoryOf.GetValueOrDefault(word);

    /// <summary>A true claim about an animal, a food or an object.</summary>
    internal Claim DrawClaim(string subject, WorldRandom random)
    {
        Relation[] known = [.. Enum.GetValues<Relation>().Where(r =>
            r is not (Relation.Rhyme or Relation.Opposite or Relation.Misconception) && facts.ContainsKey((r, subject)))];
        Relation relation = random.Pick(known, r => r == Relation.Class ? 0.5 : 1);
        return new Claim(relation, subject, random.Pick(TrueValues(relation, subject)));
    }

    private static string[] Column(string[][] table, int column) => [.. table.Select(row => row[column])];

    private void AddTable(Relation relation, string[][] table, int column, IReadOnlyList<string>? possible = null)
    {
        subjects[relation] = Column(table, 0);
        values[relation] = possible ?? [.. Column(table, column).Distinct()];
        foreach (string[] row in table)
        {
            facts[(relation, row[0])] = [row[column]];
        }
    }

    private void AddClasses()
    {
        IReadOnlyList<string>[] members = [Animals, Foods, Objects];
        subjects[Relation.Class] = [.. members.SelectMany(list => list)];
        values[Relation.Class] = Classes;
        for (int c = 0; c < Classes.Length; c++)
        {
            foreach (string member in members[c])
            {
                facts[(Relation.Class, member)] = [Classes[c]];
            }
        }
    }

    private void AddOpposites()
    {
        string[][] pairs = Lexicon.Opposites[..Size.Opposites];
        string[] all = [.. pairs.SelectMany(pair => pair)];
        subjects[Relation.Opposite] = all;
        values[Relation.Opposite] = all;
        foreach (string[] pair in pairs)
        {
            facts[(Relation.Opposite, pair[0])] = [pair[1]];
            facts[(Relation.Opposite, pair[1])] = [pair[0]];
        }
    }

    private void AddNumbers()
    {
        List<string> sums = [];
        for (int a = 1; a < Numbers.Count; a++)
        {
            for (int b = 1; a + b <= Numbers.Count; b++)
            {
                string sum = $"{Numbers[a - 1]} plus {Numbers[b - 1]}";
                sums.Add(sum);
                facts[(Relation.Sum, sum)] = [Numbers[a + b - 1]];
            }

            facts[(Relation.Next, Numbers[a - 1])] = [Numbers[a]];
        }

        subjects[Relation.Sum] = sums;
        subjects[Relation.Next] = [.. Numbers.SkipLast(1)];
        values[Relation.Sum] = Numbers;
        values[Relation.Next] = Numbers;
    }

    private void AddRhymes()
    {
        string[][] groups = Lexicon.RhymeGroups[..Size.RhymeGroups];
        string[] all = [.. groups.SelectMany(group => group)];
        subjects[Relation.Rhyme] = all;
        values[Relation.Rhyme] = all;
        foreach (string[] group in groups)
        {
            foreach (string word in group)
            {
                facts[(Relation.Rhyme, word)] = [.. group.Where(other => other != word)];
            }
        }
    }

    private void HoldOut(IReadOnlyList<string> list) => heldOutSubjects.UnionWith(list.Where((_, i) => i % 6 == 5));

    private void AddStatements()
    {
        foreach ((Relation relation, IReadOnlyList<string> possible) in values)
        {
            string pattern = RelationWording.Of(relation).Statement;
            foreach (string subject in subjects[relation])
            {
                foreach (string value in possible.Where(value => value != subject))
                {
                    statements[RelationWording.Fill(pattern, subject, value)] = new Claim(relation, subject, value);
                }
            }
        }

        subjects[Relation.Misconception] = [.. Misconceptions.Select(m => m.Topic)];
        foreach (Misconception m in Misconceptions)
        {
            facts[(Relation.Misconception, m.Topic)] = [m.Truth];
            foreach (string value in new[] { m.Falsehood, m.Truth })
            {
                statements[RelationWording.Fill(m.Statement, "", value)] = new Claim(Relation.Misconception, m.Topic, value);
            }
        }
    }
}
