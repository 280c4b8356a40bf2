using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Model;

/// <summary>Sequences that are packed into one batch know nothing of each other.</summary>
public class PackedBatchTests
{
    [Test]
    public void HiddenStatesOfASequenceDoNotDependOnItsNeighbours()
    {
        using var model = Random(Odd(), 1);
        var random = new Random(2);
        int[][] sequences = [.. new[] { 7, 1, 23, 3, 12 }.Select(length => Tokens(random, length, 51))];
        float[][] together = Logits(model, sequences);
        int at = 0;
        foreach (int[] tokens in sequences)
        {
            float[][] alone = Logits(model, tokens);
            for (int t = 0; t < tokens.Length; t++)
                Assert.That(RelativeError(together[at + t], alone[t]), Is.LessThan(1e-6), $"sequence of {tokens.Length}, position {t}");
            at += tokens.Length;
        }
    }

    [Test]
    public void AFutureTokenChangesNothingBeforeIt()
    {
        using var model = Random(Odd(), 1);
        int[] tokens = Tokens(new Random(3), 11, 51), changed = [.. tokens];
        changed[6] = (changed[6] + 1) % 51;
        float[][] before = Logits(model, tokens), after = Logits(model, changed);
        Assert.Multiple(() =>
        {
            for (int t = 0; t < 6; t++) Assert.That(after[t], Is.EqualTo(before[t]), $"position {t}");
            for (int t = 6; t < 11; t++) Assert.That(RelativeError(after[t], before[t]), Is.GreaterThan(1e-4), $"position {t}");
        });
    }

    [Test]
    public void GradientsOfPackedRowsAreTheSumOfTheirOwn()
    {
        using var model = Random(Odd(tied: false, headBias: true), 4);
        TokenRow[] rows = Rows(5);
        int counted = rows.Sum(row => row.Counted);
        var (_, together) = LossAndGradients(model, [rows]);
        using (together)
        {
            using var sum = new GptParameters(model.Device, model.Config, hasScore: false);
            foreach (var row in rows)
            {
                var (_, alone) = LossAndGradients(model, [[row]]);
                model.Device.Kernels.Elementwise.Combine(sum.All, (float)row.Counted / counted, alone.All, 1);
                alone.Dispose();
            }

            AssertClose(together, sum, 1e-5);
        }
    }

    [TestCase(0f)]
    [TestCase(0.3f)]
    public void AccumulatingOverMicroBatchesEqualsOneLargeBatch(float dropout)
    {
        using var model = Random(Odd(), 6);
        TokenRow[] rows = Rows(7);
        var key = new ResidualDropout(dropout, Seed: 42, Step: 3, FirstRow: 0);
        var (wholeLoss, whole) = LossAndGradients(model, [rows], key);
        using (whole)
        {
            foreach (int size in new[] { 1, 2, 3 })
            {
                var (loss, parts) = LossAndGradients(model, [.. rows.Chunk(size)], key);
                using (parts)
                {
                    Assert.That(loss, Is.EqualTo(wholeLoss).Within(1e-4).Percent);
                    AssertClose(parts, whole, 1e-6);
                }
            }
        }
    }

    [Test]
    public void DropoutDropsAndItsMaskFollowsSeedAndStep()
    {
        using var model = Random(Odd(), 6);
        TokenRow[] rows = Rows(7);
        double Loss(ResidualDropout dropout)
        {
            var (loss, gradients) = LossAndGradients(model, [rows], dropout);
            gradients.Dispose();
            return loss;
        }

        double plain = Loss(default), one = Loss(new(0.3f, 42, 3, 0));
        Assert.Multiple(() =>
        {
            Assert.That(one, Is.Not.EqualTo(plain));
            Assert.That(Loss(new(0.3f, 42, 3, 0)), Is.EqualTo(one));
            Assert.That(Loss(new(0.3f, 42, 4, 0)), Is.Not.EqualTo(one));
            Assert.That(Loss(new(0.3f, 43, 3, 0)), Is.Not.EqualTo(one));
        });
    }

    [Test]
    public void GradientsWithDropoutAgreeWithFiniteDifferences([Values] bool tied)
    {
        using var model = Random(Odd(tied, ActivationKind.GeluExact), 8);
        TokenRow[] rows = Rows(9);
        var key = new ResidualDropout(0.25f, 1, 2, 0);
        var (_, gradients) = LossAndGradients(model, [rows], key);
        using (gradients)
        {
            var random = new Random(10);
            foreach (var spec in model.Weights.Specs)
            {
                // Along a random direction u: (L(w + εu) − L(w − εu)) / 2ε = g·u.
                float[] weight = Values(model.Weights[spec.Name]), gradient = Values(gradients[spec.Name]);
                // Of the embedding rows that no token uses nothing is learned; the others make the direction.
                float[] direction = [.. gradient.Select(g => g == 0 ? 0 : g + (float)((random.NextDouble() - 0.5) * Math.Abs(g)))];
                double length = Math.Sqrt(direction.Sum(d => (double)d * d)), slope = 0;
                for (int i = 0; i < direction.Length; i++)
                {
                    direction[i] = (float)(direction[i] / length);
                    slope += (double)direction[i] * gradient[i];
                }

                const float Epsilon = 2e-2f;
                double difference = (LossAt(Epsilon) - LossAt(-Epsilon)) / (2 * Epsilon);
                model.Device.Upload(model.Weights[spec.Name], weight);
                Assert.That(difference, Is.EqualTo(slope).Within(2).Percent, spec.Name);

                double LossAt(float epsilon)
                {
                    model.Device.Upload(model.Weights[spec.Name], [.. weight.Zip(direction, (w, d) => w + (epsilon * d))]);
                    var (loss, other) = LossAndGradients(model, [rows], key);
                    other.Dispose();
                    return loss;
                }
            }
        }
    }

    [Test]
    public void ABatchThatDoesNotFitSaysSo()
    {
        using var model = Random(Odd(), 1);
        using var activations = new GptActivations(model.Device, model.Config, 30, forBackward: false);
        using var batch = new PackedBatch(model.Device);
        batch.Set(new int[20], new int[11]);
        Assert.That(() => model.Forward(batch, activations), Throws.ArgumentException.With.Message.Contains("31").And.Message.Contains("30"));
        batch.Set(new int[24]);
        Assert.That(() => model.Forward(batch, activations), Throws.ArgumentException.With.Message.Contains("24").And.Message.Contains("23 positions"));
        Assert.That(() => batch.Set(new int[3], []), Throws.ArgumentException.With.Message.Contains("sequence 1"));
    }

    [Test]
    public void NeighboursOfAGroupShareWhatTheyBeginWith()
    {
        using var model = Random(Odd(), 1);
        using var batch = new PackedBatch(model.Device);
        foreach (int[][] sequences in Families())
        {
            batch.Set<int[]>(sequences, static tokens => tokens, groupOf: static _ => 0);
            int[] packed = batch.Tokens.Host.ToArray(), positions = batch.Layout.Positions.Host.ToArray(), last = batch.LastRows.Host.ToArray();
            Assert.That(batch.Rows, Is.LessThanOrEqualTo(sequences.Sum(tokens => tokens.Length)));
            for (int s = 0; s < sequences.Length; s++)
            {
                Assert.That(last[s], Is.EqualTo(batch.RowOf(s, sequences[s].Length - 1)));
                for (int t = 0; t < sequences[s].Length; t++)
                    Assert.That((packed[batch.RowOf(s, t)], positions[batch.RowOf(s, t)]), Is.EqualTo((sequences[s][t], t)), $"sequence {s}, token {t}");
            }

            Assert.That(last, Is.Unique, "the last token of each sequence has a row of its own");
        }

        int[] prompt = [.. Enumerable.Range(10, 6)];
        (int[] Tokens, int Prompt)[] answers = [([.. prompt, 1], 0), ([.. prompt, 2, 3], 0), ([.. prompt, 4], 1), ([.. prompt, 5], 1)];
        batch.Set<(int[] Tokens, int Prompt)>(answers, static answer => answer.Tokens, groupOf: static answer => answer.Prompt);
        Assert.That(batch.Rows, Is.EqualTo(6 + 1 + 2 + 6 + 1 + 1), "groups share nothing with each other");
    }

    [Test]
    public void HiddenStatesAndGradientsDoNotDependOnWhetherRowsAreShared()
    {
        using var model = Random(Odd(), 3, hasScore: true);
        foreach (int[][] sequences in Families())
        {
            var (together, shared) = Pass(model, sequences, isShared: true);
            var (apart, own) = Pass(model, sequences, isShared: false);
            using (shared)
            using (own)
            {
                Assert.That(RelativeError(together, apart), Is.LessThan(1e-5));
                AssertClose(shared, own, 1e-5);
            }
        }

        // The hidden states of every token of every sequence, and the gradient of Σᵢ cᵢ·score(sequence i), as a reward model's.
        static (float[] Hidden, GptParameters Gradients) Pass(Gpt model, int[][] sequences, bool isShared)
        {
            using var workspace = new Workspace(model.Device, model.Config, sequences.Sum(tokens => tokens.Length), forBackward: true);
            workspace.Batch.Set<int[]>(sequences, static tokens => tokens, isShared ? static _ => 0 : null);
            var hidden = model.Forward(workspace.Batch, workspace.Activations);
            float[][] rows = [.. Values(hidden).Chunk(model.Config.Width)];
            Tensor dScores = workspace.DValues.Slice(0, sequences.Length), dHidden = workspace.DHidden.Slice(0, hidden.Rows);
            model.Device.Upload(dScores, [.. sequences.Select((_, i) => 1 - (0.6f * i))]);
            model.Device.Kernels.Elementwise.Fill(dHidden, 0);
            var gradients = new GptParameters(model.Device, model.Config, model.Trainable.Specs);
            workspace.Scalar.Backward(model, gradients, dHidden, workspace.Batch.LastRows, dScores);
            model.Backward(gradients, workspace.Batch, workspace.Activations, dHidden);
            return ([.. sequences.SelectMany((tokens, s) => tokens.SelectMany((_, t) => rows[workspace.Batch.RowOf(s, t)]))], gradients);
        }
    }

    /// <summary>Answers to one prompt; equal ones; ones that begin another; of one token; a prompt that goes on in another.</summary>
    private static IEnumerable<int[][]> Families()
    {
        var random = new Random(12);
        int[] a = Tokens(random, 9, 51), b = [.. a, .. Tokens(random, 6, 51)];
        yield return [[.. a, 1], [.. a, 2, 3, 4], [.. a, 5, 6]];
        yield return [b, b, b];
        yield return [a, a[..5], a[..6], b, a];
        yield return [a[..1], a[..1], a[..4], a[..5], a[..5]];
        yield return [[.. a, 1], [.. a, 2], [.. b, 3], [.. b, 4], [.. b, 5], [.. Tokens(random, 7, 51)], a[..2]];
    }

    private static TokenRow[] Rows(int seed)
    {
        var random = new Random(seed);
        return [.. new[] { (9, 1), (2, 1), (24, 10), (5, 4), (13, 1) }.Select(row => new TokenRow(Tokens(random, row.Item1, 51), row.Item2))];
    }
}
