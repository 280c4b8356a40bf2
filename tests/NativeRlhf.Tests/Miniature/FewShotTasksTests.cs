using System.Text.Json;
using NativeRlhf.Miniature;

namespace NativeRlhf.Tests.Miniature;

public sealed class FewShotTasksTests
{
    [Test]
    public void The_right_completion_is_right_and_the_others_are_wrong([Values] FewShotTask task, [Values] bool full)
    {
        var world = new World(3, full ? WorldSize.Full : WorldSize.Demo);
        Relation relation = task switch
        {
            FewShotTask.Opposites => Relation.Opposite,
            FewShotTask.Sums => Relation.Sum,
            FewShotTask.Sounds => Relation.Sound,
            _ => Relation.Capital,
        };
        IReadOnlyList<FewShotItem> items = new FewShotTasks(world).Sample(task, 150, Split.Test);
        Assert.That(items.Select(item => item.Prompt), Is.Unique);
        foreach (FewShotItem item in items)
        {
            string question = item.Prompt.Split('\n')[^2]["Q: ".Length..].TrimEnd('?', '.');
            string[] subjects = [.. world.Subjects(relation).Where(s => $" {question} ".Contains($" {s} ", StringComparison.Ordinal)).OrderByDescending(s => s.Length)];
            Assert.Multiple(() =>
            {
                Assert.That(subjects, Is.Not.Empty, question);
                Assert.That(world.IsTrue(new Claim(relation, subjects[0], Value(item.Completion))), item.ToString());
                Assert.That(item.WrongCompletions, Has.Count.EqualTo(FewShotTasks.MostWrong));
                Assert.That(item.WrongCompletions, Is.Unique);
                Assert.That(item.WrongCompletions.Any(wrong => world.IsTrue(new Claim(relation, subjects[0], Value(wrong)))), Is.False);
                Assert.That(item.HeldOut == HeldOut.Fact, Is.EqualTo(world.IsHeldOut(subjects[0])));
            });
        }

        static string Value(string completion) => completion[1..^1];
    }

    /// <summary>The page looks as those of the web text, its examples are right, and none of them is the question.</summary>
    [Test]
    public void The_prompt_is_a_page_of_solved_examples()
    {
        var world = new World();
        FewShotItem item = new FewShotTasks(world).Sample(FewShotTask.Sums, 1, Split.Test, shots: 2)[0];
        string[] lines = item.Prompt.Split('\n');
        Assert.Multiple(() =>
        {
            Assert.That(lines, Has.Length.EqualTo(6));
            Assert.That(lines.Where((_, i) => i % 2 == 0), Has.All.StartsWith("Q: "));
            Assert.That(lines.Where((_, i) => i % 2 == 0), Is.Unique);
            Assert.That(lines[1], Does.StartWith("A: ").And.EndsWith("."));
            Assert.That(lines[^1], Is.EqualTo("A:"));
            Assert.That(world.WebDocuments(Split.Train, 100_000).Any(page => page.Contains("plus", StringComparison.Ordinal) && page.Contains("\nA:" + item.Completion, StringComparison.Ordinal)));
        });
    }

    [Test]
    public void An_opposite_is_not_given_away_by_the_examples()
    {
        foreach (FewShotItem item in new FewShotTasks(new World()).Sample(FewShotTask.Opposites, 200, Split.Validation))
        {
            Assert.That(item.Prompt, Does.Not.Contain($" {item.Completion[1..^1]}?"), item.Prompt);
        }
    }

    [Test]
    public void Splits_share_no_prompt_and_longer_samples_start_with_shorter_ones()
    {
        var tasks = new FewShotTasks(new World());
        IReadOnlyList<FewShotItem> test = tasks.Sample(FewShotTask.Sounds, 100, Split.Test);
        Assert.Multiple(() =>
        {
            Assert.That(tasks.Sample(FewShotTask.Sounds, 100, Split.Validation).Select(i => i.Prompt).Intersect(test.Select(i => i.Prompt)), Is.Empty);
            Assert.That(tasks.Sample(FewShotTask.Sounds, 30, Split.Test).Select(i => i.ToRow()), Is.EqualTo(test.Take(30).Select(i => i.ToRow())));
            Assert.That(new FewShotTasks(new World(43)).Sample(FewShotTask.Sounds, 1, Split.Test)[0].ToRow(), Is.Not.EqualTo(test[0].ToRow()));
            Assert.That(() => tasks.Sample(FewShotTask.Capitals, 100, Split.Test, shots: 0), Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.Contains("WorldSize"));
            Assert.That(() => tasks.Sample(FewShotTask.Capitals, 1, Split.Test, FewShotTasks.MostShots + 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => tasks.Sample(FewShotTask.Capitals, -1, Split.Test), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => tasks.Sample((FewShotTask)9, 1, Split.Test), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    [Test]
    public void Rows_are_JSON_with_the_fields_of_an_item()
    {
        FewShotItem item = new FewShotTasks(new World()).Sample(FewShotTask.Capitals, 1, Split.Test)[0];
        using var row = JsonDocument.Parse(item.ToRow());
        JsonElement fields = row.RootElement;
        Assert.Multiple(() =>
        {
            Assert.That(fields.GetProperty("prompt").GetString(), Is.EqualTo(item.Prompt));
            Assert.That(fields.GetProperty("completion").GetString(), Is.EqualTo(item.Completion));
            Assert.That(fields.GetProperty("wrong").EnumerateArray().Select(w => w.GetString()), Is.EqualTo(item.WrongCompletions));
            Assert.That(fields.GetProperty("task").GetString(), Is.EqualTo("Capitals"));
        });
    }
}
