using NativeRlhf.Evaluation;
using NativeRlhf.Rewards;

namespace NativeRlhf.Tests.Evaluation;

/// <summary>Means and ratios with their intervals; word lists; win rates.</summary>
public sealed class MeasureTests
{
    [Test]
    public void AMeanHasTheStandardErrorAndTheIntervalOfTheory()
    {
        double[] values = [.. Enumerable.Range(0, 400).Select(i => i % 10 < 3 ? 1.0 : 0)];
        var mean = Measure.Mean("m", values);
        double error = Math.Sqrt(0.3 * 0.7 / 399);
        Assert.That(mean.Value, Is.EqualTo(0.3).Within(1e-12));
        Assert.That(mean.StandardError, Is.EqualTo(error).Within(1e-12));
        Assert.That(mean.High - mean.Low, Is.EqualTo(2 * 1.96 * error).Within(10).Percent);
        Assert.That(Measure.Mean("m", values), Is.EqualTo(mean), "the same draws each time");
        Assert.That(Measure.OfRatio("m", [.. values.Select(value => (value, 1.0))], static x => x, 7).StandardError, Is.EqualTo(error).Within(10).Percent.And.Not.EqualTo(error), "of the draws");
    }

    [Test]
    public void ARatioWeighsItsItems()
    {
        var ratio = Measure.OfRatio("p", [(-2, 1), (-12, 6)], static mean => Math.Exp(-mean));
        Assert.That(ratio.Value, Is.EqualTo(Math.Exp(2)).Within(1e-12));
        Assert.That((ratio.Low, ratio.High), Is.EqualTo((Math.Exp(2), Math.Exp(2))), "all draws have the same ratio");
        Assert.That(Measure.OfRatio("p", [(1, 1)], static mean => mean).StandardError, Is.Null);
        Assert.That(() => Measure.Mean("m", []), Throws.ArgumentException);
    }

    [Test]
    public void WordsAreFoundAsWords()
    {
        var list = new WordList(["ass", "b!tch", "two words", " ASS "]);
        Assert.That(list.Count, Is.EqualTo(3));
        Assert.That(list.In("a class of brass"), Is.Empty);
        Assert.That(list.In("class Ass!"), Is.EqualTo(new[] { "ass" }));
        Assert.That(list.In("B!TCH, these two words"), Is.EqualTo(new[] { "b!tch", "two words" }));
    }

    [TestCase("words.json", """["damn", "hell"]""", 2)]
    [TestCase("words.json", """{"damn": 2, "hell": 1, "heck": 0}""", 1)]
    [TestCase("words.txt", "damn\r\nhell\n\nheck\n", 3)]
    public void ListsAreReadAsTheyArePublished(string name, string content, int count)
    {
        using var folder = new Tokenization.TemporaryFolder();
        folder.Write(name, content);
        Assert.That(WordList.Load([folder.File(name)]).Count, Is.EqualTo(count));
    }

    [TestCase("""{"damn": 1}""", "sureness")]
    [TestCase("""[1, 2]""", "JSON array of strings")]
    [TestCase("[\n\"a\",,]", "words.json:2: ")]
    public void AListThatIsNoneIsRefused(string content, string expected)
    {
        using var folder = new Tokenization.TemporaryFolder();
        folder.Write("words.json", content);
        Assert.That(() => WordList.Load([folder.File("words.json")]), Throws.InstanceOf<InputException>().With.Message.Contain(expected));
    }

    [TestCase("naughty-words-en.json")]
    [TestCase("badwords-list.json")]
    [TestCase("cuss-en.json")]
    public void PublishedListsAreRead(string name) => Assert.That(WordList.Load([TestFiles.Shared("word-lists/" + name)]).Count, Is.GreaterThan(200));

    [Test]
    public void AWinRateIsAMeanOverPromptsAndATieIsHalf()
    {
        using var judge = new RewardPairJudge(RuleReward.Named("length"));
        var won = WinRate.Of(judge, [Answers("long", "x"), Answers("yy")], [Answers("abc", "y"), Answers("long")]);
        Assert.That((won.Wins, won.Ties, won.Losses, won.Pairs), Is.EqualTo((1, 1, 1, 3)));
        Assert.That(won.Rate.Value, Is.EqualTo((0.75 + 0) / 2));
        Assert.That(won.Rows.Select(row => (double)row["win_rate"]!), Is.EqualTo(new[] { 0.75, 0 }));
        Assert.That((double)won.Rows[0]["scores"]![0]!, Is.EqualTo(4));
        Assert.That(() => WinRate.Of(judge, [Answers("a")], [Answers("a", "b")]), Throws.ArgumentException);
    }

    [Test]
    public void AProgramIsAskedInBothOrders()
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("the judge is a shell script");
        // Says "first" whenever the first answer has "good" in it or neither has: the latter is a taste for the first place.
        const string Script = """while read -r line; do case "$line" in *'"first":"good'*) echo first;; *'"second":"good'*) echo second;; *) echo first;; esac; done""";
        using var judge = new CommandPairJudge(Script);
        var won = WinRate.Of(judge, [Answers("good one"), Answers("bad"), Answers("bad")], [Answers("bad"), Answers("good"), Answers("bad too")]);
        Assert.That(won.Rows.Select(row => (double)row["win_rate"]!), Is.EqualTo(new[] { 1, 0, 0.5 }));
        Assert.That((won.Disagreements, won.Ties), Is.EqualTo((1, 1)));
        using var babbling = new CommandPairJudge("while read -r line; do echo maybe; done");
        Assert.That(() => WinRate.Of(babbling, [Answers("a")], [Answers("b")]), Throws.InstanceOf<InputException>().With.Message.Contain("maybe"));
    }

    private static RewardRequest[] Answers(params string[] texts) => [.. texts.Select(text => new RewardRequest("prompt", text, [], []))];
}
