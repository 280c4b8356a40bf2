using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;
using NativeRlhf.Rollout;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Rollout;

/// <summary>Generation with a cache and continuous batching is the full forward pass, done faster.</summary>
public class GeneratorTests
{
    [TestCase(true, ActivationKind.GeluTanh)]
    [TestCase(false, ActivationKind.Relu)]
    public void CachedDecodingEqualsTheFullForwardPassAtEveryPosition(bool tied, ActivationKind activation)
    {
        using var model = Random(Odd(tied, activation, headBias: !tied), 1);
        var random = new Random(2);
        int[][] sequences = [.. new[] { 23, 9, 15, 4, 11 }.Select(length => Tokens(random, length, 51))];
        int[] prompts = [6, 1, 9, 3, 2];
        float[][] expected = Logits(model, sequences);
        int[] starts = [0, 23, 32, 47, 51];

        // Two slots for five sequences: prompts in one pass with single tokens of others, slots taken over in the middle.
        using var cache = new KvCache(model.Device, model.Config, slots: 2, capacity: 23);
        using var activations = new GptActivations(model.Device, model.Config, 64, forBackward: false);
        using var head = new LanguageHead(model.Device, model.Config, 64);
        using var rows = new DecodeRows(model.Device);
        using var all = model.Device.AllocateIndices(64);
        (int Sequence, int Next)?[] slots = [null, null];
        int waiting = 0, compared = 0;
        while (true)
        {
            rows.Clear();
            List<int> places = [];
            for (int slot = 0; slot < 2; slot++)
            {
                if (slots[slot] is { } ended && ended.Next == sequences[ended.Sequence].Length) slots[slot] = null;
                if (slots[slot] is null && waiting < sequences.Length) slots[slot] = (waiting++, 0);
                if (slots[slot] is not { } current) continue;
                int count = current.Next == 0 ? prompts[current.Sequence] : 1;
                for (int i = 0; i < count; i++)
                {
                    rows.Add(sequences[current.Sequence][current.Next + i], slot, current.Next + i);
                    places.Add(starts[current.Sequence] + current.Next + i);
                }

                slots[slot] = (current.Sequence, current.Next + count);
            }

            if (rows.Count == 0) break;
            rows.Upload();
            all.Set([.. Enumerable.Range(0, rows.Count)]);
            float[] logits = Values(head.Logits(model, model.Decode(cache, rows, activations), all));
            for (int r = 0; r < places.Count; r++)
            {
                Assert.That(RelativeError(logits.AsSpan(r * 51, 51), expected[places[r]]), Is.LessThan(1e-5), $"row {places[r]}");
                compared++;
            }
        }

        Assert.That(compared, Is.EqualTo(62));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(8)]
    public void GreedyGenerationIsTheArgmaxOfFullForwardPasses(int slots)
    {
        using var model = Random(Odd(), 3);
        var requests = Requests(4, 6);
        using var generator = new Generator(model, slots, 23);
        var answers = generator.Generate(requests, new SamplingOptions(8, Temperature: 0));
        for (int i = 0; i < requests.Length; i++)
        {
            List<int> tokens = [.. requests[i].Prompt];
            for (int n = 0; n < 8; n++)
            {
                float[] logits = Logits(model, [[.. tokens]])[^1];
                tokens.Add(Array.IndexOf(logits, logits.Max()));
            }

            Assert.That(answers[i].Tokens, Is.EqualTo(tokens[requests[i].Prompt.Length..]), $"request {i}");
            Assert.That(answers[i].Ended, Is.False);
        }
    }

    [TestCase(1f, 0, 1f)]
    [TestCase(0.7f, 5, 1f)]
    [TestCase(1.3f, 0, 0.8f)]
    public void ASampleDependsOnItsStreamAndNotOnSlotsOrNeighbours(float temperature, int topK, float topP)
    {
        using var model = Random(Odd(), 5);
        var requests = Requests(6, 12);
        var options = new SamplingOptions(10, temperature, topK, topP, Seed: 7, EndOfText: 0);
        using var one = new Generator(model, 1, 23);
        using var many = new Generator(model, 5, 23);
        using var all = new Generator(model, 12, 23);
        var expected = one.Generate(requests, options);
        AssertSame(many.Generate(requests, options), expected);
        AssertSame(all.Generate(requests, options), expected);
        var reversed = many.Generate([.. requests.Reverse()], options);
        AssertSame([.. reversed.Reverse()], expected);
        Assert.That(one.Generate(requests, options with { Seed = 8 }).Select(answer => string.Join(' ', answer.Tokens)),
            Is.Not.EqualTo(expected.Select(answer => string.Join(' ', answer.Tokens))));

        static void AssertSame(IReadOnlyList<SampledAnswer> actual, IReadOnlyList<SampledAnswer> expected)
        {
            Assert.That(actual.Select(answer => string.Join(' ', answer.Tokens)), Is.EqualTo(expected.Select(answer => string.Join(' ', answer.Tokens))));
            Assert.That(actual.Select(answer => answer.Ended), Is.EqualTo(expected.Select(answer => answer.Ended)));
        }
    }

    [Test]
    public void SamplesFollowTheModelsDistribution()
    {
        using var model = Random(Odd(), 5);
        int[] prompt = [3, 1, 4];
        const int Count = 4000;
        using var generator = new Generator(model, 64, 8);
        var answers = generator.Generate([.. Enumerable.Range(0, Count).Select(i => new SampleRequest(prompt, (uint)i))], new SamplingOptions(1));
        double[] logprobs = LogSoftmax(Logits(model, prompt)[^1]);
        // Pearson's statistic has a mean of 50 and a standard deviation of 10 here.
        double statistic = 0;
        for (int token = 0; token < 51; token++)
        {
            double expected = Count * Math.Exp(logprobs[token]);
            int observed = answers.Count(answer => answer.Tokens[0] == token);
            statistic += (observed - expected) * (observed - expected) / expected;
        }

        Assert.That(statistic, Is.InRange(0, 100));
    }

    [Test]
    public void AnswersEndAtEndOfTextAtTheLengthOrWhereTheContextEnds()
    {
        using var model = Random(Odd(), 9);
        var requests = Requests(10, 20);
        using var generator = new Generator(model, 4, 12);
        List<(int Request, int Token)> seen = [];
        var answers = generator.Generate(requests, new SamplingOptions(9, Seed: 3, EndOfText: 11), (request, token) => seen.Add((request, token)));
        int ended = 0, atContext = 0;
        for (int i = 0; i < requests.Length; i++)
        {
            int[] tokens = answers[i].Tokens;
            int longest = Math.Min(9, 12 - requests[i].Prompt.Length);
            Assert.That(seen.Where(entry => entry.Request == i).Select(entry => entry.Token), Is.EqualTo(tokens));
            if (answers[i].Ended)
            {
                Assert.That(tokens[^1], Is.EqualTo(11));
                Assert.That(tokens[..^1], Does.Not.Contain(11));
                ended++;
            }
            else
            {
                Assert.That(tokens, Has.Length.EqualTo(longest));
                Assert.That(tokens, Does.Not.Contain(11));
                if (longest < 9) atContext++;
            }
        }

        Assert.That((ended, atContext), Is.GreaterThan((0, 0)), "the seed must show both");
    }

    [Test]
    public void SharedPromptsGiveTheTokensOfPromptsReadAlone([Values(0f, 1f)] float temperature, [Values(1, 2, 5, 20)] int slots)
    {
        using var model = Random(Odd(), 5);
        using var generator = new Generator(model, slots, 23);
        var random = new Random(8);
        // Prompts that are equal, that begin with each other, and that share a beginning, in any order.
        int[] common = Tokens(random, 7, 51);
        int[][] prompts = [common, [.. common, 3, 4], [.. common[..5], 9], common[..1], Tokens(random, 6, 51), [.. common, 3, 8]];
        SampleRequest[] requests = [.. Enumerable.Range(0, 40).Select(i => new SampleRequest(i < 12 ? prompts[i / 4] : [.. prompts[random.Next(6)]], (uint)i))];
        var options = new SamplingOptions(9, temperature, Seed: 3, EndOfText: 0);
        var together = generator.Generate(requests, options);
        for (int i = 0; i < requests.Length; i++)
            Assert.That(together[i].Tokens, Is.EqualTo(generator.Generate([requests[i]], options)[0].Tokens), $"request {i}");
    }

    // Of K = 4 equal prompts of 6 tokens, with answers of 5: what is run are the prompt and all tokens of answers but the last.
    [TestCase(4, 6 + (4 * 4))] // all at once: the prompt is run once
    [TestCase(9, 6 + (4 * 4))] // more slots than answers: the prompt is run once
    [TestCase(1, 6 + (4 * 4) + 3)] // one after another: the last token is run again to begin an answer
    [TestCase(2, 6 + (4 * 4) + 1)] // two and two: the second two share the last token
    public void EqualPromptsAreRunOnce(int slots, int rows)
    {
        using var model = Random(Odd(), 5);
        using var generator = new Generator(model, slots, 23);
        generator.Generate([.. Enumerable.Range(0, 4).Select(i => new SampleRequest([1, 2, 3, 4, 5, 6], (uint)i))], new SamplingOptions(5));
        Assert.That(generator.RowsRun, Is.EqualTo(rows));
    }

    [Test]
    public void WhatPromptsBeginWithIsReadWhileASlotHasIt()
    {
        using var model = Random(Odd(), 5);
        using var generator = new Generator(model, 1, 23);
        var options = new SamplingOptions(3);
        int[] first = [1, 2, 3, 4], second = [1, 2, 3, 7, 8], other = [9, 9];
        generator.Generate([new(first, 0), new(second, 1)], options);
        Assert.That(generator.RowsRun, Is.EqualTo(4 + 2 + 2 + 2));
        generator.Generate([new(first, 0), new(other, 1), new(first, 2)], options);
        Assert.That(generator.RowsRun, Is.EqualTo(10 + (4 + 2) + (2 + 2) + (4 + 2)), "replaced, and of an earlier call");
    }

    [TestCase(0f)]
    [TestCase(1f)]
    public void LogitsThatAreNoDistributionAreNamedAndTheGeneratorGoesOn(float temperature)
    {
        using var model = Random(Odd(), 9);
        using var generator = new Generator(model, 2, 20);
        var options = new SamplingOptions(3, temperature);
        var before = generator.Generate(Requests(1, 4), options);
        // Position 5 is that of the second token of an answer to four.
        float[] positions = Values(model.Weights["wpe.weight"]), poisoned = [.. positions];
        poisoned[4 * Odd().Width] = float.NaN;
        Device().Upload(model.Weights["wpe.weight"], poisoned);
        Assert.That(() => generator.Generate([new([1, 2], 0), new([1, 2, 3, 4], 1)], options),
            Throws.TypeOf<NonFiniteException>().With.Message.EqualTo("the logits of answer 2, token 2, are not finite"));
        Device().Upload(model.Weights["wpe.weight"], positions);
        Assert.That(generator.Generate(Requests(1, 4), options).Select(answer => answer.Tokens), Is.EqualTo(before.Select(answer => answer.Tokens)));
    }

    [Test]
    public void RequestsThatCannotBeAnsweredAreNamed()
    {
        using var model = Random(Odd(), 9);
        using var generator = new Generator(model, 2, 12);
        Assert.That(() => generator.Generate([new([1, 2], 0), new([], 1)], new SamplingOptions(3)), Throws.ArgumentException.With.Message.Contains("0 tokens"));
        Assert.That(() => generator.Generate([new(new int[12], 0)], new SamplingOptions(3)), Throws.ArgumentException.With.Message.Contains("12"));
        Assert.That(() => generator.Generate([new([1], 0)], new SamplingOptions(0)), Throws.ArgumentException);
        Assert.That(() => generator.Generate([new([1, 51], 0)], new SamplingOptions(3)), Throws.ArgumentException.With.Message.EqualTo("token id 51 is not one of the model's, 0 to 50"));
        Assert.That(generator.Generate([], new SamplingOptions(3)), Is.Empty);
        Assert.That(() => new Generator(model, 2, 24), Throws.ArgumentException.With.Message.Contains("23"));
    }

    [Test]
    public void GenerationStopsWhenCancelled()
    {
        using var model = Random(Odd(), 9);
        using var generator = new Generator(model, 2, 20);
        using var cancel = new CancellationTokenSource();
        int tokens = 0;
        Assert.That(() => generator.Generate(Requests(1, 4), new SamplingOptions(10), (_, _) => { if (++tokens == 3) cancel.Cancel(); }, cancel.Token),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(tokens, Is.LessThan(8));
        Assert.That(generator.Generate(Requests(1, 4), new SamplingOptions(10)), Has.Count.EqualTo(4), "and works again afterwards");
    }

    private static SampleRequest[] Requests(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i => new SampleRequest(Tokens(random, random.Next(1, 9), 51), (uint)i))];
    }
}
