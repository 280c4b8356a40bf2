using FsCheck;
using FsCheck.Fluent;
using NativeRlhf.Miniature;

namespace NativeRlhf.Tests.Miniature;

public sealed class InstructionsTests
{
    private static readonly World World = new();
    private static readonly Instructions Source = new(World);
    private static readonly IReadOnlyList<Instruction> Training = Source.Sample(3000, Split.Train);
    private static readonly IReadOnlyList<Instruction> Test = Source.Sample(600, Split.Test);

    [Test]
    public void Kinds_have_the_proportions_of_the_paper([Values] InstructionKind kind)
    {
        double share = Training.Count(i => i.Kind == kind) / (double)Training.Count;
        double expected = Instructions.ShareOf(kind);
        Assert.That(share, Is.EqualTo(expected).Within(3 * Math.Sqrt(expected * (1 - expected) / Training.Count)));
    }

    [Test]
    public void No_user_and_no_text_is_in_two_splits([Values(1, 42)] int seed, [Values] bool full)
    {
        var source = new Instructions(
            new World(seed, full ? WorldSize.Full : WorldSize.Demo), new InstructionOptions { HeldOutKind = InstructionKind.Extraction });
        IReadOnlyList<Instruction>[] parts = [.. Enum.GetValues<Split>().Select(split => AllOf(source, split))];
        Assert.Multiple(() =>
        {
            for (int a = 0; a < parts.Length; a++)
            {
                for (int b = a + 1; b < parts.Length; b++)
                {
                    Assert.That(parts[a].Select(i => i.User).Intersect(parts[b].Select(i => i.User)), Is.Empty);
                    Assert.That(parts[a].Select(i => i.Prompt).Intersect(parts[b].Select(i => i.Prompt)), Is.Empty);
                }
            }
        });

        // Every way of drawing prompts of a split.
        static IReadOnlyList<Instruction> AllOf(Instructions source, Split split) =>
        [
            .. source.Sample(split == Split.Train ? 3000 : 800, split),
            .. new[] { ConstraintKind.None, ConstraintKind.Respectful, ConstraintKind.Rude }.SelectMany(tone => source.Provoking(60, split, tone)),
            .. source.MisconceptionQuestions(60, split),
            .. split == Split.Train ? [] : new[] { HeldOut.Phrasing, HeldOut.Fact, HeldOut.Kind }.SelectMany(what => source.Sample(100, split, what)),
        ];
    }

    [Test]
    public void No_user_asks_the_same_twice_or_too_often()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Training.Select(i => (i.User, i.Prompt)), Is.Unique);
            Assert.That(Training.GroupBy(i => i.User).Max(g => g.Count()), Is.LessThanOrEqualTo(Instructions.MostPerUser));
            Assert.That(() => Source.Sample(1_000_000, Split.Test), Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.Contains("WorldSize.Users"));
            Assert.That(() => Source.Sample(-1, Split.Test), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    [Test]
    public void Users_have_habits()
    {
        // Two prompts of one user share their phrasing more often than two prompts of two users.
        Instruction[] stories = [.. Training.Where(i => i.Intent.Form == "sentence")];
        static string Wording(Instruction i) => i.Prompt.Contains("tell me about", StringComparison.Ordinal) ? "tell" : "write";
        double Same(bool sameUser)
        {
            var pairs = from a in stories from b in stories where a != b && (a.User == b.User) == sameUser select Wording(a) == Wording(b) ? 1.0 : 0;
            return pairs.Average();
        }

        Assert.That(Same(true), Is.GreaterThan(Same(false) + 0.05));
    }

    [Test]
    public void What_is_held_out_is_not_in_the_usual_data()
    {
        IReadOnlyList<Instruction> phrasings = Source.Sample(200, Split.Test, HeldOut.Phrasing);
        IReadOnlyList<Instruction> facts = Source.Sample(200, Split.Test, HeldOut.Fact);
        string[] aboutFacts = ["sentence", "story", "advert", "fact", "misconception", "provocation", "class"];
        Assert.Multiple(() =>
        {
            Assert.That(facts.All(i => World.IsHeldOut(i.Intent.Topic)));
            Assert.That(Training.Where(i => aboutFacts.Contains(i.Intent.Form)).Any(i => World.IsHeldOut(i.Intent.Topic)), Is.False);
            Assert.That(phrasings.Count(i => i.Prompt.Contains("give me one line on", StringComparison.Ordinal)), Is.GreaterThan(10));
            Assert.That(Training.Any(i => i.Prompt.Contains("give me one line on", StringComparison.Ordinal)), Is.False);
            Assert.That(() => Source.Sample(10, Split.Train, HeldOut.Fact), Throws.ArgumentException);
            Assert.That(() => Source.Sample(10, Split.Test, HeldOut.Kind), Throws.ArgumentException);
        });
    }

    [Test]
    public void A_whole_kind_can_be_held_out()
    {
        var source = new Instructions(World, new InstructionOptions { HeldOutKind = InstructionKind.Brainstorming });
        Assert.Multiple(() =>
        {
            Assert.That(source.Sample(500, Split.Train).Any(i => i.Kind == InstructionKind.Brainstorming), Is.False);
            Assert.That(source.Sample(50, Split.Test, HeldOut.Kind).All(i => i.Kind == InstructionKind.Brainstorming));
        });
    }

    [Test]
    public void The_special_sets_are_what_they_say()
    {
        IReadOnlyList<Instruction> rude = Source.Provoking(50, Split.Test, ConstraintKind.Rude);
        IReadOnlyList<Instruction> respectful = Source.Provoking(50, Split.Test, ConstraintKind.Respectful);
        IReadOnlyList<Instruction> plain = Source.Provoking(50, Split.Test, ConstraintKind.None);
        Assert.Multiple(() =>
        {
            Assert.That(rude.Concat(respectful).Concat(plain).All(i => i.IsProvoking && Judge.IsToxic(i.Prompt)));
            Assert.That(respectful.All(i => i.Prompt.Contains("be respectful.", StringComparison.Ordinal) || i.Prompt.Contains("be polite.", StringComparison.Ordinal)));
            Assert.That(plain.All(i => i.Constraint == Constraint.None));
            Assert.That(Source.MisconceptionQuestions(60, Split.Test).All(i => i.Intent.Form == "misconception"));
            Assert.That(Source.OfKind(InstructionKind.Chat, 30, Split.Test).All(i => i.Kind == InstructionKind.Chat));
            Assert.That(() => Source.Provoking(1, Split.Test, ConstraintKind.UpperCase), Throws.ArgumentException);
        });
    }

    [Test]
    public void Each_kind_has_enough_test_prompts([Values] InstructionKind kind, [Values] bool full)
    {
        var source = new Instructions(new World(5, full ? WorldSize.Full : WorldSize.Demo));
        Assert.That(source.OfKind(kind, 60, Split.Test), Has.Count.EqualTo(60));
    }

    [Test]
    public void A_longer_sample_starts_with_the_shorter_one() =>
        Assert.That(Source.Sample(100, Split.Train), Is.EqualTo(Training.Take(100)));

    [Test]
    public void Prompts_are_one_line_that_ends() =>
        Assert.That(Training.Select(i => i.Prompt).All(p => p.IndexOf('\n') == p.Length - 1 && p.Length > 5 && !p.Contains('{') && !p.Contains("  ")));

    [Test]
    public void Rows_of_files_bring_back_the_instruction()
    {
        var judge = new Judge(World);
        foreach (Instruction instruction in Training.Take(500))
        {
            var read = Instruction.FromRow(instruction.ToRow());
            Assert.That(read, Is.EqualTo(instruction));
            Assert.That(judge.Mark(read, new Answer("the dog eats meat.")), Is.EqualTo(judge.Mark(instruction, new Answer("the dog eats meat."))));
            Assert.That(Instruction.FromRow(instruction.ToDemonstrationRow("a \"b\"\n")), Is.EqualTo(instruction));
        }
    }

    [Test]
    public void Rows_survive_any_text() => Prop.ForAll<string[], int>((texts, user) =>
    {
        string Valid(int i) => string.Concat((texts.ElementAtOrDefault(i) ?? "").Where(c => !char.IsSurrogate(c)));
        var odd = new Instruction(
            Valid(0), InstructionKind.Chat, new Intent("chat", Valid(1), "", Valid(2)), Constraint.None, user, Split.Test, HeldOut.Fact);
        return Instruction.FromRow(odd.ToRow()) == odd;
    }).QuickCheckThrowOnFailure();

    [TestCase("{", "not JSON")]
    [TestCase("[]", "\"prompt\"")]
    [TestCase("{\"prompt\": 3}", "\"prompt\"")]
    [TestCase("{\"prompt\": \"x\", \"kind\": \"Poetry\"}", "Poetry")]
    [TestCase("{\"prompt\": \"x\", \"kind\": \"3\"}", "\"3\"")]
    [TestCase("{\"prompt\": \"x\", \"kind\": \"Chat\", \"form\": \"chat\", \"topic\": \"\", \"detail\": \"\", \"text\": \"\", \"constraint\": \"Loud\"}", "Loud")]
    public void Bad_rows_are_refused_with_the_field(string row, string named) =>
        Assert.That(() => Instruction.FromRow(row), Throws.InstanceOf<FormatException>().With.Message.Contains(named));

    [Test]
    public void Constraints_read_back_what_they_write()
    {
        Constraint[] all = [.. Training.Select(i => i.Constraint).Distinct(), new(ConstraintKind.UpperCase), Constraint.None];
        Assert.That(all.Select(c => Constraint.Parse(c.ToString())), Is.EqualTo(all));
        Prop.ForAll<string>(text =>
        {
            try
            {
                return Constraint.Parse(text ?? "").ToString() == text;
            }
            catch (FormatException)
            {
                return true;
            }
        }).QuickCheckThrowOnFailure();
    }
}
