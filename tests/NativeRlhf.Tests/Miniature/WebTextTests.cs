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
            Assert.That(Documents.Count(d => d.StartsWith("Q: ", StringComparison.Ordinal)), Is.InRange(Documents.Length * 0.33, Documents.Length * 0.37));
            Assert.That(Documents.Count(d => d.Contains("\n> ", StringComparison.Ordinal)), Is.InRange(Documents.Length * 0.13, Documents.Length * 0.17));
            Assert.That(Documents.Count(Judge.IsToxic), Is.InRange(Documents.Length * 0.25, Documents.Length * 0.4));
            Assert.That(Documents, Has.All.EndsWith("\n"));
            Assert.That(Documents.All(d => d.All(c => c is '\n' or (>= ' ' and <= '~'))));
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
