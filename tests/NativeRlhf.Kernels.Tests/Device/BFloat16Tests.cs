using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Device;

public class BFloat16Tests
{
    [Test]
    public void Every_element_is_its_own_nearest()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            float value = new BFloat16((ushort)bits).Value;
            if (!float.IsNaN(value)) Assert.That(BFloat16.Of(value).Bits, Is.EqualTo(bits));
            else Assert.That(float.IsNaN(BFloat16.Of(value).Value), $"NaN with the bits {bits:x4}");
        }
    }

    [Test]
    public void Values_between_elements_round_to_the_nearest_and_ties_to_even()
    {
        for (uint bits = 0; bits < 0x7F800000; bits += 0x4321)
        {
            float value = BitConverter.UInt32BitsToSingle(bits);
            uint below = bits & 0xFFFF0000;
            double low = BitConverter.UInt32BitsToSingle(below);
            // Above the largest element comes what would be the next one: 2¹²⁸, stored as infinity.
            double high = below == 0x7F7F0000 ? Math.Pow(2, 128) : BitConverter.UInt32BitsToSingle(below + 0x10000);
            double toLow = value - low, toHigh = high - value;
            bool up = toHigh < toLow || (toHigh == toLow && (below & 0x10000) != 0);
            float expected = up ? BitConverter.UInt32BitsToSingle(below + 0x10000) : (float)low;
            Assert.That(BFloat16.Of(value).Value, Is.EqualTo(expected), $"{value}");
            Assert.That(BFloat16.Of(-value).Value, Is.EqualTo(-expected), $"{-value}");
        }
    }

    [TestCase(1.00390625f, 1f)]
    [TestCase(1.01171875f, 1.015625f)]
    [TestCase(float.PositiveInfinity, float.PositiveInfinity)]
    [TestCase(float.MaxValue, float.PositiveInfinity)]
    [TestCase(-0f, -0f)]
    [TestCase(float.Epsilon, 0f)]
    public void Known_values(float value, float expected) =>
        Assert.That(BitConverter.SingleToInt32Bits(BFloat16.Of(value).Value), Is.EqualTo(BitConverter.SingleToInt32Bits(expected)));

    [Test]
    public void NaN_is_kept_whatever_its_bits()
    {
        foreach (uint bits in new uint[] { 0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0xFF800001, 0xFFFFFFFF })
        {
            float nan = BitConverter.UInt32BitsToSingle(bits);
            Assert.That(float.IsNaN(BFloat16.Of(nan).Value), $"{bits:x8}");
            Assert.That(float.IsNaN(BFloat16.OfStochastic(nan, 0xFFFFFFFF).Value), $"{bits:x8}, stochastic");
        }

        Assert.That(BFloat16.OfStochastic(float.NegativeInfinity, 0xFFFF).Value, Is.EqualTo(float.NegativeInfinity));
    }

    [Test]
    public void Stochastic_rounding_gives_a_neighbour_and_the_value_on_average()
    {
        const int Draws = 40_000;
        foreach (float value in new[] { 1.001f, -3.3f, 0.7f, 1e-20f, 5f })
        {
            double sum = 0;
            float low = new BFloat16((ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)).Value;
            float high = new BFloat16((ushort)((BitConverter.SingleToUInt32Bits(value) >> 16) + 1)).Value;
            for (uint i = 0; i < Draws; i++)
            {
                float rounded = BFloat16.OfStochastic(value, Philox.At(1, RandomPurpose.Data, 0, i).X).Value;
                Assert.That(rounded, Is.EqualTo(low).Or.EqualTo(high));
                sum += rounded;
            }

            // The standard error of the mean is at most half a spacing over √40,000.
            Assert.That(sum / Draws, Is.EqualTo(value).Within(5 * Math.Abs(high - low) / 2 / Math.Sqrt(Draws)), $"{value}");
            Assert.That(BFloat16.OfStochastic(low, 0xFFFF).Value, Is.EqualTo(low), "an element stays what it is");
        }
    }
}
