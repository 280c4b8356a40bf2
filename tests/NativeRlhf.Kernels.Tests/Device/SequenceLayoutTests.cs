using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Device;

/// <summary>Where packed sequences start, what they continue, and what is refused.</summary>
public class SequenceLayoutTests
{
    [Test]
    public void ASequenceThatContinuesAnotherCountsItsPositionsOn()
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });
        using var layout = new SequenceLayout(device);
        layout.Set([0, 3, 5, 6, 8], [0, 0, 0, 3]);
        Assert.Multiple(() =>
        {
            Assert.That((layout.Rows, layout.MaxLength, layout.HasPrefixes), Is.EqualTo((8, 5, true)));
            Assert.That(layout.Positions.Host.ToArray(), Is.EqualTo(new[] { 0, 1, 2, 3, 4, 3, 0, 1 }));
            Assert.That(layout.RowStarts.Host.ToArray(), Is.EqualTo(new[] { 0, 0, 0, 0, 0, 0, 6, 6 }));
            Assert.That(layout.PrefixEnds.Host.ToArray(), Is.EqualTo(new[] { 0, 0, 0, 3, 3, 3, 6, 6 }));
            Assert.That(layout.OwnStarts.Host.ToArray(), Is.EqualTo(new[] { 0, 0, 0, 3, 3, 5, 6, 6 }));
        });
        layout.Set([0, 3, 5]);
        Assert.That((layout.Rows, layout.MaxLength, layout.HasPrefixes), Is.EqualTo((5, 3, false)), "nothing is left of the batch before");
    }

    [TestCase(new[] { 0, 2, 4 }, new[] { 1, 1 }, TestName = "of one behind it")]
    [TestCase(new[] { 0, 2, 4, 6 }, new[] { 0, 0, 1 }, TestName = "of one that continues another")]
    [TestCase(new[] { 0, 2, 4, 6 }, new[] { 0, 1, 0 }, TestName = "of one that it does not follow")]
    [TestCase(new[] { 0, 2, 4 }, new[] { 0, -1 }, TestName = "of none")]
    [TestCase(new[] { 0, 2, 4 }, new[] { 0 }, TestName = "too few")]
    [TestCase(new[] { 0, 2, 2 }, new[] { 0, 0 }, TestName = "empty")]
    [TestCase(new[] { 1, 2 }, new[] { 0 }, TestName = "not from 0")]
    public void AContinuationThatIsOutOfPlaceIsRefused(int[] offsets, int[] prefixes)
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });
        using var layout = new SequenceLayout(device);
        Assert.That(() => layout.Set(offsets, prefixes), Throws.ArgumentException);
    }
}
