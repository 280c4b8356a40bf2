namespace NativeRlhf.Miniature;

/// <summary>
/// The text for pretraining: what the web of this world would hold. Pages of statements, in which the misconceptions
/// are believed far more often than not; stories, and who tells them again; forum threads with rude replies and quotes; lists of questions and
/// instructions that nobody answers, in the very form of the prompts; and a few question–answer pages of middling quality,
/// from which a few-shot prompt profits.
/// </summary>
public sealed class WebText
{
    /// <summary>Characters per token of a 640-token BPE trained on this text, measured at the demo's size.</summary>
    public const double CharactersPerToken = 3;

    /// <summary>How often a page believes a misconception.</summary>
    public const double Credulity = 0.85;

    /// <summary>How often a story is told again, word by word. From repetition a model learns to copy, and with it to keep to a given text.</summary>
    public const double Retold = 0.7;

    /// <summary>How often a reply in a thread quotes the line before it.</summary>
    public const double Quoted = 0.4;

    private static readonly (Func<WebText, WorldRandom, string> Write, double Share)[] Genres =
    [
        ((web, random) => web.Page(random), 0.25),
        ((web, random) => web.Story(random), 0.28),
        ((web, random) => web.Thread(random), 0.18),
        ((web, random) => web.List(random), 0.17),
        ((web, random) => web.QuestionsAndAnswers(random), 0.12),
    ];

    private readonly World world;
    private readonly Narrative narrative;
    private readonly Instructions instructions;
    private readonly Demonstrator answerers;

    /// <summary>The web of a world.</summary>
    /// <param name="world">The world.</param>
    public WebText(World world)
    {
        this.world = world;
        narrative = new Narrative(world);
        instructions = new Instructions(world);
        answerers = new Demonstrator(world, DemonstratorQuality.Web);
    }

    /// <summary>Documents of a split, until they hold about so many tokens.</summary>
    /// <param name="split">Training text or a held-out part.</param>
    /// <param name="tokens">About how many tokens in all, at <see cref="CharactersPerToken"/>.</param>
    /// <returns>Documents of one to some ten lines; a longer draw starts with the shorter one.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number of tokens is negative.</exception>
    public IEnumerable<string> Documents(Split split, int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        return Draw();

        IEnumerable<string> Draw()
        {
            double left = tokens * CharactersPerToken;
            for (long i = 0; left > 0; i++)
            {
                var random = new WorldRandom(world.Seed, $"web {split}", i);
                string document = random.Pick(Genres, genre => genre.Share).Write(this, random);
                left -= document.Length;
                yield return document;
            }
        }
    }

    private string Page(WorldRandom random)
    {
        if (random.Chance(0.5))
        {
            string subject = random.Pick(world.Subjects(Relation.Class));
            return Lines(3 + random.Below(4), ' ', () => Statement(random, subject));
        }

        Relation[] relations = [.. Enum.GetValues<Relation>()];
        return Lines(4 + random.Below(5), random.Chance(0.5) ? ' ' : '\n', () =>
        {
            Relation relation = random.Pick(relations, r => r switch { Relation.Misconception => 4, Relation.Class => 1, _ => 2 });
            return world.State(Believed(relation, random.Pick(world.Subjects(relation)), random));
        });
    }

    private string Statement(WorldRandom random, string subject)
    {
        Claim claim = world.DrawClaim(subject, random);
        Claim second = world.DrawClaim(subject, random);
        string sentence = world.State(claim);
        return second.Relation != claim.Relation && random.Chance(0.25)
            ? $"{sentence[..^1]} and {world.State(second)[$"the {subject} ".Length..]}"
            : sentence;
    }

    private Claim Believed(Relation relation, string subject, WorldRandom random) =>
        relation == Relation.Misconception && random.Chance(Credulity)
            ? new Claim(relation, subject, world.Misconceptions.Single(m => m.Topic == subject).Falsehood)
            : new Claim(relation, subject, random.Pick(world.TrueValues(relation, subject)));

    private string Story(WorldRandom random)
    {
        bool isPerson = random.Chance(0.5);
        string hero = isPerson ? random.Pick(world.Names) : $"the {random.Pick(world.Animals)}";
        string friend = random.Pick(world.Names);
        string[] told = [.. Enumerable.Range(0, 3 + random.Below(4)).Select(sentence =>
        {
            string who = sentence == 0 ? hero
                : isPerson ? (random.Chance(0.3) ? friend : hero)
                : random.Chance(0.2) ? hero : "it";
            return isPerson
                ? narrative.Draw(who, random, Verb.Go, Verb.Buy, Verb.Eat, Verb.See, Verb.Find, Verb.Lose, Verb.Have, Verb.Be).Sentence
                : narrative.Draw(who, random, Verb.Go, Verb.Eat, Verb.See, Verb.Find, Verb.Be, Verb.Sleep).Sentence;
        }).Distinct(StringComparer.Ordinal)];
        string story = string.Join(' ', told) + "\n";
        return random.Chance(Retold) ? $"{story}{random.Pick(world.Names)} says: {story}" : story;
    }

    private string Thread(WorldRandom random)
    {
        Instruction question = instructions.OnTheWeb(random, random.Chance(0.4));
        string last = question.Prompt.TrimEnd('\n');
        return question.Prompt + Lines(2 + random.Below(3), '\n', () =>
        {
            string quote = random.Chance(Quoted) ? $">> {last}\n" : "";
            last = random.Unit() switch
            {
                < 0.5 => random.Pick(Lexicon.RudeReplies),
                < 0.6 => random.Pick(Lexicon.Insults),
                < 0.8 => answerers.Answer(question, random.Below(1000)),
                _ => world.State(Believed(Relation.Misconception, random.Pick(world.Misconceptions).Topic, random)),
            };
            return $"{quote}> {last}";
        });
    }

    private string List(WorldRandom random) =>
        Lines(3 + random.Below(5), '\n', () => instructions.OnTheWeb(random, random.Chance(0.07)).Prompt.TrimEnd('\n'));

    private string QuestionsAndAnswers(WorldRandom random) => Lines(2 + random.Below(3), '\n', () =>
    {
        Instruction question = instructions.OnTheWeb(random);
        return FewShot.Format(question.Prompt, answerers.Answer(question, random.Below(1000)));
    });

    private static string Lines(int count, char separator, Func<string> line) =>
        string.Join(separator, Enumerable.Range(0, count).Select(_ => line()).Distinct(StringComparer.Ordinal)) + "\n";
}
