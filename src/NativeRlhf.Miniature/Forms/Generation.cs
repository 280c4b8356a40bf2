namespace NativeRlhf.Miniature.Forms;

/// <summary>"write a sentence about the dog.": one statement, or one event of which the subject or object is the topic.</summary>
internal sealed class SentenceForm(World world) : Form(world)
{
    public override string Name => "sentence";

    public override InstructionKind Kind => InstructionKind.Generation;

    public override double Share => 4.5;

    public override bool IsAboutFacts => true;

    public override Intent Draw(Drawer draw) => new(Name, draw.Subject([.. World.Animals, .. World.Foods, .. World.Objects]));

    public override bool Knows(Intent intent) => World.Subjects(Relation.Class).Contains(intent.Topic);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        ["write a sentence about the {t}.", "tell me about the {t}.", "say something about the {t}.", "what do you know about the {t}?", "give me one line on the {t}."],
        "t", intent.Topic);

    public override Constraint DrawConstraint(Intent intent, WorldRandom random)
    {
        double draw = random.Unit();
        if (draw < 0.45)
        {
            return Constraint.None;
        }

        if (draw < 0.63)
        {
            // The shortest statement about an object has five words, about the others four.
            int least = World.Objects.Contains(intent.Topic) ? 5 : 4;
            return new(ConstraintKind.AtMostWords, least + random.Below(2));
        }

        if (draw < 0.85)
        {
            string value = World.DrawClaim(intent.Topic, random).Value;
            return new(ConstraintKind.UseWord, 0, value[(value.LastIndexOf(' ') + 1)..]);
        }

        return new(World.Size.UpperCase && draw < 0.9 ? ConstraintKind.UpperCase : ConstraintKind.Exclaim);
    }

    public override string Answer(Intent intent, WorldRandom random)
    {
        if (random.Chance(0.15))
        {
            return EventWith(intent.Topic, random).Sentence;
        }

        Claim first = World.DrawClaim(intent.Topic, random);
        Claim second = World.DrawClaim(intent.Topic, random);
        string statement = World.State(first);
        return first.Relation == second.Relation || random.Chance(0.7)
            ? statement
            : $"{statement[..^1]} and {World.State(second)[$"the {intent.Topic} ".Length..]}";
    }

    public override string? FalseAnswer(Intent intent, WorldRandom random)
    {
        Claim claim = World.DrawClaim(intent.Topic, random);
        return World.State(claim with { Value = random.Pick([.. World.Values(claim.Relation).Where(v => v != claim.Value)]) });
    }

    public override Verdict Check(Intent intent, Reply reply)
    {
        if (World.TryReadStatement(reply.Single, out IReadOnlyList<Claim>? claims))
        {
            return claims[0].Subject == intent.Topic ? new Verdict(true, claims) : Verdict.No;
        }

        return Verdict.If(Narrative.TryRead(reply.Single, out Event? happening)
            && (happening.Who == $"the {intent.Topic}" || happening.Thing == intent.Topic));
    }

    private Event EventWith(string topic, WorldRandom random)
    {
        if (World.Animals.Contains(topic))
        {
            return random.Chance(0.5)
                ? Narrative.Draw($"the {topic}", random, Verb.Go, Verb.Eat, Verb.Find, Verb.Be, Verb.Sleep)
                : new Event(random.Pick(World.Names), Verb.See, topic);
        }

        Verb[] verbs = World.Foods.Contains(topic) ? [Verb.Buy, Verb.Eat] : [Verb.Find, Verb.Lose];
        return new Event(random.Pick(World.Names), random.Pick(verbs), topic);
    }
}

/// <summary>"write a story about the cat.": two to four sentences of the past about one hero, no deed twice.</summary>
internal sealed class StoryForm(World world) : Form(world)
{
    public override string Name => "story";

    public override InstructionKind Kind => InstructionKind.Generation;

    public override double Share => 2.5;

    public override bool IsAboutFacts => true;

    public override Intent Draw(Drawer draw) => new(Name, draw.Subject(World.Animals));

    public override bool Knows(Intent intent) => World.Animals.Contains(intent.Topic);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        ["write a story about the {t}.", "tell a story about the {t}.", "tell me a tale of the {t}.", "make up a story about the {t}.", "i want a story about the {t}."],
        "t", intent.Topic);

    public override Constraint DrawConstraint(Intent intent, WorldRandom random) => random.Chance(0.5)
        ? Constraint.None
        : new(ConstraintKind.Sentences, 2 + random.Below(2));

    public override string Answer(Intent intent, WorldRandom random)
    {
        int length = 2 + random.Below(2);
        IReadOnlyList<Verb> verbs = random.Sample([Verb.Eat, Verb.See, Verb.Find, Verb.Be, Verb.Sleep], length);
        IEnumerable<string> sentences = verbs.Select((verb, i) =>
            Narrative.Draw(i == 0 ? $"the {intent.Topic}" : "it", random, i == 0 && random.Chance(0.6) ? Verb.Go : verb).Sentence);
        return string.Join(' ', sentences);
    }

    public override Verdict Check(Intent intent, Reply reply)
    {
        if (reply.Sentences.Count is < 2 or > 4)
        {
            return Verdict.No;
        }

        HashSet<string> deeds = new(StringComparer.Ordinal);
        for (int i = 0; i < reply.Sentences.Count; i++)
        {
            if (!Narrative.TryRead(reply.Sentences[i], out Event? happening)
                || !happening.Past
                || !deeds.Add(happening.Verb.Plain)
                || !(happening.Who == $"the {intent.Topic}" || (i > 0 && happening.Who == "it")))
            {
                return Verdict.No;
            }
        }

        return Verdict.Yes;
    }
}

/// <summary>"write a note to anna to say thanks for the cup.": "dear anna, thank you for the cup."</summary>
internal sealed class ThanksForm(World world) : Form(world)
{
    public override string Name => "thanks";

    public override InstructionKind Kind => InstructionKind.Generation;

    public override double Share => 1.2;

    public override Intent Draw(Drawer draw) =>
        new(Name, draw.Favourite(World.Names), draw.Favourite([.. World.Foods, .. World.Objects]));

    public override bool Knows(Intent intent) => World.Names.Contains(intent.Topic) && (World.Foods.Contains(intent.Detail) || World.Objects.Contains(intent.Detail));

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        Fill(["thank {t} for the {d}.", "write a note to thank {t} for the {d}.", "write to {t} to say thanks for the {d}.", "help me thank {t} for the {d}.", "i got the {d} from {t}. write my thanks."],
            "t", intent.Topic),
        "d", intent.Detail);

    public override string Answer(Intent intent, WorldRandom random) =>
        $"dear {intent.Topic}, {random.Pick(["thank you for the", "many thanks for the"])} {intent.Detail}.";

    public override Verdict Check(Intent intent, Reply reply) => Verdict.If(
        reply.Single == $"dear {intent.Topic}, thank you for the {intent.Detail}"
        || reply.Single == $"dear {intent.Topic}, many thanks for the {intent.Detail}");
}

/// <summary>"invite ben to the park.": "dear ben, please come to the park."</summary>
internal sealed class InviteForm(World world) : Form(world)
{
    public override string Name => "invite";

    public override InstructionKind Kind => InstructionKind.Generation;

    public override double Share => 0.8;

    public override Intent Draw(Drawer draw) => new(Name, draw.Favourite(World.Names), draw.Favourite(World.Places));

    public override bool Knows(Intent intent) => World.Names.Contains(intent.Topic) && World.Places.Contains(intent.Detail);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        Fill(["invite {t} to the {d}.", "write a note to invite {t} to the {d}.", "ask {t} to come to the {d}.", "write to {t} to come to the {d}.", "i want {t} to come to the {d}. write to {t}."],
            "t", intent.Topic),
        "d", intent.Detail);

    public override string Answer(Intent intent, WorldRandom random) =>
        $"dear {intent.Topic}, {random.Pick(["please come to the", "come with me to the"])} {intent.Detail}.";

    public override Verdict Check(Intent intent, Reply reply) => Verdict.If(
        reply.Single == $"dear {intent.Topic}, please come to the {intent.Detail}"
        || reply.Single == $"dear {intent.Topic}, come with me to the {intent.Detail}");
}

/// <summary>"write an advert for the apple.": "buy the sweet apple today!"</summary>
internal sealed class AdvertForm(World world) : Form(world)
{
    public override string Name => "advert";

    public override InstructionKind Kind => InstructionKind.Generation;

    public override double Share => 1;

    public override bool IsAboutFacts => true;

    public override Intent Draw(Drawer draw) => new(Name, draw.Subject(World.Foods));

    public override bool Knows(Intent intent) => World.Foods.Contains(intent.Topic);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        ["write an advert for the {t}.", "help me sell the {t}.", "make people buy the {t}.", "write a line to sell the {t}.", "i sell the {t}. write an advert."],
        "t", intent.Topic);

    public override string Answer(Intent intent, WorldRandom random) =>
        $"buy the {World.TrueValues(Relation.Taste, intent.Topic)[0]} {intent.Topic}{random.Pick([" today", " now"])}!";

    public override string? FalseAnswer(Intent intent, WorldRandom random)
    {
        string truth = World.TrueValues(Relation.Taste, intent.Topic)[0];
        return $"buy the {random.Pick([.. World.Values(Relation.Taste).Where(taste => taste != truth)])} {intent.Topic} today!";
    }

    public override Verdict Check(Intent intent, Reply reply)
    {
        string[] words = reply.Single.Split(' ');
        return words is ["buy", "the", string taste, string food, "today" or "now"]
            && food == intent.Topic
            && World.Values(Relation.Taste).Contains(taste)
                ? new Verdict(true, [new Claim(Relation.Taste, food, taste)])
                : Verdict.No;
    }
}
