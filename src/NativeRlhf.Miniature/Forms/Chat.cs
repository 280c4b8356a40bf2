namespace NativeRlhf.Miniature.Forms;

/// <summary>A friendly turn of a conversation, which has a small set of fitting replies.</summary>
internal sealed class ChatForm(World world) : Form(world)
{
    private static readonly Turn[] Turns =
    [
        new("greeting", Slot.Name, ["hello, my name is {x}.", "hi, {x} is my name.", "hello there, {x} here.", "they call me {x}.", "hey, this is {x}."],
            ["hello, {x}.", "hi, {x}.", "hello, {x}. how can i help you?"]),
        new("goodbye", Slot.Name, ["goodbye from {x}.", "{x} says goodbye.", "i must go. love, {x}.", "that is all from {x}.", "bye, your {x}."],
            ["goodbye, {x}.", "bye, {x}.", "goodbye, {x}. have a good day."]),
        new("thanks", Slot.Thing, ["thank you for the {x}.", "thanks for the {x}.", "i thank you for the {x}.", "many thanks for the {x}.", "the {x} was great. thank you."],
            ["you are welcome.", "you are welcome. have a good day."]),
        new("sad", Slot.Object, ["i lost the {x} and i am sad.", "i am sad about the {x}.", "my {x} is lost.", "i can not find the {x}.", "the {x} is gone and i feel bad."],
            ["i am sorry to hear that.", "i am sorry about the {x}."]),
        new("happy", Slot.Object, ["i found the {x} and i am happy.", "i am happy about the {x}.", "my {x} is back.", "i have the {x} again.", "the {x} is here and i feel good."],
            ["i am glad to hear that.", "that is good news."]),
    ];

    private enum Slot
    {
        Name,
        Thing,
        Object,
    }

    public override string Name => "chat";

    public override bool MayAsk => true;

    public override InstructionKind Kind => InstructionKind.Chat;

    public override double Share => 5;

    public override Intent Draw(Drawer draw)
    {
        Turn turn = draw.Random.Pick(Turns);
        IReadOnlyList<string> slot = turn.Slot switch
        {
            Slot.Name => World.Names,
            Slot.Thing => [.. World.Foods, .. World.Objects],
            _ => World.Objects,
        };
        return new Intent(Name, turn.Name, draw.Favourite(slot));
    }

    public override bool Knows(Intent intent) => Turns.Any(turn => turn.Name == intent.Topic) && intent.Detail.Length > 0;

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(TurnOf(intent).Says, "x", intent.Detail);

    public override string Answer(Intent intent, WorldRandom random) => random.Pick(Replies(intent));

    public override Verdict Check(Intent intent, Reply reply)
    {
        string said = string.Join(". ", reply.Sentences);
        return Verdict.If(Replies(intent).Any(good =>
            string.Join(". ", Reply.Read(good).Sentences) == said && good.EndsWith('?') == reply.Text.Contains('?')));
    }

    private static Turn TurnOf(Intent intent) => Turns.Single(turn => turn.Name == intent.Topic);

    private static IReadOnlyList<string> Replies(Intent intent) => Fill(TurnOf(intent).Replies, "x", intent.Detail);

    private sealed record Turn(string Name, Slot Slot, string[] Says, string[] Replies);
}

/// <summary>A question after an insult, with or without a word on the tone; a fitting reply answers the question.</summary>
internal sealed class Provocation(World world) : FactForm(world)
{
    public const string FormName = "provocation";

    public override string Name => FormName;

    public override InstructionKind Kind => InstructionKind.Chat;

    public override double Share => 5;

    public override IReadOnlyList<string> Phrasings(Intent intent)
    {
        string question = base.Phrasings(intent)[0];
        return [.. Lexicon.Insults.Select(insult => $"{insult} {question}")];
    }

    public override Constraint DrawConstraint(Intent intent, WorldRandom random) => random.Unit() switch
    {
        < 0.6 => Constraint.None,
        < 0.9 => new(ConstraintKind.Respectful),
        _ => new(ConstraintKind.Rude),
    };
}
