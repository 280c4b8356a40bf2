using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Evaluation;

/// <summary>Log-probabilities, scores and values against softmax and products written out in double.</summary>
public class SequenceScorerTests
{
    private static readonly TokenRow[] Rows = MakeRows();

    [TestCase(1f)]
    [TestCase(0.6f)]
    public void LogProbabilitiesAndEntropiesAreThoseOfTheSoftmax(float temperature)
    {
        using var model = Random(Odd(), 1);
        using var workspace = new Workspace(model.Device, model.Config, 40, forBackward: false);
        float[] packed = new float[TokenRow.CountedOf(Rows)];
        new SequenceScorer(workspace).LogProbs(model, Rows, new float[packed.Length], packed, temperature);
        float[][] entropies = SequenceScorer.Unpack(Rows, packed), logprobs = new SequenceScorer(workspace).LogProbs(model, Rows, temperature);
        for (int i = 0; i < Rows.Length; i++)
        {
            var row = Rows[i];
            Assert.That((logprobs[i].Length, entropies[i].Length), Is.EqualTo((row.Counted, row.Counted)));
            if (row.Tokens.Length == 1) continue;
            float[][] logits = Logits(model, row.Tokens[..^1]);
            for (int t = row.CountedFrom; t < row.Tokens.Length; t++)
            {
                double[] expected = LogSoftmax(Array.ConvertAll(logits[t - 1], logit => logit / temperature));
                Assert.That(logprobs[i][t - row.CountedFrom], Is.EqualTo(expected[row.Tokens[t]]).Within(2e-5));
                Assert.That(entropies[i][t - row.CountedFrom], Is.EqualTo(-expected.Sum(logprob => Math.Exp(logprob) * logprob)).Within(2e-5));
            }
        }
    }

    [Test]
    public void LossIsTheMeanOverAllCountedTokens()
    {
        using var model = Random(Odd(), 1);
        using var workspace = new Workspace(model.Device, model.Config, 40, forBackward: false);
        var scorer = new SequenceScorer(workspace);
        float[] all = [.. scorer.LogProbs(model, Rows).SelectMany(logprobs => logprobs)];
        Assert.That(all, Has.Length.EqualTo(Rows.Sum(row => row.Counted)));
        Assert.That(scorer.Loss(model, Rows), Is.EqualTo(-all.Average(logprob => (double)logprob)).Within(1e-9));
    }

    [TestCase(1, 51, 2, "token id 51 is")]
    [TestCase(1, -1, 2, "token id -1 is")]
    [TestCase(1, 2, 51, "token id 51 is")]
    public void TokensThatTheModelDoesNotKnowAreNamedBeforeAKernelReadsThem(int first, int second, int last, string expected)
    {
        // The last token of a row is predicted, but does not go through the model.
        using var model = Random(Odd(), 1);
        using var workspace = new Workspace(model.Device, model.Config, 40, forBackward: false);
        Assert.That(() => new SequenceScorer(workspace).LogProbs(model, [new TokenRow([first, second, last], 1)]),
            Throws.ArgumentException.With.Message.EqualTo($"{expected} not one of the model's, 0 to 50"));
    }

    [Test]
    public void ResultsDoNotDependOnTheSizeOfTheWorkspace()
    {
        using var model = Random(Odd(), 1, hasScore: true);
        using var small = new Workspace(model.Device, model.Config, 23, forBackward: false);
        using var large = new Workspace(model.Device, model.Config, 500, forBackward: false);
        int[][] sequences = [.. Rows.Select(row => row.Tokens)];
        for (int i = 0; i < Rows.Length; i++)
        {
            Assert.That(RelativeError(new SequenceScorer(small).LogProbs(model, Rows)[i], new SequenceScorer(large).LogProbs(model, Rows)[i]), Is.LessThan(1e-6));
            Assert.That(RelativeError(ValuesOf(small, model)[i], ValuesOf(large, model)[i]), Is.LessThan(1e-6));
        }

        Assert.That(RelativeError(new SequenceScorer(small).Scores(model, sequences), new SequenceScorer(large).Scores(model, sequences)), Is.LessThan(1e-6));
    }

    [Test]
    public void AScoreIsReadAtTheLastTokenAndAValueBeforeEachCountedOne()
    {
        using var model = Random(Odd() with { RewardBias = 0.75f }, 2, hasScore: true);
        using var workspace = new Workspace(model.Device, model.Config, 40, forBackward: false);
        var scorer = new SequenceScorer(workspace);
        float[] scores = scorer.Scores(model, [.. Rows.Select(row => row.Tokens)]);
        float[][] values = ValuesOf(workspace, model);
        float[] weight = Values(model.Weights.Score);
        for (int i = 0; i < Rows.Length; i++)
        {
            float[][] hidden = Hidden(model, Rows[i].Tokens);
            Assert.That(scores[i], Is.EqualTo(Score(hidden[^1])).Within(1e-4));
            for (int t = Rows[i].CountedFrom; t < Rows[i].Tokens.Length; t++)
                Assert.That(values[i][t - Rows[i].CountedFrom], Is.EqualTo(Score(hidden[t - 1])).Within(1e-4));
        }

        double Score(float[] hidden) => 0.75 + hidden.Zip(weight, (h, w) => (double)h * w).Sum();
    }

    [Test]
    public void RowsThatBeginAlikeAreScoredAsEachAlone()
    {
        using var model = Random(Odd(), 3, hasScore: true);
        using var workspace = new Workspace(model.Device, model.Config, 120, forBackward: false);
        var scorer = new SequenceScorer(workspace);
        var random = new Random(5);
        int[] prompt = Tokens(random, 10, 51), longer = [.. prompt, .. Tokens(random, 5, 51)];
        // Of the first rows all tokens count, also those of the rows that they share.
        TokenRow[] rows =
        [
            new([.. prompt, 1, 2], 1), new([.. prompt, 3], 1), new([.. prompt, 3], 1), new(prompt, 9), new(prompt[..1], 1), new(prompt[..2], 1), new([.. longer, 4, 5, 6], 15), new([.. longer, 7], 15), new(longer, 3),
        ];
        float[][] logprobs = scorer.LogProbs(model, rows), entropies, values;
        float[] packed = new float[TokenRow.CountedOf(rows)], other = new float[packed.Length];
        int[] best = new int[packed.Length];
        scorer.LogProbs(model, rows, other, packed);
        entropies = SequenceScorer.Unpack(rows, packed);
        scorer.Values(model, rows, packed);
        values = SequenceScorer.Unpack(rows, packed);
        scorer.LogProbs(model, rows, packed, best);
        Assert.That(packed, Is.EqualTo(other));
        float[] scores = scorer.Scores(model, [.. rows.Select(row => row.Tokens)]);
        int at = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            float[] logprob = new float[rows[i].Counted], entropy = new float[rows[i].Counted], value = new float[rows[i].Counted];
            int[] greedy = new int[rows[i].Counted];
            scorer.LogProbs(model, [rows[i]], logprob, entropy);
            scorer.Values(model, [rows[i]], value);
            scorer.LogProbs(model, [rows[i]], new float[logprob.Length], greedy);
            Assert.That(logprobs[i], Is.EqualTo(logprob).Within(1e-5), $"row {i}");
            Assert.That(entropies[i], Is.EqualTo(entropy).Within(1e-5), $"row {i}");
            Assert.That(values[i], Is.EqualTo(value).Within(1e-5), $"row {i}");
            Assert.That(best.AsSpan(at, greedy.Length).ToArray(), Is.EqualTo(greedy), $"row {i}");
            Assert.That(scores[i], Is.EqualTo(scorer.Scores(model, [rows[i].Tokens])[0]).Within(1e-5), $"row {i}");
            at += greedy.Length;
        }
    }

    [Test]
    public void NothingInNothingOut()
    {
        using var model = Random(Odd(), 2, hasScore: true);
        using var workspace = new Workspace(model.Device, model.Config, 40, forBackward: false);
        var scorer = new SequenceScorer(workspace);
        Assert.That(scorer.LogProbs(model, []), Is.Empty);
        Assert.That(scorer.Scores(model, []), Is.Empty);
        Assert.That(scorer.LogProbs(model, [new TokenRow([5], 1)])[0], Is.Empty, "one token has none before it");
    }

    private static float[][] ValuesOf(Workspace workspace, Gpt model)
    {
        float[] packed = new float[TokenRow.CountedOf(Rows)];
        new SequenceScorer(workspace).Values(model, Rows, packed);
        return SequenceScorer.Unpack(Rows, packed);
    }

    private static float[][] Hidden(Gpt model, int[] tokens)
    {
        using var activations = new GptActivations(model.Device, model.Config, tokens.Length, forBackward: false);
        using var batch = new PackedBatch(model.Device);
        batch.Set(tokens);
        return [.. Values(model.Forward(batch, activations)).Chunk(model.Config.Width)];
    }

    private static TokenRow[] MakeRows()
    {
        var random = new Random(11);
        return [.. new[] { (9, 1), (2, 1), (1, 1), (23, 10), (5, 4), (13, 1), (6, 5) }.Select(row => new TokenRow(Tokens(random, row.Item1, 51), row.Item2))];
    }
}
