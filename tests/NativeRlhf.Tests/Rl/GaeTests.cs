using NativeRlhf.Rl;

namespace NativeRlhf.Tests.Rl;

public class GaeTests
{
    // The literals of rlax's test of truncated generalised advantage estimation.
    private static readonly float[] Rewards = [0, 0, 1, 0, -0.5f];
    private static readonly float[] Values = [1, 4, -3, -2, -1];
    private static readonly float[] Discounts = [0.99f, 0.99f, 0.99f, 0.99f, 0.99f];

    [TestCase(1.0, new[] { -1.45118, -4.4557, 2.5396, 0.5249, -0.49 })]
    [TestCase(0.7, new[] { -0.676979, -5.248167, 2.4846, 0.6704, -0.49 })]
    public void Advantages_with_a_value_behind_the_end(double lambda, double[] expected)
    {
        float[] advantages = [9, 9, 9, 9, 9];
        Gae.Advantages(Rewards, Discounts, Values, bootstrap: -1, lambda, advantages);
        Assert.That(advantages, Is.EqualTo(expected).Within(1e-4));
    }

    [Test]
    public void An_answer_ends_with_value_zero()
    {
        float[] general = new float[5];
        Gae.Advantages(Rewards, Discounts, Values, bootstrap: 0, 0.95, general);
        float[] advantages = new float[5];
        Gae.Advantages(Rewards, Values, 0.99f, 0.95, advantages);
        Assert.That(advantages, Is.EqualTo(general));
        Assert.That(advantages[4], Is.EqualTo(0.5f), "−0.5 − (−1)");
    }

    [Test]
    public void A_discount_of_zero_separates_episodes()
    {
        float[] advantages = new float[5];
        Gae.Advantages(Rewards, [0.99f, 0, 0.99f, 0.99f, 0.99f], Values, bootstrap: -1, 0.7, advantages);
        Assert.That(advantages[1], Is.EqualTo(-4).Within(1e-6));
        Assert.That(advantages[2..], Is.EqualTo(new[] { 2.4846, 0.6704, -0.49 }).Within(1e-4));
    }

    [Test]
    public void With_lambda_one_and_no_discount_returns_are_the_rewards_to_come()
    {
        float[] advantages = new float[5];
        Gae.Advantages(Rewards, Values, 1, 1, advantages);
        float[] returns = new float[5];
        Gae.Returns(advantages, Values, returns);
        Assert.That(returns, Is.EqualTo(new[] { 0.5, 0.5, 0.5, -0.5, -0.5 }).Within(1e-6));
    }

    [Test]
    public void Rewards_may_be_overwritten_by_advantages()
    {
        float[] apart = new float[5];
        Gae.Advantages(Rewards, Values, 0.99, 0.95, apart);
        float[] inPlace = [.. Rewards];
        Gae.Advantages(inPlace, Values, 0.99, 0.95, inPlace);
        Assert.That(inPlace, Is.EqualTo(apart));
    }

    [Test]
    public void Lengths_must_agree()
    {
        Assert.Throws<ArgumentException>(() => Gae.Advantages(Rewards, Values.AsSpan(1), 1, 1, new float[5]));
        Assert.Throws<ArgumentException>(() => Gae.Advantages(Rewards, Values, 1, 1, new float[4]));
        Assert.Throws<ArgumentException>(() => Gae.Returns(Rewards, Values, new float[6]));
    }
}
