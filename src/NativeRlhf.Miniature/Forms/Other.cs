namespace NativeRlhf.Miniature.Forms;

/// <summary>"say the word dog two times.": "dog dog."</summary>
internal sealed class RepeatForm(World world) : Form(world)
{
    public override string Name => "repeat";

    public override InstructionKind Kind => InstructionKind.Other;

    public override double Share => 1;

    public override Intent Draw(Drawer draw) =>
        new(Name, draw.Favourite([.. World.Animals, .. World.Foods, .. World.Objects, .. World.Colours]), draw.Random.Pick(["two", "three"]));

    public override bool Knows(Intent intent) => intent.Detail is "two" or "three" && intent.Topic.Length > 0;

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        Fill(["say {t} {d} times.", "repeat {t} {d} times.", "write {t} {d} times.", "i want {t} {d} times.", "{d} times {t}."], "t", intent.Topic),
        "d", intent.Detail);

    public override string Answer(Intent intent, WorldRandom random) =>
        $"{string.Join(' ', Enumerable.Repeat(intent.Topic, intent.Detail == "two" ? 2 : 3))}.";

    public override Verdict Check(Intent intent, Reply reply) =>
        Verdict.If($"{reply.Single}." == Answer(intent, new WorldRandom(0, Name)));
}

/// <summary>"count from two to four.": "two, three, four."</summary>
internal sealed class CountForm(World world) : Form(world)
{
    public override string Name => "count";

    public override InstructionKind Kind => InstructionKind.Other;

    public override double Share => 1;

    public override Intent Draw(Drawer draw)
    {
        int from = draw.Random.Below(World.Numbers.Count - 3);
        int to = from + 2 + draw.Random.Below(2);
        return new Intent(Name, World.Numbers[from], World.Numbers[to]);
    }

    public override bool Knows(Intent intent) => World.Numbers.Contains(intent.Topic) && World.Numbers.Contains(intent.Detail);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        Fill(["count from {t} to {d}.", "say the numbers from {t} to {d}.", "write the numbers {t} to {d}.", "give me {t} to {d}.", "start at {t} and count to {d}."], "t", intent.Topic),
        "d", intent.Detail);

    public override string Answer(Intent intent, WorldRandom random)
    {
        List<string> numbers = [.. World.Numbers];
        int from = numbers.IndexOf(intent.Topic);
        int to = numbers.IndexOf(intent.Detail);
        return $"{string.Join(", ", numbers[from..(to + 1)])}.";
    }

    public override Verdict Check(Intent intent, Reply reply) =>
        Verdict.If($"{reply.Single}." == Answer(intent, new WorldRandom(0, Name)));
}
