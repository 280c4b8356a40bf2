using NativeRlhf.Rl;

namespace NativeRlhf.Tests.Rl;

public class GroupAdvantagesTests
{
    [Test]
    public void Standardized_rewards_have_mean_zero_and_unbiased_deviation_one()
    {
        double[] rewards = [1, 2, 4, 9];
        GroupAdvantages.Standardize(rewards);
        // mean 4, deviation √((9 + 4 + 0 + 25) / 3)
        double deviation = Math.Sqrt(38.0 / 3) + 1e-4;
        Assert.That(rewards, Is.EqualTo(new[] { -3 / deviation, -2 / deviation, 0, 5 / deviation }).Within(1e-12));
    }

    [Test]
    public void Leave_one_out_compares_with_the_mean_of_the_others()
    {
        double[] rewards = [1, 2, 4, 9];
        GroupAdvantages.LeaveOneOut(rewards);
        Assert.That(rewards, Is.EqualTo(new[] { 1 - 5.0, 2 - (14.0 / 3), 4 - 4.0, 9 - (7.0 / 3) }).Within(1e-12));
    }

    [Test]
    public void A_group_without_differences_has_nothing_to_gain()
    {
        double[] first = [3, 3, 3], second = [3, 3, 3];
        GroupAdvantages.Standardize(first);
        GroupAdvantages.LeaveOneOut(second);
        Assert.That(first.Concat(second), Is.All.Zero);
    }

    [Test]
    public void One_answer_is_not_a_group() =>
        Assert.That(() => GroupAdvantages.Standardize([1]), Throws.ArgumentException.With.Message.Contains("at least 2"));
}
