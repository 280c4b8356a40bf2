using System.Text.Json.Nodes;
using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Tests.Model;

namespace NativeRlhf.Tests.Rewards;

public class RewardTests
{
    [Test]
    public void RulesScoreTheTextOfAnAnswer()
    {
        RewardRequest request = new("p", "ONE one two", [], []);
        Assert.Multiple(() =>
        {
            Assert.That(RuleReward.Named("length").Score([request]), Is.EqualTo(new[] { 11.0 }));
            Assert.That(RuleReward.Named("shortness").Score([request]), Is.EqualTo(new[] { -11.0 }));
            Assert.That(RuleReward.Named("words").Score([request]), Is.EqualTo(new[] { 3.0 }));
            Assert.That(RuleReward.Named("unique-words").Score([request]), Is.EqualTo(new[] { 1.0 }));
            Assert.That(RuleReward.Named("upper-case").Score([request]), Is.EqualTo(new[] { 1.0 / 3 }).Within(1e-12));
            Assert.That(RuleReward.Named("upper-case").Score([request with { Completion = "1 2" }]), Is.EqualTo(new[] { 0.0 }));
            Assert.That(() => RuleReward.Named("lenght"), Throws.TypeOf<InputException>().With.Message.Contains("length"));
        });
    }

    [Test]
    public void AnAnswerLongerThanTheRewardModelIsNamed()
    {
        var shape = new GptConfig { Layers = 1, Heads = 1, Width = 8, Positions = 4, VocabularySize = 5, Inner = 8 };
        using var workspace = new Workspace(TestModels.Device(), shape, 16, forBackward: false);
        using var reward = new RewardModel(new Gpt(TestModels.Device(), shape, hasScore: true) { Source = "folder" }, new SequenceScorer(workspace));
        Assert.That(reward.Score([new("", "", [0, 1, 2, 3], [])]), Has.Length.EqualTo(1));
        Assert.That(() => reward.Score([new("", "", [0], []), new("", "", [0, 1, 2, 3, 4], [])]),
            Throws.TypeOf<InputException>().With.Message.StartsWith("folder").And.Message.Contains("4 positions").And.Message.Contains("5 tokens"));
    }

    [Test]
    public void AWeightedSumAddsUp()
    {
        using var sum = new WeightedSum([new("three", 2, new RuleReward(_ => 3)), new("length", -0.5, new RuleReward(request => request.Completion.Length))]);
        Assert.That(sum.Score([new("", "ab", [], []), new("", "abcd", [], [])]), Is.EqualTo(new[] { 5.0, 4.0 }));
    }

    [Test]
    public void OfAProgramThatTalksMuchTheLastWordsAreTold()
    {
        using var reward = Shell("i=0; while [ $i -lt 5000 ]; do echo word$i >&2; i=$((i+1)); done; sleep 0.2; read -r line; echo none");
        Assert.That(() => reward.Score([new("p", "c", [], [])]), Throws.TypeOf<InputException>().With.Message.Contains("word4999").And.Property("Message").Length.LessThan(2500));
    }

    [Test]
    public void AProgramScoresLinesInOrder()
    {
        using var reward = Shell("while read -r line; do echo ${#line}; done");
        RewardRequest[] requests = [.. Enumerable.Range(0, 300).Select(i => new RewardRequest("p", new string('x', i), [], new JsonObject { ["id"] = 1 }))];
        int fixedLength = """{"prompt":"p","completion":"","id":1}""".Length;
        for (int round = 0; round < 2; round++)
            Assert.That(reward.Score(requests), Is.EqualTo(Enumerable.Range(0, 300).Select(i => (double)fixedLength + i)));
    }

    [Test]
    public void FieldsOfThePromptRowDoNotReplaceTheAnswer()
    {
        // A file of demonstrations used as prompts has a completion of its own.
        using var reward = Shell("""while read -r line; do case "$line" in *'"completion":"sampled"'*'"kind":"x"'*) echo 1;; *) echo 0;; esac; done""");
        Assert.That(reward.Score([new("p", "sampled", [], new JsonObject { ["completion"] = "stored", ["kind"] = "x" })]), Is.EqualTo(new[] { 1.0 }));
    }

    [TestCase("while read -r line; do echo good; done", "'good'")]
    [TestCase("while read -r line; do echo nan; done", "'nan'")]
    [TestCase("read -r line; echo why >&2; exit 3", "ended")]
    [TestCase("cat > /dev/null", "no answer within 0.3 s", 0.3)]
    public void AProgramThatFailsIsReportedWithItsLine(string command, string message, double seconds = 60)
    {
        using var reward = Shell(command, TimeSpan.FromSeconds(seconds));
        Assert.That(() => reward.Score([new("the prompt", "the answer", [], [])]),
            Throws.TypeOf<InputException>().With.Message.Contains(message).And.Message.Contains("the answer").And.Message.Not.Contains("\n"));
    }

    private static CommandReward Shell(string command, TimeSpan? timeout = null)
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("the commands of these tests are for a POSIX shell");
        return new CommandReward(command, timeout);
    }
}
