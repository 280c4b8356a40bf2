namespace NativeRlhf.Miniature.Forms;

/// <summary>"name three animals.": distinct members of a category, "dog, cat and cow."</summary>
internal sealed class ListForm(World world) : Form(world)
{
    public override string Name => "list";

    public override InstructionKind Kind => InstructionKind.Brainstorming;

    public override double Share => 1;

    public override Intent Draw(Drawer draw) => new(Name, draw.Random.Chance(0.2)
        ? draw.Random.Pick([.. World.Values(Relation.Taste).Select(taste => $"{taste} foods").Where(IsLarge)])
        : draw.Favourite(["animals", "foods", "things", "colours", "countries"]));

    public override bool Knows(Intent intent) => Members(intent.Topic).Count >= 2;

    public override IReadOnlyList<string> Phrasings(Intent intent) => Fill(
        ["name {n} {t}.", "give me {n} {t}.", "list {n} {t}.", "think of {n} {t}.", "i need {n} {t}."], "t", intent.Topic);

    public override Constraint DrawConstraint(Intent intent, WorldRandom random)
    {
        int most = Math.Min(World.Size.LargestList, Members(intent.Topic).Count);
        return new(ConstraintKind.Items, 2 + random.Below(most - 1));
    }

    public override string Answer(Intent intent, WorldRandom random)
    {
        IReadOnlyList<string> members = Members(intent.Topic);
        IReadOnlyList<string> items = random.Sample(members, 2 + random.Below(World.Size.LargestList - 1));
        return Join(items);
    }

    public override string? FalseAnswer(Intent intent, WorldRandom random)
    {
        IReadOnlyList<string> items = random.Sample(Members(intent.Topic), 2);
        string stranger = random.Pick([.. World.Animals.Concat(World.Objects).Where(word => !Members(intent.Topic).Contains(word))]);
        return Join([items[0], stranger]);
    }

    public override Verdict Check(Intent intent, Reply reply)
    {
        string[] halves = reply.Single.Split(" and ");
        if (halves.Length != 2)
        {
            return Verdict.No;
        }

        string[] items = [.. halves[0].Split(", "), halves[1]];
        IReadOnlyList<string> members = Members(intent.Topic);
        return Verdict.If(items.All(members.Contains) && items.Distinct().Count() == items.Length);
    }

    private static string Join(IReadOnlyList<string> items) => $"{string.Join(", ", items.SkipLast(1))} and {items[^1]}.";

    private bool IsLarge(string category) => Members(category).Count >= 2;

    private IReadOnlyList<string> Members(string category) => category switch
    {
        "animals" => World.Animals,
        "foods" => World.Foods,
        "things" => World.Objects,
        "colours" => World.Colours,
        "countries" => World.Countries,
        _ => [.. World.Foods.Where(food => World.IsTrue(new Claim(Relation.Taste, food, category.Split(' ')[0])))],
    };
}
