using NativeRlhf.Rl;

namespace NativeRlhf.Tests.Rl;

public class KlTests
{
    [TestCase(7.2, 0.151536)]
    [TestCase(100, 0.151536)]
    [TestCase(4.8, 0.148464)]
    [TestCase(-3, 0.148464)]
    [TestCase(6, 0.15)]
    [TestCase(6.6, 0.150768)]
    public void The_adaptive_controller_corrects_by_at_most_a_fifth(double kl, double expected)
    {
        var controller = new AdaptiveKlController(initial: 0.15, target: 6, horizon: 10_000);
        controller.Update(kl, episodes: 512);
        Assert.That(controller.Coefficient, Is.EqualTo(expected).Within(1e-12));
    }

    [Test]
    public void A_stored_coefficient_resumes_the_controller()
    {
        var whole = new AdaptiveKlController(0.15, 6, 10_000);
        whole.Update(9, 512);
        var resumed = new AdaptiveKlController(whole.Coefficient, 6, 10_000);
        whole.Update(5, 512);
        resumed.Update(5, 512);
        Assert.That(resumed.Coefficient, Is.EqualTo(whole.Coefficient));
    }

    [Test]
    public void The_fixed_controller_stays()
    {
        IKlController controller = new FixedKlController(0.02);
        controller.Update(1000, 512);
        Assert.That(controller.Coefficient, Is.EqualTo(0.02));
    }

    [Test]
    public void The_log_ratio_of_the_seeds()
    {
        // π = .0012 and π_SFT = .0040: the answer is less likely than before, which the penalty rewards.
        float logprob = MathF.Log(0.0012f);
        float refLogprob = MathF.Log(0.0040f);
        Assert.That(KlEstimators.K1(logprob, refLogprob), Is.EqualTo(-1.204).Within(5e-4));

        const double Beta = 0.02;
        float[] rewards = [7, 7];
        RewardShaping.TokenRewards([0, logprob], [0, refLogprob], Beta, 8.2, rewards);
        Assert.That(rewards[0], Is.Zero);
        Assert.That(rewards[1], Is.EqualTo(8.2 + 1.204 * Beta).Within(1e-5));
    }

    [Test]
    public void The_estimators_have_the_divergence_as_their_mean()
    {
        // Exact expectations over a distribution of three tokens.
        double[] policy = [0.5, 0.3, 0.2];
        double[] reference = [0.4, 0.4, 0.2];
        double divergence = policy.Zip(reference, (p, q) => p * Math.Log(p / q)).Sum();
        double Mean(Func<double, double, double> estimator) =>
            policy.Zip(reference, (p, q) => p * estimator(Math.Log(p), Math.Log(q))).Sum();
        Assert.That(Mean(KlEstimators.K1), Is.EqualTo(divergence).Within(1e-12));
        Assert.That(Mean(KlEstimators.K3), Is.EqualTo(divergence).Within(1e-12));
        Assert.That(Mean(KlEstimators.K2), Is.EqualTo(divergence).Within(1e-2));
    }

    [Test]
    public void Sums_over_an_answer()
    {
        float[] logprobs = [-1, -2, -0.5f];
        float[] refLogprobs = [-1.5f, -1, -0.5f];
        Assert.That(KlEstimators.SumK1(logprobs, refLogprobs), Is.EqualTo(-0.5).Within(1e-6));
        Assert.That(KlEstimators.SumK2(logprobs, refLogprobs), Is.EqualTo(0.625).Within(1e-6));
        Assert.That(KlEstimators.SumK3(logprobs, refLogprobs), Is.EqualTo(Math.Exp(-0.5) - 0.5 + Math.E - 2).Within(1e-6));
        Assert.Throws<ArgumentException>(() => KlEstimators.SumK1(logprobs, refLogprobs.AsSpan(1)));
    }

    [Test]
    public void Token_rewards_sum_to_the_reward_of_the_answer()
    {
        float[] logprobs = [-1, -2, -0.5f];
        float[] refLogprobs = [-1.5f, -1, -0.25f];
        float[] rewards = new float[3];
        RewardShaping.TokenRewards(logprobs, refLogprobs, 0.1, 2, rewards);
        Assert.That(rewards, Is.EqualTo(new[] { -0.05, 0.1, 2.025 }).Within(1e-6));
        Assert.That(rewards.Sum(), Is.EqualTo(2 - 0.1 * KlEstimators.SumK1(logprobs, refLogprobs)).Within(1e-6));
        Assert.Throws<ArgumentException>(() => RewardShaping.TokenRewards([], [], 0.1, 2, []));
        Assert.Throws<ArgumentException>(() => RewardShaping.TokenRewards(logprobs, refLogprobs, 0.1, 2, new float[2]));
    }

    [TestCase(3, true, null, null, 3)]
    [TestCase(3, true, -1.0, 2.0, 2)]
    [TestCase(-3, true, -1.0, 2.0, -2)]
    [TestCase(3, false, -1.0, 0.5, -1)]
    [TestCase(3, false, null, 0.5, 0.5)]
    public void A_missing_end_has_its_own_score(double score, bool ended, double? penalty, double? clip, double expected) =>
        Assert.That(RewardShaping.Score(score, ended, penalty, clip), Is.EqualTo(expected));
}
