using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Model;

/// <summary>Layers that are run forward again for the backward pass: the same bits out of less memory.</summary>
public class RecomputationTests
{
    [Test]
    public void LossAndGradientsAreTheSameBits([Values(0f, 0.25f)] float dropout, [Values(1, 2, 5)] int layers)
    {
        using var model = Random(Odd() with { Layers = layers }, 1);
        var random = new Random(2);
        TokenRow[][] microBatches =
        [
            [new(Tokens(random, 9, 51), 1), new(Tokens(random, 24, 51), 10)],
            [new(Tokens(random, 2, 51), 1), new(Tokens(random, 13, 51), 4), new(Tokens(random, 7, 51), 1)],
        ];
        var key = new ResidualDropout(dropout, Seed: 42, Step: 3, FirstRow: 0);
        var (loss, gradients) = LossAndGradients(model, microBatches, key);
        var (again, recomputed) = LossAndGradients(model, microBatches, key, recompute: true);
        using (gradients)
        using (recomputed)
        {
            Assert.That(again, Is.EqualTo(loss));
            Assert.That(Values(recomputed.All), Is.EqualTo(Values(gradients.All)));
        }
    }

    [Test]
    public void OfEveryLayerOnlyTheResidualStreamIsKept()
    {
        const int Tokens = 40;
        var shape = Odd();
        long perLayer = sizeof(float) * Arena.AlignUp(Tokens * shape.Width);
        Assert.That(Bytes(3, recompute: true) - Bytes(2, recompute: true), Is.EqualTo(perLayer));
        Assert.That(Bytes(12, recompute: true) - Bytes(2, recompute: true), Is.EqualTo(10 * perLayer), "linear in the layers");
        Assert.That(Bytes(3, recompute: false) - Bytes(2, recompute: false), Is.GreaterThan(10 * perLayer));
        Assert.That(Bytes(1, recompute: true), Is.EqualTo(Bytes(1, recompute: false)), "one layer is never run again");

        long Bytes(int layers, bool recompute)
        {
            using var activations = new GptActivations(Device(), shape with { Layers = layers }, Tokens, forBackward: true, recompute);
            return activations.Bytes;
        }
    }
}
