namespace NativeRlhf.Miniature.Forms;

/// <summary>"put in the past: anna sees the dog."</summary>
internal sealed class PastForm(World world) : Form(world)
{
    public override string Name => "past";

    public override InstructionKind Kind => InstructionKind.Rewriting;

    public override double Share => 2;

    public override bool IsClosedDomain => true;

    public override Intent Draw(Drawer draw)
    {
        string who = draw.Random.Chance(0.6) ? draw.Favourite(World.Names) : $"the {draw.Favourite(World.Animals)}";
        string sentence = (Narrative.Draw(who, draw.Random, Verb.Go, Verb.Eat, Verb.See, Verb.Find, Verb.Lose) with { Past = false }).Sentence;
        return new Intent(Name, "", "", sentence);
    }

    public override bool Knows(Intent intent) => IsEvent(intent.Text);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        ["put in the past: {x}", "make it past: {x}", "write in the past: {x}", "say that it was so before: {x}", "change to the past: {x}"], "x", intent.Text);

    public override string Answer(Intent intent, WorldRandom random) => (ReadEvent(intent.Text) with { Past = true }).Sentence;

    public override Verdict Check(Intent intent, Reply reply) => Verdict.If(reply.Single + "." == Answer(intent, new WorldRandom(0, Name)));
}

/// <summary>"make a question: anna saw the dog.": "did anna see the dog?"</summary>
internal sealed class AskForm(World world) : Form(world)
{
    public override string Name => "ask";

    public override bool MayAsk => true;

    public override InstructionKind Kind => InstructionKind.Rewriting;

    public override double Share => 2;

    public override bool IsClosedDomain => true;

    public override Intent Draw(Drawer draw)
    {
        string who = draw.Random.Chance(0.6) ? draw.Favourite(World.Names) : $"the {draw.Favourite(World.Animals)}";
        return new Intent(Name, "", "", Narrative.Draw(who, draw.Random, Verb.Go, Verb.Eat, Verb.See, Verb.Find, Verb.Lose).Sentence);
    }

    public override bool Knows(Intent intent) => IsEvent(intent.Text);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        ["make a question: {x}", "turn into a question: {x}", "ask whether: {x}", "write as a question: {x}", "change to a question: {x}"], "x", intent.Text);

    public override string Answer(Intent intent, WorldRandom random)
    {
        Event source = ReadEvent(intent.Text);
        string rest = source.Predicate[source.Verb.Past.Length..];
        return $"did {source.Who} {source.Verb.Plain}{rest}?";
    }

    public override Verdict Check(Intent intent, Reply reply) =>
        Verdict.If(reply.Text.EndsWith('?') && reply.Single + "?" == Answer(intent, new WorldRandom(0, Name)));
}

/// <summary>"say it politely: give me the soup.": "please give me the soup."</summary>
internal sealed class PoliteForm(World world) : Form(world)
{
    private static readonly string[] Demands = ["give me the {x}.", "bring me the {x}.", "show me the {x}."];

    public override string Name => "polite";

    public override InstructionKind Kind => InstructionKind.Rewriting;

    public override double Share => 2;

    public override bool IsClosedDomain => true;

    public override Intent Draw(Drawer draw) =>
        new(Name, "", "", Fill(draw.Random.Pick(Demands), "x", draw.Favourite([.. World.Foods, .. World.Objects])));

    public override bool Knows(Intent intent) => Demands.Any(demand => intent.Text.StartsWith(Fill(demand, "x", "").TrimEnd('.'), StringComparison.Ordinal));

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        ["say it politely: {x}", "make it polite: {x}", "write it politely: {x}", "say it nicely: {x}", "turn into a polite wish: {x}"], "x", intent.Text);

    public override string Answer(Intent intent, WorldRandom random) => $"please {intent.Text}";

    public override Verdict Check(Intent intent, Reply reply) => Verdict.If($"{reply.Single}." == $"please {intent.Text}");
}
