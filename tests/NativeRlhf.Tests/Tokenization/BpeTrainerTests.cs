using System.Text;
using FsCheck.Fluent;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Tests.Tokenization;

public class BpeTrainerTests
{
    [Test]
    public void Learns_the_merges_that_recounting_everything_gives() => TokenizerFixtures.ForAll(
        Arb.From(Gen.Elements("a", "b", "c", "aa", "ab", " ", " a", "bab", "\u00e9", "1").ListOf().Select(string.Concat).ListOf()),
        documents =>
        {
            ByteLevelBpe trained = BpeTrainer.Train(documents, new BpeTrainerOptions { VocabularySize = 290 });
            return trained.Merges.SequenceEqual(Recount(documents, 290 - 257));
        });

    [Test]
    public void Ties_go_to_the_smaller_ids()
    {
        // ab, cd and xy occur twice each; in GPT-2's order of bytes a < c < x.
        ByteLevelBpe trained = BpeTrainer.Train(["xy cd ab", "xy,cd,ab"], new BpeTrainerOptions { VocabularySize = 260 });
        Assert.That(trained.Merges, Is.EqualTo(new[] { ("a", "b"), ("c", "d"), ("x", "y") }));
    }

    [Test]
    public void Order_of_documents_does_not_matter()
    {
        string[] documents = ["the cat sat", "the hat", "a cat and a hat", "that that that"];
        Assert.That(
            BpeTrainer.Train(documents.Reverse()).Merges,
            Is.EqualTo(BpeTrainer.Train(documents).Merges).And.Not.Empty);
    }

    [Test]
    public void Layout_is_that_of_GPT2()
    {
        ByteLevelBpe trained = BpeTrainer.Train(["aaaa aaaa"], new BpeTrainerOptions { VocabularySize = 300, SpecialTokens = ["<|user|>"] });
        Assert.That(trained.TokenBytes(0).ToArray(), Is.EqualTo("!"u8.ToArray()));
        Assert.That(trained.TokenBytes(256).ToArray(), Is.EqualTo("aa"u8.ToArray()));
        // aa, aaaa: no other pair occurs twice, so that the vocabulary stays below 300.
        Assert.That(trained.VocabularySize, Is.EqualTo(260));
        Assert.That(trained.EndOfText, Is.EqualTo(258));
        Assert.That(trained.AddedTokens, Is.EqualTo(new[] { new AddedToken(258, "<|endoftext|>", true), new AddedToken(259, "<|user|>", true) }));
    }

    [Test]
    public void Rare_pairs_are_no_tokens()
    {
        const string Text = "abab abab abab cdcd";
        Assert.That(Learned(1), Does.Contain("cd"));
        Assert.That(Learned(3), Does.Contain("abab").And.Not.Contain("cd"));
        Assert.That(Learned(7), Is.Empty);

        IEnumerable<string> Learned(int minimum) => BpeTrainer
            .Train([Text], new BpeTrainerOptions { MinimumFrequency = minimum }).Merges.Select(m => m.Left + m.Right);
    }

    [Test]
    public void A_special_token_is_never_made_by_merging()
    {
        ByteLevelBpe trained = BpeTrainer.Train(["cat cat cat", "cat cat"], new BpeTrainerOptions { EndOfText = "cat" });
        Assert.That(trained.Encode("cat"), Does.Not.Contain(trained.EndOfText));
        Assert.That(trained.Encode("cat", recognizeSpecialTokens: true), Is.EqualTo(new[] { trained.EndOfText }));
    }

    [Test]
    public void Tokens_never_reach_across_words()
    {
        ByteLevelBpe trained = BpeTrainer.Train(Enumerable.Repeat("it's  1st\n\nline, ok", 9), new BpeTrainerOptions { VocabularySize = 400 });
        string[] words = ["it", "'s", " ", " 1", "st", "\n", "\n", "line", ",", " ok"];
        Assert.That(trained.Encode("it's  1st\n\nline, ok").Select(id => trained.Decode([id])), Is.EqualTo(words));
    }

    [Test]
    public void Without_text_only_bytes_and_special_tokens_remain()
    {
        Assert.That(BpeTrainer.Train([]).VocabularySize, Is.EqualTo(257));
        Assert.That(BpeTrainer.Train([""], new BpeTrainerOptions { EndOfText = null }).EndOfText, Is.Null);
    }

    [Test]
    public void Impossible_options_are_named()
    {
        Assert.That(
            () => BpeTrainer.Train(["a"], new BpeTrainerOptions { VocabularySize = 256 }),
            Throws.TypeOf<InputException>().With.Message.Contains("256").And.Message.Contains("257"));
        Assert.That(
            () => BpeTrainer.Train(["a"], new BpeTrainerOptions { SpecialTokens = ["<|endoftext|>"] }),
            Throws.TypeOf<InputException>().With.Message.Contains("special"));
    }

    [Test]
    public void A_long_word_is_no_obstacle()
    {
        var random = new Random(7);
        string word = string.Concat(Enumerable.Range(0, 200_000).Select(_ => (char)('a' + random.Next(4))));
        ByteLevelBpe trained = BpeTrainer.Train([word, new string('z', 100_000)], new BpeTrainerOptions { VocabularySize = 2000 });
        Assert.That(trained.VocabularySize, Is.EqualTo(2000));
        Assert.That(trained.Encode(word), Has.Length.LessThan(60_000));
    }

    /// <summary>The definition: count all pairs anew, merge the best one everywhere, repeat. ASCII and é only.</summary>
    private static List<(string, string)> Recount(IEnumerable<string> documents, int limit)
    {
        var order = new Dictionary<string, int>();
        foreach (byte b in ByteAlphabet.Order)
            order.Add(ByteAlphabet.ToCharacter(b).ToString(), order.Count);
        List<List<string>> words = [];
        foreach (string document in documents)
        {
            string text = ByteAlphabet.ToText(Encoding.UTF8.GetBytes(document));
            foreach ((int offset, int length) in new Gpt2SplitterByRegex().Split(text))
                words.Add([.. text.Substring(offset, length).Select(c => c.ToString())]);
        }

        List<(string, string)> merges = [];
        while (merges.Count < limit)
        {
            var counts = words.SelectMany(w => w.Zip(w.Skip(1))).CountBy(pair => pair).Where(c => c.Value >= 2).ToList();
            if (counts.Count == 0)
                break;
            (string left, string right) = counts
                .OrderByDescending(c => c.Value).ThenBy(c => order[c.Key.First]).ThenBy(c => order[c.Key.Second]).First().Key;
            merges.Add((left, right));
            order.Add(left + right, order.Count);
            foreach (List<string> word in words)
            {
                for (int i = 0; i + 1 < word.Count; i++)
                {
                    if (word[i] == left && word[i + 1] == right)
                    {
                        word[i] += right;
                        word.RemoveAt(i + 1);
                    }
                }
            }
        }

        return merges;
    }

    /// <summary>GPT-2's expression, on text whose only characters beyond ASCII are é (two bytes, one letter) and the space.</summary>
    private sealed class Gpt2SplitterByRegex
    {
        public IEnumerable<(int Offset, int Length)> Split(string text) => System.Text.RegularExpressions.Regex
            .Matches(text.Replace('\u0120', ' ').Replace("\u00c3\u00a9", "\u00e9\u00e9"), @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
            .Select(m => (m.Index, m.Length));
    }
}
