using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Oracle;

/// <summary>Both generators against the known answers that Random123 publishes for philox4x32-10, and against each other.</summary>
public class OraclePhiloxTests
{
    private static readonly TestCaseData[] KnownAnswers =
    [
        new(new uint[] { 0, 0, 0, 0 }, new uint[] { 0, 0 }, new uint[] { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 }),
        new(
            new uint[] { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, new uint[] { 0xffffffff, 0xffffffff },
            new uint[] { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd }),
        new(
            new uint[] { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, new uint[] { 0xa4093822, 0x299f31d0 },
            new uint[] { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 }),
    ];

    [TestCaseSource(nameof(KnownAnswers))]
    public void Both_give_the_published_words(uint[] counter, uint[] key, uint[] expected)
    {
        Assert.That(Reference.Philox.Rounds(counter, key), Is.EqualTo(expected));
        var words = Philox.Rounds(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
        Assert.That(new[] { words.X, words.Y, words.Z, words.W }, Is.EqualTo(expected));
    }

    [Test]
    public void Both_draw_the_same_uniform_numbers()
    {
        var random = new Random(5);
        for (int i = 0; i < 1000; i++)
        {
            ulong seed = (ulong)random.NextInt64(), position = (ulong)random.NextInt64();
            uint stream = (uint)random.Next();
            var words = Philox.At(seed, RandomPurpose.Sampling, stream, position);
            Assert.That(Reference.Philox.Uniform(seed, Reference.Philox.SamplingPurpose, stream, position), Is.EqualTo(Philox.ToUniform(words.X)));
            Assert.That(Reference.Philox.Uniform(seed, Reference.Philox.SamplingPurpose, stream, position, 3), Is.EqualTo(Philox.ToUniform(words.W)));
        }

        Assert.That(Reference.Philox.DropoutPurpose, Is.EqualTo((uint)RandomPurpose.Dropout));
        Assert.That(Reference.Philox.SamplingPurpose, Is.EqualTo((uint)RandomPurpose.Sampling));
    }

    [Test]
    public void Uniform_numbers_lie_in_the_half_open_unit_interval()
    {
        Assert.That(Philox.ToUniform(0), Is.EqualTo(0f));
        Assert.That(Philox.ToUniform(uint.MaxValue), Is.EqualTo(1f - (1f / 16777216f)));
    }
}
