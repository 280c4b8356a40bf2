using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Rollout;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Model;

/// <summary>A trained character model in the public layout, with logits that PyTorch computed.</summary>
public class TinyStoriesTests
{
    private const string Opening = "Once upon a time, there was a ";

    [Test]
    public void ReferenceLogitsAreReproduced()
    {
        using var model = ModelDirectory.Load(Device(), TestFiles.Shared("tinystories-char-gpt"));
        Assert.That((model.Config.Activation, model.Config.TieWordEmbeddings, model.Config.LmHeadBias, model.Config.Inner), Is.EqualTo((ActivationKind.Relu, false, true, 256)));
        var reference = JsonNode.Parse(File.ReadAllText(TestFiles.Shared("tinystories-char-gpt/reference_logits.json")))!;
        int[] ids = [.. reference["ids"]!.AsArray().Select(id => (int)id!)];
        float[] expected = [.. reference["logits_last"]!.AsArray().Select(logit => (float)logit!)];
        Assert.That(ids, Is.EqualTo(Opening.Select(Id)));
        Assert.That(RelativeError(Logits(model, ids)[^1], expected), Is.LessThan(1e-5));
    }

    [Test]
    public void StoriesAreMadeOfKnownCharactersAndCommonWords()
    {
        using var model = ModelDirectory.Load(Device(), TestFiles.Shared("tinystories-char-gpt"));
        using var generator = new Generator(model, 16, 32);
        // The context has 32 characters: a longer story is written in pieces, each of which follows the last 16.
        string[] stories = [.. Enumerable.Repeat("Once upon a time", 16)];
        for (int piece = 0; piece < 12; piece++)
        {
            var answers = generator.Generate(
                [.. stories.Select((story, i) => new SampleRequest([.. story[^16..].Select(Id)], (uint)((piece * 16) + i)))], new SamplingOptions(16, 0.7f));
            for (int i = 0; i < stories.Length; i++) stories[i] += string.Concat(answers[i].Tokens.Select(Character));
        }

        string text = string.Join(' ', stories.Select(story => story[16..]));
        Assert.That(text.Count(c => c == '\uFFFD'), Is.LessThan(text.Length / 200));
        string[] words = text.Split([' ', '\n', ',', '.', '!', '"', '?'], StringSplitOptions.RemoveEmptyEntries);
        Assert.That((double)text.Length / words.Length, Is.InRange(3, 8), text);
        string[] common = ["the", "a", "and", "to", "was", "he", "she", "it", "They", "The", "He", "She", "in", "of", "day", "said", "her", "his", "they", "I", "big", "with", "you", "that", "had", "One", "Tim", "Lily", "play", "happy"];
        Assert.That((double)words.Count(common.Contains) / words.Length, Is.GreaterThan(0.25), text);
    }

    /// <summary>Ids in the order of ASCII with gaps, as the description of the data gives them.</summary>
    private static int Id(char c) => c switch { '\t' => 0, '\n' => 1, <= 'W' => c - 30, >= 'a' => c - 31, _ => throw new ArgumentOutOfRangeException(nameof(c)) };

    private static char Character(int id) => id switch { 0 => '\t', 1 => '\n', <= 'W' - 30 => (char)(id + 30), >= 'a' - 31 and <= 96 => (char)(id + 31), _ => '\uFFFD' };
}
