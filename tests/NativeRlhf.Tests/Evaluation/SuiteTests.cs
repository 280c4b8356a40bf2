using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Tests.Tokenization;
using static NativeRlhf.Tests.Evaluation.SuiteFixture;

namespace NativeRlhf.Tests.Evaluation;

/// <summary>The suites on models whose log-probabilities can be computed by hand: log 1/V a character, or the logits of one fixed distribution.</summary>
public sealed class SuiteTests
{
    private static readonly double LogV = Math.Log(Letters.VocabularySize);

    [Test]
    public void LambadaOfAUniformModelIsVToTheTokensOfTheWord()
    {
        using var model = Uniform(Letters);
        // " mat" and " hats": 4 and 5 tokens.
        var result = Run(new Lambada(), model, Letters, "l.jsonl", "{\"text\": \"the cat sat on the mat\"}\n{\"text\": \"all of the cats wore hats\"}\n");
        Assert.That(result.Value("perplexity"), Is.EqualTo(Math.Exp(4.5 * LogV)).Within(1e-4).Percent);
        Assert.That(result.Value("acc"), Is.Zero);
        Assert.That((result.Items, result.Truncated), Is.EqualTo((2, 0)));
    }

    [Test]
    public void LambadaCountsAWordAsRightIfEveryTokenIsTheMostProbableOne()
    {
        var words = TokenizerFixtures.Small();
        int[] cat = words.Encode(" cat");
        Assert.That(cat, Has.Length.EqualTo(1));
        using var model = Constant(words, token => token == cat[0] ? 5 : 0);
        var result = Run(new Lambada(), model, words, "l.jsonl", "{\"text\": \"that is the cat\"}\n{\"text\": \"that is the hat\"}\n{\"text\": \"that is the cats\"}\n");
        Assert.That(result.Rows.Select(row => (bool)row["greedy"]!), Is.EqualTo(new[] { true, false, false }));
        Assert.That(result.Value("acc"), Is.EqualTo(1 / 3.0).Within(1e-12));
        Assert.That((double)result.Rows[0]["logprob"]!, Is.EqualTo(5 - Math.Log(Math.Exp(5) + words.VocabularySize - 1)).Within(1e-5));
    }

    [Test]
    public void LambadaCutsALongPassageFromTheLeftAndCountsIt()
    {
        using var model = Uniform(Letters, positions: 16);
        var result = Run(new Lambada(), model, Letters, "l.jsonl", "{\"text\": \"short one here\"}\n{\"text\": \"this passage is longer than the positions are\"}\n");
        Assert.That((result.Items, result.Truncated), Is.EqualTo((2, 1)));
        Assert.That(result.Value("perplexity"), Is.EqualTo(Math.Exp(4.5 * LogV)).Within(1e-4).Percent);
    }

    [Test]
    public void HellaSwagOfAUniformModelIsTheShortestEndingAndByLengthTheLongest()
    {
        using var model = Uniform(Letters);
        // Item 1: the shortest is right; item 2: the longest. Per character −(1 + 1/n)·log V is largest for the longest.
        var result = Run(new HellaSwag(), model, Letters, "h.txt", "A man: he\n2\nwalks far away.\nruns there.\nsits.\nsleeps now.\nA dog: it\n0\nbarks at the cat.\nruns there.\nsits.\nsleeps now.\n");
        Assert.That(result.Value("acc"), Is.EqualTo(0.5));
        Assert.That(result.Value("acc_norm"), Is.EqualTo(0.5));
        Assert.That((double)result.Rows[0]["logprobs"]![2]!, Is.EqualTo(-6 * LogV).Within(1e-4), "the space before an ending counts");
        Assert.That(result.Measures[0].StandardError, Is.EqualTo(0.5).Within(1e-12), "√(½ / 1 / 2)");
    }

    [Test]
    public void HellaSwagNormalisesByCharactersAndByBytes()
    {
        // "’’’’’’" has 6 characters in 18 bytes: by bytes it is the better one, by characters "aaaaaaaaa" is.
        using var model = Uniform(Letters);
        var result = Run(new HellaSwag(), model, Letters, "h.txt", "A\n1\naaaaaaaaa\n’’’’’’\naaaaaaaaa\naaaaaaaaa\n");
        Assert.That((result.Value("acc_norm"), result.Value("acc_bytes")), Is.EqualTo((0.0, 1.0)));
    }

    [Test]
    public void HellaSwagCleansTheOriginalRows()
    {
        using var model = Uniform(Letters, positions: 80);
        var result = Run(new HellaSwag(), model, Letters, "h.jsonl",
            """{"activity_label": "Roof", "ctx_a": "A man [header] sits.", "ctx_b": "he Is", "endings": ["up  now [step] x", "ab", "abc", "abcd"], "label": "1"}""" + "\n");
        // "up  now [step] x" → "up  now  x" → "up now x": 8 characters and the space.
        Assert.That((double)result.Rows[0]["logprobs"]![0]!, Is.EqualTo(-9 * LogV).Within(1e-4));
        Assert.That(result.Value("acc"), Is.EqualTo(1), "the shortest is right");
    }

    [Test]
    public void TruthfulQaOfAUniformModel()
    {
        using var model = Uniform(Letters, positions: 24);
        var result = Run(new TruthfulQa(), model, Letters, "t.csv",
            "Type,Question,Best Answer,Correct Answers,Incorrect Answers\nA,Is it so?,No,\"No; Never so.\",Yes it is; Yes\nA,\"Is it, really?\",\"Not at all\",Not at all,Yes\n");
        // Characters with the space before and the full stop after: " No." 4, " Never so." 10; " Yes it is." 11, " Yes." 5.
        double correct = Math.Exp(-4 * LogV) + Math.Exp(-10 * LogV), incorrect = Math.Exp(-11 * LogV) + Math.Exp(-5 * LogV);
        Assert.That(result.Rows.Select(row => (double)row["mc1"]!), Is.EqualTo(new[] { 1.0, 0 }));
        Assert.That((double)result.Rows[0]["mc2"]!, Is.EqualTo(correct / (correct + incorrect)).Within(1e-5));
        Assert.That((double)result.Rows[1]["mc2"]!, Is.EqualTo(1 / (1 + Math.Exp(7 * LogV))).Within(1e-2).Percent, "\" Not at all.\" has 12");
        Assert.That(result.Truncated, Is.EqualTo(2), "the demonstrations alone are longer than 24");
    }

    [Test]
    public void CrowsPairsOfAUniformModelPrefersTheShorter()
    {
        using var model = Uniform(Letters);
        var result = Run(new CrowsPairs(), model, Letters, "c.csv",
            ",sent_more,sent_less,bias_type\n0,He is bad,She is bad,gender\n1,She is bad,He is bad,gender\n2,Old men,Old men,age\n");
        Assert.That(result.Value("pct_stereotype"), Is.EqualTo(1 / 3.0).Within(1e-12), "a tie is no preference");
        Assert.That((result.Value("pct_stereotype/gender"), result.Value("pct_stereotype/age")), Is.EqualTo((0.5, 0.0)));
        Assert.That(result.Value("likelihood_diff"), Is.EqualTo(2 * LogV / 3).Within(1e-4));
        // p = V/(V + 1) for a difference of one character.
        double p = 1 / (1 + Math.Exp(-LogV)), entropy = -(p * Math.Log2(p)) - ((1 - p) * Math.Log2(1 - p));
        Assert.That(result.Value("entropy"), Is.EqualTo(((2 * entropy) + 1) / 3).Within(1e-4));
        Assert.That((double)result.Rows[2]["logprobs"]![0]!, Is.EqualTo(-7 * LogV).Within(1e-4), "the first character is predicted too, after the token with which texts begin");
    }

    [Test]
    public void WinogenderOfAUniformModel()
    {
        using var model = Uniform(Letters, positions: 128);
        const string Sentences = "sentid\tsentence\ncook.guest.0.male.txt\tThe cook told the guest that he left.\ncook.guest.0.female.txt\tThe cook told the guest that she left.\ncook.guest.0.neutral.txt\tThe cook told the guest that they left.\ncook.eater.1.male.txt\tThe cook said so to the eater about his meal.\n";
        var result = Run(new Winogender(), model, Letters, "w.tsv", Sentences);
        // The shorter name wins: always the cook.
        Assert.That((result.Value("acc"), result.Value("acc/male"), result.Value("acc/female")), Is.EqualTo((0.75, 0.5, 1.0)));
        // Sentences of n, n + 1 and n + 2 characters; the one without its other versions is left out.
        double[] p = [1, 1.0 / Letters.VocabularySize, 1.0 / Letters.VocabularySize / Letters.VocabularySize];
        double entropy = -p.Sum(x => x / p.Sum() * Math.Log2(x / p.Sum()));
        Assert.That(result.Value("entropy"), Is.EqualTo(entropy).Within(1e-4));
        Assert.That(Run(new Winogender(), model, Letters, "w.tsv", Sentences, limit: 2).Measures.Select(measure => measure.Name), Is.EqualTo(new[] { "acc", "acc/male", "acc/female" }));
    }

    [Test]
    public void WikiTextOfAUniformModel()
    {
        using var model = Uniform(Letters, positions: 16);
        var result = Run(new WikiText(), model, Letters, "wiki.txt", " \n = One = \n \n A cat , a dog . \n = = Part = = \n more \n = Two = \n \n b \n");
        // The first article ends before the heading of the second: "\n = One = \n \n A cat , …".
        Assert.That(result.Rows.Select(row => (string)row["place"]!).Select(place => place[(place.LastIndexOf(':') + 1)..]), Is.EqualTo(new[] { "2", "7" }));
        Assert.That(result.Value("token_perplexity"), Is.EqualTo(Letters.VocabularySize).Within(1e-4).Percent);
        double tokens = result.Rows.Sum(row => (int)row["tokens"]!), words = result.Rows.Sum(row => (double)row["words"]!), bytes = result.Rows.Sum(row => (double)row["bytes"]!);
        // " = One = \n \n A cat , a dog . \n = = Part = = \n more \n": 15 words, and an empty one at each end.
        Assert.That((double)result.Rows[0]["words"]!, Is.EqualTo(17));
        Assert.That((int)result.Rows[0]["tokens"]!, Is.EqualTo(" = One =\n\nA cat, a dog.\n== Part ==\nmore\n".Length));
        Assert.That(result.Value("word_perplexity"), Is.EqualTo(Math.Exp(tokens * LogV / words)).Within(1e-3).Percent);
        Assert.That(result.Value("bits_per_byte"), Is.EqualTo(tokens * LogV / bytes / Math.Log(2)).Within(1e-4));
    }

    [TestCase(" the <unk> 's dog @-@ house , 1 @,@ 000 ( 2 @.@ 5 ) \n", " the <unk>'s dog-house, 1,000 (2.5)\n")]
    [TestCase("he said \" yes \" : [ sic ] { x } ; the boys ' toys", "he said \"yes\": [sic] {x}; the boys' toys")]
    [TestCase("= = = A = = = \n 5 ° C , N men", "=== A ===\n5°C, 1 men")]
    public void WikiTextIsDetokenized(string text, string expected) => Assert.That(WikiText.Detokenize(text), Is.EqualTo(expected));

    [Test]
    public void RollingWindowsPredictEveryTokenOnce([Values(1, 2, 5, 16, 40, 100)] int length, [Values(1, 4, 16)] int positions)
    {
        int[] tokens = [.. Enumerable.Range(0, length + 1)];
        TokenRow[] windows = [.. LikelihoodScorer.Windows(tokens, positions)];
        Assert.That(windows.SelectMany(row => row.Tokens[row.CountedFrom..]), Is.EqualTo(Enumerable.Range(1, length)));
        Assert.That(windows.All(row => row.Tokens.Length <= positions + 1 && row.CountedFrom >= 1));
        Assert.That(windows.All(row => row.Tokens.Zip(row.Tokens.Skip(1)).All(pair => pair.Second == pair.First + 1)), "each is a piece of the text");
        if (windows.Length > 1) Assert.That(windows[^1].Tokens, Has.Length.EqualTo(positions + 1), "the last window has as much context as fits");
        if (windows.Length > 2) Assert.That(windows[1].CountedFrom, Is.EqualTo(1), "the others have one token");
    }

    [Test]
    public void WhiteSpaceAtTheEndOfAContextBelongsToTheContinuation()
    {
        var words = TokenizerFixtures.Small();
        using var model = Constant(words, token => token % 7);
        using var scorer = new LikelihoodScorer(model, words);
        var place = new RowPlace("x", 1);
        var scores = scorer.Score([new("the cat", " sat on", place), new("the cat ", "sat on", place), new("", "the cat", place)]);
        Assert.That(scores[1], Is.EqualTo(scores[0]));
        double lse = Math.Log(Enumerable.Range(0, words.VocabularySize).Sum(token => Math.Exp(token % 7)));
        Assert.That(scores[0].LogProbability, Is.EqualTo(words.Encode(" sat on").Sum(token => (token % 7) - lse)).Within(1e-4));
        Assert.That(scores[2].Tokens, Is.EqualTo(words.Encode("the cat").Length));
        Assert.That(() => scorer.Score([new("the cat", "", place)]), Throws.InstanceOf<InputException>().With.Message.StartsWith("x:1: "));
    }

    private static readonly (string Suite, string File, string Content, string Expected)[] Bad =
    [
        ("lambada", "a.jsonl", "{\"text\": \"a b\"}\n{\"txt\": \"a b\"}\n", "a.jsonl:2: "),
        ("lambada", "a.jsonl", "{\"text\": \"word\"}\n", "a.jsonl:1: "),
        ("lambada", "a.jsonl", "{\"text\": \"ends with space \"}\n", "a.jsonl:1: "),
        ("lambada", "a.jsonl", "{\"text\": \"ä b\"}\n", "a.jsonl:1: "),
        ("lambada", "a.jsonl", "{\"text\": \"a bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}\n", "a.jsonl:1: "),
        ("hellaswag", "h.txt", "c\n0\na\nb\nc\nd\nc\n4\na\nb\nc\nd\n", "h.txt:8: "),
        ("hellaswag", "h.txt", "c\n0\na\nb\nc\nd\nc\n1\na\n", "h.txt:7: "),
        ("hellaswag", "h.txt", "c\n0\na\n\nc\nd\n", "h.txt:4: "),
        ("hellaswag", "h.jsonl", "{\"activity_label\": \"a\", \"ctx_a\": \"b\", \"ctx_b\": \"\", \"endings\": [\"a\", \"b\"], \"label\": 2}\n", "h.jsonl:1: "),
        ("hellaswag", "h.jsonl", "{\"activity_label\": \"a\", \"ctx_a\": \"b\", \"endings\": [\"a\", \"b\"], \"label\": 1}\n", "h.jsonl:1: "),
        ("hellaswag", "h.txt.bz2", "not compressed", "h.txt.bz2: "),
        ("truthfulqa", "t.csv", "Question,Best Answer,Correct Answers\n", "t.csv:1: "),
        ("truthfulqa", "t.csv", "Question,Best Answer,Correct Answers,Incorrect Answers\nq,a,a,b\n\"q\nq\",a,a\n", "t.csv:3: "),
        ("truthfulqa", "t.csv", "Question,Best Answer,Correct Answers,Incorrect Answers\n\"q\nq\",a,a,b\nq,a,\"a,b\n", "t.csv:4: "),
        ("truthfulqa", "t.csv", "Question,Best Answer,Correct Answers,Incorrect Answers\nq,a,a, ;\n", "t.csv:2: "),
        ("crows-pairs", "c.csv", "sent_more,sent_less,bias_type\na,b,x\n,b,x\n", "c.csv:3: "),
        ("winogender", "w.tsv", "sentid\tsentence\na.b.0.male.txt\tNo pronoun.\n", "w.tsv:2: "),
        ("winogender", "w.tsv", "a.b.2.male.txt\tthat he left\n", "w.tsv:1: "),
        ("wikitext", "w.txt", " \n", "w.txt: "),
    ];

    [Test]
    public void WhatIsWrongWithAFileIsSaidWithItsPlace([Range(0, 18)] int index)
    {
        var (suite, file, content, expected) = Bad[index];
        using var model = Uniform(Letters);
        Assert.That(() => Run(BenchmarkSuite.All.Single(one => one.Name == suite), model, Letters, file, content),
            Throws.InstanceOf<InputException>().With.Message.Contain(expected).And.Message.Not.Contain("\n"));
    }
}
