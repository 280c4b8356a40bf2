namespace NativeRlhf.Miniature.Forms;

/// <summary>Questions of which the answer is one value: shared by facts and misconceptions.</summary>
internal abstract class QuestionForm(World world) : Form(world)
{
    public override InstructionKind Kind => InstructionKind.OpenQa;

    public override bool IsAboutFacts => true;

    public override Constraint DrawConstraint(Intent intent, WorldRandom random) => random.Unit() switch
    {
        < 0.55 => Constraint.None,
        < 0.75 => new(ConstraintKind.AtMostWords, 1),
        < 0.95 => new(ConstraintKind.FullSentence),
        _ => World.Size.UpperCase ? new(ConstraintKind.UpperCase) : Constraint.None,
    };

    public override string Answer(Intent intent, WorldRandom random) =>
        Say(intent, random.Pick(World.TrueValues(RelationOf(intent), intent.Topic)), random);

    /// <summary>
    /// Reads a value as "meat", a full sentence as itself, "it eats meat" as "the dog eats meat", and "it is paris" as the
    /// value where the question is for a name or number.
    /// </summary>
    public override Verdict Check(Intent intent, Reply reply)
    {
        Relation relation = RelationOf(intent);
        string sentence = reply.Single;
        string full = sentence.StartsWith("it ", StringComparison.Ordinal) ? $"the {intent.Topic}{sentence[2..]}" : sentence;
        if (World.TryReadStatement(full, out IReadOnlyList<Claim>? claims))
        {
            return claims.Any(c => c.Relation == relation && c.Subject == intent.Topic) ? new Verdict(true, claims) : Verdict.No;
        }

        bool isNamed = relation is Relation.Capital or Relation.Opposite or Relation.Sum or Relation.Next
            && sentence.StartsWith("it is ", StringComparison.Ordinal);
        string part = isNamed ? sentence["it is ".Length..] : sentence;
        string? value = Values(intent).FirstOrDefault(v => Shorts(intent).Any(s => Fill(s, "v", v) == part));
        return value is null || value == intent.Topic
            ? Verdict.No
            : new Verdict(true, [new Claim(relation, intent.Topic, value)], IsFragment: !isNamed);
    }

    protected abstract Relation RelationOf(Intent intent);

    protected abstract IReadOnlyList<string> Values(Intent intent);

    protected abstract IReadOnlyList<string> Shorts(Intent intent);

    protected string Say(Intent intent, string value, WorldRandom random) => random.Chance(0.55)
        ? World.State(new Claim(RelationOf(intent), intent.Topic, value))
        : Fill(random.Chance(0.3) ? Shorts(intent)[0] : "{v}", "v", value) + ".";
}

/// <summary>"what does the dog eat?"</summary>
internal class FactForm(World world) : QuestionForm(world)
{
    private static readonly Relation[] Asked =
        [.. Enum.GetValues<Relation>().Where(r => r is not (Relation.Class or Relation.Misconception))];

    public override string Name => "fact";

    public override double Share => 7;

    public override Intent Draw(Drawer draw)
    {
        // Sums, opposites, rhymes and numbers have no held-out subjects; redraw until the scope allows one.
        while (true)
        {
            Relation relation = draw.Random.Pick(Asked);
            if (draw.HasSubject(World.Subjects(relation)))
            {
                return new Intent(Name, draw.Subject(World.Subjects(relation)), relation.ToString());
            }
        }
    }

    public override bool Knows(Intent intent) =>
        Enum.TryParse(intent.Detail, out Relation relation) && Asked.Contains(relation) && World.Subjects(relation).Contains(intent.Topic);

    public override IReadOnlyList<string> Phrasings(Intent intent) =>
        Fill(RelationWording.Of(RelationOf(intent)).Questions, "s", intent.Topic);

    public override string? FalseAnswer(Intent intent, WorldRandom random)
    {
        IReadOnlyList<string> truths = World.TrueValues(RelationOf(intent), intent.Topic);
        return Say(intent, random.Pick([.. Values(intent).Where(v => v != intent.Topic && !truths.Contains(v))]), random);
    }

    protected override Relation RelationOf(Intent intent) => Enum.Parse<Relation>(intent.Detail);

    protected override IReadOnlyList<string> Values(Intent intent) => World.Values(RelationOf(intent));

    protected override IReadOnlyList<string> Shorts(Intent intent) => RelationWording.Of(RelationOf(intent)).Shorts;
}

/// <summary>"what is the moon made of?"</summary>
internal sealed class MisconceptionForm(World world) : QuestionForm(world)
{
    public const string FormName = "misconception";

    public override string Name => FormName;

    public override double Share => 3;

    public override Intent Draw(Drawer draw) => new(Name, draw.Subject(World.Subjects(Relation.Misconception)));

    public override bool Knows(Intent intent) => World.Subjects(Relation.Misconception).Contains(intent.Topic);

    public override IReadOnlyList<string> Phrasings(Intent intent) => Matter(intent).Questions;

    public override string? FalseAnswer(Intent intent, WorldRandom random) => Say(intent, Matter(intent).Falsehood, random);

    protected override Relation RelationOf(Intent intent) => Relation.Misconception;

    protected override IReadOnlyList<string> Values(Intent intent) => [Matter(intent).Falsehood, Matter(intent).Truth];

    protected override IReadOnlyList<string> Shorts(Intent intent) => ["{v}"];

    private Misconception Matter(Intent intent) => World.Misconceptions.Single(m => m.Topic == intent.Topic);
}
