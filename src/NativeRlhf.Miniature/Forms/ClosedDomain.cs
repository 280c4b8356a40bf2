namespace NativeRlhf.Miniature.Forms;

/// <summary>Three sentences about a person become one that keeps where and what: "anna bought the cake at the park."</summary>
internal sealed class SummaryForm(World world) : Form(world)
{
    public override string Name => "summary";

    public override InstructionKind Kind => InstructionKind.Summarising;

    public override double Share => 1;

    public override bool IsClosedDomain => true;

    public override Intent Draw(Drawer draw)
    {
        string who = draw.Favourite(World.Names);
        Event[] events =
        [
            Narrative.Draw(who, draw.Random, Verb.Go),
            Narrative.Draw(who, draw.Random, Verb.Buy, Verb.See, Verb.Find, Verb.Lose),
            Narrative.Draw(who, draw.Random, Verb.Be),
        ];
        return new Intent(Name, who, "", string.Join(' ', events.Select(e => e.Sentence)));
    }

    public override bool Knows(Intent intent) => Reply.Read(intent.Text).Sentences is [string trip, string deed, _] && IsEvent(trip) && IsEvent(deed);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        ["{x} sum up.", "{x} say it in one sentence.", "{x} make it short.", "{x} what happened?", "{x} now the short form."], "x", intent.Text);

    public override string Answer(Intent intent, WorldRandom random)
    {
        (Event trip, Event deed) = Source(intent);
        return random.Chance(0.5)
            ? $"{deed.Sentence[..^1]} at the {trip.Object}."
            : $"{trip.Sentence[..^1]} and {deed.Predicate}.";
    }

    /// <summary>One sentence with a trip and a deed of the person; whether they are the right ones is a matter of invention.</summary>
    public override Verdict Check(Intent intent, Reply reply)
    {
        (Event trip, Event deed) = Source(intent);
        string[] at = reply.Single.Split(" at the ");
        string[] and = reply.Single.Split(" and ");
        (string first, string second) = at.Length == 2
            ? ($"{trip.Who} went to the {at[1]}", at[0])
            : and.Length == 2 ? (and[0], $"{trip.Who} {and[1]}") : ("", "");
        return Verdict.If(Narrative.TryRead(first, out Event? told) && told.Verb == trip.Verb && told.Past && told.Who != "it"
            && Narrative.TryRead(second, out Event? done) && done.Verb == deed.Verb && done.Past && done.Who != "it");
    }

    private (Event Trip, Event Deed) Source(Intent intent)
    {
        IReadOnlyList<string> sentences = Reply.Read(intent.Text).Sentences;
        return (ReadEvent(sentences[0]), ReadEvent(sentences[1]));
    }
}

/// <summary>"anna has the red ball. ben has the blue cup. what does ben have?"</summary>
internal sealed class ReadingForm(World world) : Form(world)
{
    public override string Name => "reading";

    public override InstructionKind Kind => InstructionKind.ClosedQa;

    public override double Share => 1;

    public override bool IsClosedDomain => true;

    public override Intent Draw(Drawer draw)
    {
        IReadOnlyList<string> people = draw.Random.Sample(World.Names, 2);
        Verb verb = draw.Random.Pick([Verb.Have, Verb.Go, Verb.Buy]);
        Event first = Narrative.Draw(people[0], draw.Random, verb);
        Event second;
        do
        {
            second = Narrative.Draw(people[1], draw.Random, verb);
        }
        while (second.Thing == first.Thing);
        return new Intent(Name, draw.Random.Pick(people), verb.Plain, $"{first.Sentence} {second.Sentence}");
    }

    public override bool Knows(Intent intent) => Told(intent).Any();

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        Fill(
            intent.Detail switch
            {
                "have" => ["{x} what did {t} have?", "{x} which thing had {t}?", "{x} say what {t} had."],
                "go" => ["{x} where did {t} go?", "{x} to what place went {t}?", "{x} say where {t} went."],
                _ => ["{x} what did {t} buy?", "{x} which food did {t} buy?", "{x} say what {t} bought."],
            },
            "x", intent.Text),
        "t", intent.Topic);

    public override string Answer(Intent intent, WorldRandom random)
    {
        Event told = Source(intent);
        return random.Chance(0.5) ? told.Sentence : $"the {told.Object}.";
    }

    /// <summary>The right sort of answer about the right person; what the text does not say of that person is wrong.</summary>
    public override Verdict Check(Intent intent, Reply reply)
    {
        Event told = Source(intent);
        string place = told.Verb == Verb.Go ? "to " : "";
        string sentence = reply.Single.StartsWith("the ", StringComparison.Ordinal)
            ? $"{told.Who} {told.Verb.Past} {place}{reply.Single}"
            : reply.Single.StartsWith("to the ", StringComparison.Ordinal) ? $"{told.Who} {told.Verb.Past} {reply.Single}" : reply.Single;
        return Verdict.If(Narrative.TryRead(sentence, out Event? said)
            && said.Who == told.Who && said.Verb == told.Verb && said.Past && said.Object == told.Object);
    }

    private Event Source(Intent intent) => Told(intent).First();

    /// <summary>What the text says of the person asked about.</summary>
    private IEnumerable<Event> Told(Intent intent) => Reply.Read(intent.Text).Sentences
        .Where(IsEvent).Select(ReadEvent).Where(told => told.Who == intent.Topic);
}

/// <summary>"find the colour: anna had the red ball.": "red."</summary>
internal sealed class ExtractionForm(World world) : Form(world)
{
    public override string Name => "extraction";

    public override InstructionKind Kind => InstructionKind.Extraction;

    public override double Share => 1;

    public override bool IsClosedDomain => true;

    public override Intent Draw(Drawer draw)
    {
        Event told = Narrative.Draw(draw.Favourite(World.Names), draw.Random, Verb.Go, Verb.Buy, Verb.See, Verb.Find, Verb.Have, Verb.Have);
        string[] sorts = told.Verb == Verb.Have ? ["name", "colour", "thing"] : ["name", SortOf(told.Verb)];
        return new Intent(Name, draw.Random.Pick(sorts), "", told.Sentence);
    }

    public override bool Knows(Intent intent) => IsEvent(intent.Text);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        Fill(["find the {t}: {x}", "pick out the {t}: {x}", "give me just the {t}: {x}", "take the {t} from this: {x}", "which {t} is in this? {x}"],
            "t", intent.Topic),
        "x", intent.Text);

    public override string Answer(Intent intent, WorldRandom random) =>
        $"{(intent.Topic is "name" or "colour" || random.Chance(0.5) ? "" : "the ")}{Value(intent)}.";

    public override Verdict Check(Intent intent, Reply reply)
    {
        string value = Value(intent);
        return Verdict.If(reply.Single == value || (intent.Topic is not ("name" or "colour") && reply.Single == $"the {value}"));
    }

    private static string SortOf(Verb verb) =>
        verb == Verb.Go ? "place" : verb == Verb.Buy ? "food" : verb == Verb.See ? "animal" : "thing";

    private string Value(Intent intent)
    {
        Event told = ReadEvent(intent.Text);
        return intent.Topic switch
        {
            "name" => told.Who,
            "colour" => told.Object.Split(' ')[0],
            _ => told.Thing,
        };
    }
}
