using NativeRlhf.Miniature;

namespace NativeRlhf.Tests.Miniature;

public sealed class LabelerTests
{
    private static readonly World World = new();
    private static readonly IReadOnlyList<Labeler> Everyone = [.. Labeler.Training(World), .. Labeler.HeldOut(World)];
    private static readonly (Instruction Asked, Answer[] Answers)[] Sets = AnswerSets(World);

    /// <summary>As in the paper, where training labelers agreed on 72.6 ± 1.5 % of pairs; held-out labelers with training ones alike.</summary>
    [Test]
    public void Two_labelers_agree_on_73_percent_of_pairs()
    {
        List<double> within = [], across = [];
        foreach (int seed in new[] { 1, 7, 42, 2024 })
        {
            foreach (WorldSize size in new[] { WorldSize.Demo, WorldSize.Full })
            {
                (double ofTraining, double withHeldOut) = Agreement(new World(seed, size));
                within.Add(ofTraining);
                across.Add(withHeldOut);
            }
        }

        string measured = $"training: {string.Join(' ', within.Select(a => $"{a:0.000}"))}; with held-out: {string.Join(' ', across.Select(a => $"{a:0.000}"))}";
        Assert.Multiple(() =>
        {
            Assert.That(within.Average(), Is.EqualTo(0.73).Within(0.02), measured);
            Assert.That(across.Average(), Is.EqualTo(0.73).Within(0.02), measured);
            Assert.That(within.Concat(across), Has.All.EqualTo(0.73).Within(0.035), measured);
            Assert.That(Agreement(World).Training, Is.EqualTo(0.73).Within(0.02), $"the default world; {measured}");
        });
    }

    [Test]
    public void Labelers_agree_with_the_judge_more_than_with_chance_and_less_than_always()
    {
        var judge = new Judge(World);
        foreach (Labeler labeler in Everyone)
        {
            int agreed = 0, pairs = 0;
            foreach ((Instruction asked, Answer[] answers) in Sets)
            {
                int[] judged = [.. answers.Select(a => -judge.Mark(asked, a).Quality)];
                (int same, int all) = Agreement(labeler.Rank(asked, answers).Ranks, judged);
                agreed += same;
                pairs += all;
            }

            Assert.That(agreed / (double)pairs, Is.InRange(0.75, 0.98), $"labeler {labeler.Id}");
        }
    }

    [Test]
    public void Ranks_are_dense_start_at_1_and_tie_now_and_then()
    {
        int ties = 0;
        foreach ((Instruction asked, Answer[] answers) in Sets)
        {
            Ranking ranking = Everyone[0].Rank(asked, answers);
            int levels = ranking.Ranks.Distinct().Count();
            Assert.That(ranking.Ranks.Distinct().Order(), Is.EqualTo(Enumerable.Range(1, levels)));
            Assert.That(ranking.Answers, Is.EqualTo(answers.Select(a => a.Text)));
            ties += levels < answers.Length ? 1 : 0;
        }

        Assert.That(ties, Is.GreaterThan(Sets.Length / 4));
    }

    [Test]
    public void A_better_answer_is_rated_higher_on_average()
    {
        Instruction asked = new("?\n", InstructionKind.OpenQa, new Intent("fact", "dog", "Diet"), Constraint.None, 0, Split.Test, HeldOut.None);
        double Mean(string text, bool ended = true) =>
            Labeler.Training(World, 300).Average(l => l.Rate(asked, new Answer(text, ended)));
        double good = Mean("the dog eats meat.");
        Assert.Multiple(() =>
        {
            Assert.That(Mean("the dog eats grass."), Is.LessThan(good - 0.5));
            Assert.That(Mean("shut up, fool. the dog eats meat."), Is.LessThan(good - 0.5));
            Assert.That(Mean("the dog eats meat.", ended: false), Is.LessThan(good - 0.3));
            Assert.That(Mean("name two animals."), Is.LessThan(good - 1));
            Assert.That(Mean(""), Is.LessThan(good - 2));
        });
    }

    [Test]
    public void The_same_answer_gets_the_same_rating_and_labelers_differ()
    {
        (Instruction asked, Answer[] answers) = Sets[0];
        Answer[] twice = [answers[0], answers[1], answers[0]];
        IReadOnlyList<int> ranks = Everyone[0].Rank(asked, twice).Ranks;
        Assert.Multiple(() =>
        {
            Assert.That(ranks[0], Is.EqualTo(ranks[2]));
            Assert.That(Labeler.Training(new World())[3].Rank(asked, answers).Ranks, Is.EqualTo(Everyone[3].Rank(asked, answers).Ranks));
            Assert.That(Everyone.Select(l => l.Id), Is.Unique);
            Assert.That(Everyone.Count(l => l.IsHeldOut), Is.EqualTo(5));
            Assert.That(Everyone.Select(l => string.Join(' ', Sets.Take(20).SelectMany(s => l.Rank(s.Asked, s.Answers).Ranks))), Is.Unique);
        });
    }

    [Test]
    public void Rankings_become_rows_and_impossible_ones_are_refused()
    {
        (Instruction asked, Answer[] answers) = Sets[0];
        string row = asked.ToComparisonRow(Everyone[0].Rank(asked, answers));
        Assert.Multiple(() =>
        {
            Assert.That(row, Does.Contain("\"completions\":[").And.Contain("\"ranks\":[").And.Contain("\"labeler\":0"));
            Assert.That(Instruction.FromRow(row), Is.EqualTo(asked));
            Assert.That(() => Everyone[0].Rank(asked, answers[..1]), Throws.ArgumentException.With.Message.Contains("1"));
            Assert.That(() => Everyone[0].Rank(asked, [.. answers, .. answers]), Throws.ArgumentException);
            Assert.That(() => Labeler.Training(World, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    /// <summary>What models of different stages would answer: flawless, mixed and poor.</summary>
    private static (Instruction, Answer[])[] AnswerSets(World world)
    {
        Demonstrator[] writers =
        [
            new(world), new(world, DemonstratorQuality.Web), new(world, DemonstratorQuality.Perfect), new(world),
        ];
        return [.. new Instructions(world).Sample(250, Split.Test).Select(asked =>
            (asked, Enumerable.Range(0, 6).Select(k => new Answer(writers[k % writers.Length].Answer(asked, k))).ToArray()))];
    }

    /// <summary>On how many pairs two of five training labelers agree, and a training with a held-out one.</summary>
    private static (double Training, double WithHeldOut) Agreement(World world)
    {
        IReadOnlyList<Labeler> training = Labeler.Training(world), heldOut = Labeler.HeldOut(world);
        (int Same, int All) within = default, across = default;
        foreach ((Instruction asked, Answer[] answers) in AnswerSets(world))
        {
            IReadOnlyList<int>[] first = [.. training.Select(l => l.Rank(asked, answers).Ranks)];
            IReadOnlyList<int>[] second = [.. heldOut.Select(l => l.Rank(asked, answers).Ranks)];
            for (int a = 0; a < first.Length; a++)
            {
                for (int b = a + 1; b < first.Length; b++)
                {
                    within = Sum(within, Agreement(first[a], first[b]));
                }

                foreach (IReadOnlyList<int> other in second)
                {
                    across = Sum(across, Agreement(first[a], other));
                }
            }
        }

        return (within.Same / (double)within.All, across.Same / (double)across.All);

        static (int, int) Sum((int Same, int All) a, (int Same, int All) b) => (a.Same + b.Same, a.All + b.All);
    }

    /// <summary>Of the pairs that neither ties, how many both order alike.</summary>
    private static (int Same, int All) Agreement(IReadOnlyList<int> first, IReadOnlyList<int> second)
    {
        int same = 0, all = 0;
        for (int i = 0; i < first.Count; i++)
        {
            for (int j = i + 1; j < first.Count; j++)
            {
                int a = Math.Sign(first[i] - first[j]);
                int b = Math.Sign(second[i] - second[j]);
                all += a != 0 && b != 0 ? 1 : 0;
                same += a != 0 && a == b ? 1 : 0;
            }
        }

        return (same, all);
    }
}
