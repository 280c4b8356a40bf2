using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Ops;

public class CachedAttentionTests(string device, string variant) : OpTests(device, variant)
{
    [TestCase(3, 11)]
    [TestCase(2, 16)]
    [TestCase(1, 64)]
    public void Prompts_and_decoding_in_any_mixture(int NH, int HS)
    {
        int C = NH * HS, capacity = Pick(70, 11), slots = 4;
        double[] expectedKeys = TestData.Normal(1, slots * capacity * C), expectedValues = TestData.Normal(2, slots * capacity * C);
        Tensor keys = Bench.Upload(expectedKeys, slots * capacity, C), values = Bench.Upload(expectedValues, slots * capacity, C);

        // Slot 2 is decoding, slot 0 gets a whole prompt, slot 3 the rest of one, slot 1 stays as it is.
        int last = capacity - 1;
        int[] rowSlots = [2, .. Enumerable.Repeat(0, last), 3, 3, 3], positions = [5, .. Enumerable.Range(0, last), 4, 5, 6];
        int R = rowSlots.Length;
        double[] qkv = TestData.Normal(3, R * 3 * C), expected = new double[R * C];
        Reference.CachedAttention.Forward(expected, expectedKeys, expectedValues, qkv, rowSlots, positions, capacity, NH, C);

        var y = Bench.Overwritten(R, C);
        Kernels.CachedAttention.Forward(y, keys, values, Bench.Upload(qkv, R, 3 * C), Bench.Indices(rowSlots), Bench.Indices(positions), capacity, NH);
        AssertClose(y, expected, HS, "y");
        Assert.That(Bench.Read(keys), Is.EqualTo(expectedKeys));
        Assert.That(Bench.Read(values), Is.EqualTo(expectedValues));

        // One more token for slots 0 and 3, on the caches as they are now.
        qkv = TestData.Normal(4, 2 * 3 * C);
        expected = new double[2 * C];
        Reference.CachedAttention.Forward(expected, expectedKeys, expectedValues, qkv, [0, 3], [last, 7], capacity, NH, C);
        y = Bench.Overwritten(2, C);
        Kernels.CachedAttention.Forward(y, keys, values, Bench.Upload(qkv, 2, 3 * C), Bench.Indices([0, 3]), Bench.Indices([last, 7]), capacity, NH);
        AssertClose(y, expected, HS, "y of the next token");
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        const int NH = 3, C = 33, slots = 3;
        int capacity = bench.IsSimulated ? 8 : 100;
        int[] rowSlots = [.. Enumerable.Range(0, slots * capacity).Select(r => r / capacity)];
        int[] positions = [.. Enumerable.Range(0, slots * capacity).Select(r => r % capacity)];
        int R = rowSlots.Length;
        Tensor y = bench.Overwritten(R, C), keys = bench.Overwritten(R, C), values = bench.Overwritten(R, C);
        bench.Kernels.CachedAttention.Forward(
            y, keys, values, bench.Upload(TestData.Normal(1, R * 3 * C), R, 3 * C), bench.Indices(rowSlots), bench.Indices(positions), capacity, NH);
        return [y, keys, values];
    }
}
