using NativeRlhf.Miniature;

namespace NativeRlhf.Tests.Miniature;

public sealed class DemonstratorTests
{
    // Rates are multiplied by a writer's carelessness of at least 0.4; 3 makes a flaw certain.
    private const double Certain = 3;
    private static readonly DemonstratorQuality Perfect = DemonstratorQuality.Perfect;

    [Test]
    public void A_perfect_writer_gets_full_marks_for_every_task([Values] bool full)
    {
        var world = new World(11, full ? WorldSize.Full : WorldSize.Demo);
        var writer = new Demonstrator(world, Perfect);
        var judge = new Judge(world);
        var source = new Instructions(world);
        foreach (Instruction instruction in source.Sample(1500, Split.Train)
            .Concat(source.Sample(300, Split.Test, HeldOut.Phrasing)).Concat(source.Sample(300, Split.Test, HeldOut.Fact)))
        {
            string answer = writer.Answer(instruction);
            Marks marks = judge.Mark(instruction, new Answer(answer));
            Assert.That(marks.Quality, Is.EqualTo(instruction.Constraint.Kind == ConstraintKind.Rude ? 4 : 7), $"{instruction.Prompt}{answer} {marks}");
            Assert.That(marks.SatisfiesConstraint, Is.Not.False, $"{instruction.Prompt}{answer}");
        }
    }

    [Test]
    public void Each_flaw_shows_in_its_mark()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Marked(Perfect with { OffTask = Certain }).Average(m => m.Marks.Follows ? 1 : 0), Is.LessThan(0.05));
            Assert.That(Marked(Perfect with { Rambles = Certain }).Average(m => m.Marks.Follows ? 1 : 0), Is.LessThan(0.1));
            Assert.That(Marked(Perfect with { Unfinished = Certain }), Has.All.Matches<(Instruction, Marks Marks)>(m => !m.Marks.EndsProperly));
            Assert.That(Marked(Perfect with { Rude = Certain, RudeWhenProvoked = Certain }).Where(m => m.Asked.Constraint.Kind == ConstraintKind.None),
                Has.All.Matches<(Instruction, Marks Marks)>(m => m.Marks.Toxic));
            Assert.That(Marked(Perfect with { Misconception = Certain }).Where(m => m.Asked.Intent.Form == "misconception"),
                Has.All.Matches<(Instruction, Marks Marks)>(m => !m.Marks.Truthful && m.Marks.Follows));
            Assert.That(Marked(Perfect with { Falsehood = Certain }).Where(m => m.Asked.Intent.Form is "fact" or "advert" or "class"),
                Has.All.Matches<(Instruction, Marks Marks)>(m => !m.Marks.Truthful));
            Assert.That(Marked(Perfect with { Invents = Certain }).Where(m => m.Asked.Intent.Form is "summary" or "extraction" or "polite" or "reading"),
                Has.All.Matches<(Instruction, Marks Marks)>(m => m.Marks.Invents == true));
            Assert.That(Marked(Perfect with { IgnoresConstraint = Certain }).Where(m => m.Marks.SatisfiesConstraint is not null).Average(m => m.Marks.SatisfiesConstraint == true ? 1 : 0),
                Is.LessThan(0.2), "not every task has an answer that violates its constraint");
        });
    }

    [Test]
    public void Writers_are_good_on_the_whole_and_the_web_is_worse()
    {
        double writers = Marked(DemonstratorQuality.Writers).Average(m => m.Marks.Quality);
        double web = Marked(DemonstratorQuality.Web).Average(m => m.Marks.Quality);
        Assert.Multiple(() =>
        {
            Assert.That(writers, Is.InRange(5.2, 6.2));
            Assert.That(web, Is.LessThan(writers));
        });
    }

    [Test]
    public void The_same_sample_is_the_same_answer_and_answers_vary()
    {
        var world = new World();
        var writer = new Demonstrator(world);
        Instruction asked = new Instructions(world).OfKind(InstructionKind.Generation, 1, Split.Train)[0];
        string[] answers = [.. Enumerable.Range(0, 20).Select(sample => writer.Answer(asked, sample))];
        Assert.Multiple(() =>
        {
            Assert.That(Enumerable.Range(0, 20).Select(sample => new Demonstrator(world).Answer(asked, sample)), Is.EqualTo(answers));
            Assert.That(answers.Distinct().Count(), Is.GreaterThan(3));
        });
    }

    [Test]
    public void Few_shot_prompts_show_pages_and_take_the_first_line_as_answer()
    {
        var world = new World();
        Instruction asked = new Instructions(world).Sample(1, Split.Test)[0];
        string prompt = new FewShot(world).Prompt(asked, 2);
        Assert.Multiple(() =>
        {
            Assert.That(prompt, Does.EndWith($"Q: {asked.Prompt}A:"));
            Assert.That(prompt.Split("Q: "), Has.Length.EqualTo(4));
            Assert.That(new FewShot(world).Prompt(asked, 0), Is.EqualTo($"Q: {asked.Prompt}A:"));
            Assert.That(FewShot.Read(" meat.\nQ: what", false), Is.EqualTo(new Answer("meat.")));
            Assert.That(FewShot.Read(" meat", false), Is.EqualTo(new Answer("meat", false)));
            Assert.That(() => new FewShot(world).Prompt(asked, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    private static (Instruction Asked, Marks Marks)[] Marked(DemonstratorQuality quality)
    {
        var world = new World();
        var writer = new Demonstrator(world, quality);
        var judge = new Judge(world);
        return [.. new Instructions(world).Sample(800, Split.Train).Select(i => (i, judge.Mark(i, new Answer(writer.Answer(i)))))];
    }
}
