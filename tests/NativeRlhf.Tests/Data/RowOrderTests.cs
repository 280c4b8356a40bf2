using NativeRlhf.Data;

namespace NativeRlhf.Tests.Data;

public class RowOrderTests
{
    [Test]
    public void Without_shuffling_rows_come_in_file_order_and_start_over()
    {
        var order = new RowOrder(1, 3, shuffle: false);
        Assert.That(Enumerable.Range(0, 7).Select(i => order[i]), Is.EqualTo(new[] { 0, 1, 2, 0, 1, 2, 0 }));
    }

    [Test]
    public void Every_epoch_is_a_permutation_of_its_own()
    {
        var order = new RowOrder(42, 50, shuffle: true);
        int[][] epochs = [.. Enumerable.Range(0, 4).Select(epoch => Enumerable.Range(50 * epoch, 50).Select(i => order[i]).ToArray())];
        foreach (int[] epoch in epochs)
            Assert.That(epoch, Is.EquivalentTo(Enumerable.Range(0, 50)));
        Assert.That(epochs.Select(epoch => string.Join(",", epoch)), Is.Unique);
    }

    [Test]
    public void A_row_depends_on_seed_and_position_alone()
    {
        var whole = new RowOrder(7, 11, shuffle: true);
        int[] expected = [.. Enumerable.Range(0, 100).Select(i => whole[i])];
        var backwards = new RowOrder(7, 11, shuffle: true);
        Assert.That(Enumerable.Range(0, 100).Reverse().Select(i => backwards[i]).Reverse(), Is.EqualTo(expected));
        var other = new RowOrder(8, 11, shuffle: true);
        Assert.That(Enumerable.Range(0, 100).Select(i => other[i]), Is.Not.EqualTo(expected));
    }

    [Test]
    public void All_permutations_are_equally_likely()
    {
        const int Epochs = 6000;
        var order = new RowOrder(3, 3, shuffle: true);
        int[] counts = [.. Enumerable.Range(0, Epochs)
            .Select(epoch => (order[3L * epoch] * 3 + order[3L * epoch + 1]) * 3 + order[3L * epoch + 2])
            .CountBy(code => code).Select(count => count.Value)];
        Assert.That(counts, Has.Length.EqualTo(6));
        double chiSquared = counts.Sum(count => Math.Pow(count - Epochs / 6.0, 2) / (Epochs / 6.0));
        Assert.That(chiSquared, Is.LessThan(20.5), "the 99.9 % point for five degrees of freedom");
    }
}
