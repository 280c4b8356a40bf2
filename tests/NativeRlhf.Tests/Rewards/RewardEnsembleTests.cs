using NativeRlhf.Rewards;

namespace NativeRlhf.Tests.Rewards;

public class RewardEnsembleTests
{
    private static readonly RewardRequest[] Requests = [new("p", "first", [], []), new("p", "second", [], [])];

    // Three members score the first answer 1, 2, 6 (mean 3, deviation √(14/3)) and the second one 2, 2, 2.
    [TestCase("mean", 3, 2)]
    [TestCase("min", 1, 2)]
    [TestCase("lcb(0.5)", 3 - (0.5 * 2.160246899469287), 2)]
    [TestCase("lcb(0)", 3, 2)]
    public void MembersBecomeOneScore(string rule, double first, double second)
    {
        using var ensemble = new RewardEnsemble([Member(1), Member(2), Member(6)], EnsembleScore.TryParse(rule)!);
        Dictionary<string, double> reported = [];
        Assert.That(ensemble.Score(Requests, reported.Add), Is.EqualTo(new[] { first, second }).Within(1e-12));
        Assert.That(reported.Keys, Is.EqualTo(new[] { "score_std" }));
        Assert.That(reported["score_std"], Is.EqualTo(2.160246899469287 / 2).Within(1e-12));

        static RuleReward Member(double first) => new(request => request.Completion == "first" ? first : 2);
    }

    [TestCase("median")]
    [TestCase("lcb")]
    [TestCase("lcb()")]
    [TestCase("lcb(-1)")]
    [TestCase("lcb(nan)")]
    [TestCase("lcb(1")]
    [TestCase("")]
    public void WhatIsNoRuleIsNotRead(string text) => Assert.That(EnsembleScore.TryParse(text), Is.Null);

    [Test]
    public void PartsOfASumAreReportedWithoutTheirWeights()
    {
        using var sum = new WeightedSum(
        [
            new("length", 0.5, RuleReward.Named("length")),
            new("both", 2, new RewardEnsemble([new RuleReward(_ => 1), new RuleReward(_ => 3)], EnsembleScore.Mean)),
        ]);
        Dictionary<string, double> reported = [];
        Assert.That(sum.Score(Requests, reported.Add), Is.EqualTo(new[] { 6.5, 7 }));
        Assert.That(reported, Is.EquivalentTo(new Dictionary<string, double> { ["scores/length"] = 5.5, ["scores/both"] = 2, ["score_std/both"] = 1 }));
    }

    [Test]
    public void ASingleRewardReportsUnderItsOwnNames()
    {
        using var sum = new WeightedSum([new("both", 1, new RewardEnsemble([new RuleReward(_ => 1), new RuleReward(_ => 3)], EnsembleScore.Minimum))]);
        Dictionary<string, double> reported = [];
        Assert.That(sum.Score(Requests, reported.Add), Is.EqualTo(new[] { 1.0, 1 }));
        Assert.That(reported, Is.EqualTo(new Dictionary<string, double> { ["score_std"] = 1 }));
    }
}
