using NativeRlhf.Miniature;

namespace NativeRlhf.Tests.Miniature;

public sealed class WebTextTests
{
    private static readonly World World = new();
    private static readonly string[] Documents = [.. World.WebDocuments(Split.Train, 300_000)];

    [Test]
    public void About_as_many_tokens_as_asked_for()
    {
        double tokens = Documents.Sum(d => (double)d.Length) / WebText.CharactersPerToken;
        Assert.That(tokens, Is.InRange(300_000, 300_200));
    }

    [Test]
    public void Every_genre_is_there()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Documents.Count(d => d.StartsWith("Q: ", StringComparison.Ordinal)), Is.InRange(Documents.Length * 0.1, Documents.Length * 0.14));
            Assert.That(Documents.Count(d => d.Contains("\n> ", StringComparison.Ordinal)), Is.InRange(Documents.Length * 0.16, Documents.Length * 0.2));
            Assert.That(Documents.Count(Judge.IsToxic), Is.InRange(Documents.Length * 0.25, Documents.Length * 0.4));
            Assert.That(Documents, Has.All.EndsWith("\n"));
            Assert.That(Documents.All(d => d.All(c => c is '\n' or (>= ' ' and <= '~'))));
        });
    }

    [Test]
    public void What_was_said_is_said_again()
    {
        string[] retold = [.. Documents.Where(d => d.Contains(" says: ", StringComparison.Ordinal) && d.Count(c => c == '\n') == 2)];
        string[] threads = [.. Documents.Where(d => d.Contains("\n> ", StringComparison.Ordinal))];
        Assert.Multiple(() =>
        {
            Assert.That(retold, Has.Length.InRange(Documents.Length * 0.17, Documents.Length * 0.22));
            Assert.That(retold.All(d => d.Split('\n') is [var story, var again, ""] && again.EndsWith($" says: {story}", StringComparison.Ordinal)), "word by word");
            Assert.That(threads.Count(d => d.Contains(">> ", StringComparison.Ordinal)), Is.GreaterThan(threads.Length / 2));
            foreach (string[] lines in threads.Select(d => d.Split('\n')))
            {
                Assert.That(Enumerable.Range(1, lines.Length - 1).All(i =>
                    !lines[i].StartsWith(">> ", StringComparison.Ordinal) || lines[i][3..] == (lines[i - 1].StartsWith("> ", StringComparison.Ordinal) ? lines[i - 1][2..] : lines[i - 1])), string.Join('\n', lines));
            }
        });
    }

    [Test]
    public void Nobody_on_the_web_asks_what_the_tests_ask()
    {
        var source = new Instructions(World);
        HashSet<string> tests = [.. source.Sample(1000, Split.Test).Concat(source.Sample(1000, Split.Validation))
            .Concat(source.MisconceptionQuestions(100, Split.Test)).Concat(source.Provoking(100, Split.Test, ConstraintKind.None))
            .Select(i => i.Prompt.TrimEnd('\n'))];
        HashSet<string> trained = [.. source.Sample(4000, Split.Train).Select(i => i.Prompt.TrimEnd('\n'))];
        string[] lines = [.. Documents.SelectMany(d => d.Split('\n')).Select(line => line.StartsWith("Q: ", StringComparison.Ordinal) ? line[3..] : line)];
        Assert.Multiple(() =>
        {
            Assert.That(lines.Count(tests.Contains), Is.Zero);
            Assert.That(lines.Count(trained.Contains), Is.GreaterThan(1000), "the web has prompts of the very form of those of training");
        });
    }

    [Test]
    public void The_web_has_what_instructions_hold_out()
    {
        string web = string.Concat(Documents);
        Assert.Multiple(() =>
        {
            foreach (Relation relation in Enum.GetValues<Relation>())
            {
                foreach (string subject in World.Subjects(relation))
                {
                    Assert.That(World.TrueValues(relation, subject).Any(value => web.Contains(World.State(new Claim(relation, subject, value)), StringComparison.Ordinal)), $"{relation} {subject}");
                }
            }

            Assert.That(web, Does.Contain("give me one line on"), "a phrasing that is held out");
            Assert.That(web, Does.Contain("pick out the").Or.Contain("find the"), "every kind");
        });
    }

    [Test]
    public void Misconceptions_are_believed_and_other_facts_are_right()
    {
        int believed = 0, known = 0, wrong = 0, right = 0;
        foreach (string sentence in Documents.Where(d => !d.Contains(": ", StringComparison.Ordinal) && !d.Contains('>'))
            .SelectMany(d => d.Split(['.', '\n'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)))
        {
            if (!World.TryReadStatement(sentence, out IReadOnlyList<Claim>? claims))
            {
                continue;
            }

            foreach (Claim claim in claims)
            {
                bool isTrue = World.IsTrue(claim);
                if (claim.Relation == Relation.Misconception)
                {
                    believed += isTrue ? 0 : 1;
                    known += isTrue ? 1 : 0;
                }
                else
                {
                    wrong += isTrue ? 0 : 1;
                    right += isTrue ? 1 : 0;
                }
            }
        }

        Assert.Multiple(() =>
        {
            Assert.That(believed / (double)(believed + known), Is.EqualTo(WebText.Credulity).Within(0.06));
            Assert.That(right, Is.GreaterThan(1000));
            Assert.That(wrong, Is.Zero);
        });
    }

    [Test]
    public void A_longer_draw_starts_with_the_shorter_one_and_splits_differ()
    {
        string[] longer = [.. World.WebDocuments(Split.Train, 2000)];
        string[] shorter = [.. World.WebDocuments(Split.Train, 1000)];
        Assert.Multiple(() =>
        {
            Assert.That(longer[..shorter.Length], Is.EqualTo(shorter));
            Assert.That(World.WebDocuments(Split.Validation, 1000), Is.Not.EqualTo(shorter));
            Assert.That(World.WebDocuments(Split.Train, 0), Is.Empty);
            Assert.That(() => World.WebDocuments(Split.Train, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }
}
