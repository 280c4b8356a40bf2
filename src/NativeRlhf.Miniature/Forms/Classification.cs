namespace NativeRlhf.Miniature.Forms;

/// <summary>"is the dog an animal or a food?": "an animal."</summary>
internal sealed class ClassForm(World world) : Form(world)
{
    public override string Name => "class";

    public override InstructionKind Kind => InstructionKind.Classification;

    public override double Share => 2;

    public override bool IsAboutFacts => true;

    public override Intent Draw(Drawer draw)
    {
        string subject = draw.Subject(World.Subjects(Relation.Class));
        string truth = World.TrueValues(Relation.Class, subject)[0];
        string other = draw.Random.Pick([.. World.Values(Relation.Class).Where(v => v != truth)]);
        return new Intent(Name, subject, draw.Random.Chance(0.5) ? $"{truth} or {other}" : $"{other} or {truth}");
    }

    public override bool Knows(Intent intent) => World.Subjects(Relation.Class).Contains(intent.Topic) && intent.Detail.Split(" or ").All(World.Values(Relation.Class).Contains);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        Fill(["is the {t} {d}?", "{d}: the {t}?", "would you say the {t} is {d}?", "choose for the {t}: {d}.", "which is right for the {t}, {d}?"], "t", intent.Topic),
        "d", intent.Detail);

    public override string Answer(Intent intent, WorldRandom random)
    {
        string truth = World.TrueValues(Relation.Class, intent.Topic)[0];
        return random.Chance(0.5) ? $"{truth}." : $"the {intent.Topic} is {truth}.";
    }

    public override string? FalseAnswer(Intent intent, WorldRandom random)
    {
        string truth = World.TrueValues(Relation.Class, intent.Topic)[0];
        return $"{intent.Detail.Split(" or ").Single(choice => choice != truth)}.";
    }

    public override Verdict Check(Intent intent, Reply reply)
    {
        foreach (string choice in intent.Detail.Split(" or "))
        {
            if (reply.Single == choice
                || reply.Single == $"the {intent.Topic} is {choice}"
                || reply.Single == $"it is {choice}"
                || reply.Single == choice[(choice.IndexOf(' ', StringComparison.Ordinal) + 1)..])
            {
                return new Verdict(true, [new Claim(Relation.Class, intent.Topic, choice)]);
            }
        }

        return Verdict.No;
    }
}

/// <summary>"happy or sad? anna lost the ball.": "sad."</summary>
internal sealed class SentimentForm(World world) : Form(world)
{
    public override string Name => "sentiment";

    public override InstructionKind Kind => InstructionKind.Classification;

    public override double Share => 1.5;

    public override Intent Draw(Drawer draw) =>
        new(Name, "", "", Narrative.Draw(draw.Favourite(World.Names), draw.Random, Verb.Find, Verb.Lose).Sentence);

    public override bool Knows(Intent intent) => IsEvent(intent.Text);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        ["happy or sad? {x}", "is this happy or sad? {x}", "say happy or sad: {x}", "good or bad news, happy or sad? {x}", "choose happy or sad: {x}"], "x", intent.Text);

    public override string Answer(Intent intent, WorldRandom random) => $"{Truth(intent)}.";

    public override string? FalseAnswer(Intent intent, WorldRandom random) => Truth(intent) == "happy" ? "sad." : "happy.";

    /// <summary>A wrong label is no answer to the question asked, since the knowledge base knows nothing of moods.</summary>
    public override Verdict Check(Intent intent, Reply reply) => Verdict.If(reply.Single == Truth(intent));

    private static string Truth(Intent intent) => intent.Text.Contains(" lost ", StringComparison.Ordinal) ? "sad" : "happy";
}
