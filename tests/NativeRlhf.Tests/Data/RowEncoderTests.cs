using System.Text.Json.Nodes;
using FsCheck.Fluent;
using NativeRlhf.Data;

namespace NativeRlhf.Tests.Data;

public class RowEncoderTests : DataFixture
{
    private const int End = 256;
    private static readonly RowPlace Place = new("rows.jsonl", 7);

    private static RowEncoder Encoder(int maxLength = 100, OnTooLong onTooLong = OnTooLong.Error, string template = "{prompt}") =>
        new(new Bytes(), 257, null, maxLength, onTooLong, template);

    private static Demonstration Show(string? prompt, string completion) =>
        new(prompt is null ? null as Content? : Content.OfText(prompt), Content.OfText(completion), Place);

    private static Ranking Rank(string prompt, string completions, params int[] ranks) =>
        new(Content.OfText(prompt), [.. completions.Split(' ').Select(Content.OfText)], ranks, Place);

    [Test]
    public void A_demonstration_is_prompt_completion_and_end_of_text()
    {
        var report = new DataReport();
        TokenRow row = Encoder(template: "Q{prompt}A").Demonstrations([Show("x", "yz")], report)[0];
        Assert.That(row.Tokens, Is.EqualTo(new int[] { 'Q', 'x', 'A', 'y', 'z', End }));
        Assert.That((row.CountedFrom, row.Counted), Is.EqualTo((3, 3)));
        Assert.That((report.Rows, report.Tokens, report.Kept), Is.EqualTo((1L, 6L, 1L)));
    }

    [Test]
    public void Nothing_predicts_the_first_token() =>
        Assert.That(Encoder().Demonstrations([Show("", "ab"), Show(null, "abc")], new DataReport()).Select(row => (row.Tokens.Length, row.CountedFrom)),
            Is.EqualTo(new[] { (3, 1), (3, 1) }));

    [Test]
    public void Token_ids_stand_for_text_and_need_no_tokenizer()
    {
        var encoder = new RowEncoder(null, 10, 9, 100, promptTemplate: "not for ids {prompt}");
        Demonstration Row(params int[] completion) => new(Content.OfTokens([1, 2]), Content.OfTokens(completion), Place);
        Assert.That(encoder.Demonstrations([Row(3), Row(3, 9)], new DataReport()).Select(row => row.Tokens),
            Is.EqualTo(new int[][] { [1, 2, 3, 9], [1, 2, 3, 9] }));
        Assert.That(ErrorOf(() => encoder.Demonstrations([Row(10)], new DataReport())),
            Is.EqualTo("rows.jsonl:7: 'completion' holds the token id 10; the ids of this model are 0 to 9"));
        Assert.That(ErrorOf(() => encoder.Demonstrations([Show("a", "b")], new DataReport())), Does.Contain("'prompt' is text, and the model has no tokenizer"));
        Assert.That(new RowEncoder(null, 10, null, 100).Demonstrations([Row(3)], new DataReport())[0].Tokens, Is.EqualTo(new[] { 1, 2, 3 }));
    }

    [Test]
    public void Too_long_is_an_error_or_counted()
    {
        Demonstration[] rows = [Show("ab", "c"), Show("ab", "cdef"), Show("abcdef", "c")];
        Assert.That(ErrorOf(() => Encoder(5).Demonstrations(rows, new DataReport())), Is.EqualTo(
            "rows.jsonl:7: the row has 7 tokens and the limit is 5; shorten it, raise maxLength, or set onTooLong to drop or truncate"));

        var dropped = new DataReport();
        Assert.That(Encoder(5, OnTooLong.Drop).Demonstrations(rows, dropped), Has.Count.EqualTo(1));
        Assert.That((dropped.Rows, dropped.Dropped, dropped.Truncated, dropped.Tokens), Is.EqualTo((3L, 2L, 0L, 4L)));

        // The third row has nothing to learn within the limit.
        var cut = new DataReport();
        IReadOnlyList<TokenRow> kept = Encoder(5, OnTooLong.Truncate).Demonstrations(rows, cut);
        Assert.That(kept.Select(row => row.Tokens), Is.EqualTo(new int[][] { ['a', 'b', 'c', End], ['a', 'b', 'c', 'd', 'e'] }));
        Assert.That((cut.Rows, cut.Dropped, cut.Truncated, cut.Tokens), Is.EqualTo((3L, 1L, 1L, 9L)));

        Assert.That(ErrorOf(() => Encoder(1, OnTooLong.Drop).Demonstrations(rows, new DataReport())), Does.StartWith("no row is left to train on (3 rows"));
    }

    [Test]
    public void A_ranking_lists_the_pairs_with_different_ranks()
    {
        var report = new DataReport();
        IReadOnlyList<RankedRow> rows = Encoder().Rankings([Rank("p", "a b c", 2, 1, 2), Rank("p", "a b", 3, 3), Rank("p", "a a", 1, 5)], report);
        Assert.That(rows, Has.Count.EqualTo(2));
        Assert.That(rows[0].Pairs, Is.EqualTo(new AnswerPair[] { new(1, 0), new(1, 2) }));
        Assert.That(rows[0].Answers.Select(answer => answer.Tokens), Is.EqualTo(new int[][] { ['p', 'a', End], ['p', 'b', End], ['p', 'c', End] }));
        Assert.That((report.Rows, report.WithoutPairs, report.Pairs, report.Ties, report.IdenticalPairs, report.Kept),
            Is.EqualTo((3L, 1L, 3L, 2L, 1L, 2L)));
        Assert.That(report.ToString(), Is.EqualTo(
            "3 rows, 3 pairs, 15 tokens; 1 left out because all answers are tied, 2 tied pairs not counted, 1 pairs of identical answers"));
    }

    [Test]
    public void Without_ties_a_ranking_of_K_has_all_pairs() =>
        ForAll(Gen.Choose(2, 9).SelectMany(k => Gen.Shuffle(Enumerable.Range(1, k).ToArray())).ToArbitrary(), ranks =>
        {
            AnswerPair[] pairs = RowEncoder.Pairs(ranks);
            return pairs.Length == ranks.Length * (ranks.Length - 1) / 2
                && pairs.Distinct().Count() == pairs.Length
                && pairs.All(pair => ranks[pair.Better] < ranks[pair.Worse]);
        });

    [Test]
    public void A_ranking_is_dropped_as_a_whole()
    {
        Ranking[] rows = [Rank("p", "a bcdef", 1, 2), Rank("p", "a b", 1, 2), Rank("pqrst", "a b", 1, 2)];
        var dropped = new DataReport();
        Assert.That(Encoder(4, OnTooLong.Drop).Rankings(rows, dropped), Has.Count.EqualTo(1));
        Assert.That((dropped.Dropped, dropped.Pairs), Is.EqualTo((2L, 1L)));

        var cut = new DataReport();
        IReadOnlyList<RankedRow> kept = Encoder(4, OnTooLong.Truncate).Rankings(rows, cut);
        Assert.That(kept, Has.Count.EqualTo(2));
        Assert.That(kept[0].Answers[1].Tokens, Is.EqualTo(new int[] { 'p', 'b', 'c', 'd' }));
        Assert.That((cut.Truncated, cut.Dropped), Is.EqualTo((1L, 1L)));
    }

    [Test]
    public void A_prompt_that_is_cut_keeps_its_end()
    {
        PromptRow Ask(string text) => new(Content.OfText(text), new JsonObject { ["k"] = 1 }, Place);
        var report = new DataReport();
        IReadOnlyList<EncodedPrompt> prompts = Encoder(3, OnTooLong.Truncate, "{prompt}:").Prompts([Ask("abc"), Ask("a")], report);
        Assert.That(prompts.Select(prompt => prompt.Tokens), Is.EqualTo(new int[][] { ['b', 'c', ':'], ['a', ':'] }));
        Assert.That(prompts.Select(prompt => prompt.Text), Is.EqualTo(new[] { "abc:", "a:" }));
        Assert.That(prompts[0].Fields["k"]!.GetValue<int>(), Is.EqualTo(1));
        Assert.That(report.Truncated, Is.EqualTo(1));
        Assert.That(ErrorOf(() => Encoder().Prompts([Ask("")], new DataReport())), Does.Contain("rows.jsonl:7: the prompt is empty"));
    }

    [Test]
    public void Documents_are_closed_by_end_of_text_and_cut_into_windows()
    {
        Document Doc(string text) => new(Content.OfText(text), Place);
        var report = new DataReport();
        TokenWindows windows = Encoder(2).Windows([Doc("ab"), Doc(""), Doc("cde")], report);
        Assert.That(windows.Tokens.ToArray(), Is.EqualTo(new int[] { 'a', 'b', End, 'c', 'd', 'e', End }));
        Assert.That(windows.Count, Is.EqualTo(2));
        Assert.That(windows[1].ToArray(), Is.EqualTo(new int[] { 'c', 'd', 'e' }));
        Assert.That((report.Rows, report.Tokens, report.LeftOverTokens), Is.EqualTo((3L, 6L, 1L)));
        Assert.That(ErrorOf(() => Encoder().Windows([Doc("")], new DataReport())), Does.Contain("the text has 0 tokens"));
    }

    [Test]
    public void Windows_hold_every_token_once() =>
        ForAll(Gen.Two(Gen.Choose(1, 60)).ToArbitrary(), sizes =>
        {
            (int length, int maxLength) = sizes;
            var windows = new TokenWindows(Enumerable.Range(0, length).ToArray(), maxLength);
            int[] all = [.. Enumerable.Range(0, windows.Count).SelectMany(i => windows[i].ToArray())];
            return all.Length + windows.LeftOver == length
                && windows.LeftOver <= 1
                && all.SequenceEqual(Enumerable.Range(0, all.Length))
                && Enumerable.Range(0, windows.Count).All(i => windows[i].Length >= 2 && (windows[i].Length == maxLength + 1 || i == windows.Count - 1));
        });

    [Test]
    public void What_does_not_fit_the_model_is_an_error()
    {
        Assert.That(ErrorOf(() => new RowEncoder(new Bytes(), 200, null, 10)), Does.Contain("the tokenizer has 257 tokens and the model 200"));
        Assert.That(ErrorOf(() => new RowEncoder(null, 200, 200, 10)), Does.Contain("the end-of-text token 200 is not a token of the model"));
        Assert.That(ErrorOf(() => Encoder(template: "no place")), Does.Contain("'no place' must hold {prompt} exactly once"));
        Assert.That(ErrorOf(() => Encoder(template: "{prompt}{prompt}")), Does.Contain("exactly once"));
    }
}
