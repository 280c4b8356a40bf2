using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Verification;
using NativeRlhf.Kernels.Verification.Catalogue;

namespace NativeRlhf.Kernels.Tests.Proving;

/// <summary>What a diverged model has in its tensors: every op still ends, writes its outputs alone, and does not hide it.</summary>
[TestFixtureSource(typeof(KernelVariants), nameof(KernelVariants.All))]
public class NonFiniteTests(string device, string variant)
{
    private readonly List<Tensor> _operands = [];

    [Test]
    public void Every_op_keeps_to_its_operands([Values(float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue)] float value, [Values(1, 7)] int every) =>
        Run(value, every, (_, _) => { });

    [Test]
    public void No_op_makes_numbers_of_what_is_none() => Run(float.NaN, 1, (device, name) =>
    {
        // These read nothing, drop what they read, or count comparisons.
        if (name is "elementwise.fill" or "dropout.forward" or "dropout.backward" or "rankingloss.forward") return;
        foreach (var operand in _operands)
        {
            float[] values = new float[operand.Length];
            device.Download(operand, values);
            Assert.That(values, Is.All.NaN, $"{name}, operand {_operands.IndexOf(operand) + 1}");
        }
    });

    private void Run(float value, int every, Action<ComputeDevice, string> check)
    {
        var bench = KernelVariants.Open(device, variant);
        using var memory = new GuardedMemory(bench.Device);
        foreach (var definition in OpCatalogue.All)
        {
            for (int seed = 1; seed <= (bench.IsSimulated ? 1 : 5); seed++)
            {
                _operands.Clear();
                using var problem = Problem.Create(definition, definition.Draw(new Random(seed), bench.IsSimulated), bench.Device, Take, (ulong)seed);
                foreach (var operand in _operands) Poison(bench.Device, operand);
                problem.Run();
                check(bench.Device, definition.Name);
                Assert.That(memory.Reset(), Is.EqualTo(-1), $"{definition.Name}, seed {seed}: an element outside of all operands was written");
            }
        }

        Tensor Take(int rows, int cols, ElementType type)
        {
            _operands.Add(memory.Take(rows, cols, type));
            return _operands[^1];
        }

        void Poison(ComputeDevice device, Tensor operand)
        {
            float[] values = new float[operand.Length];
            device.Download(operand, values);
            for (int i = _operands.Count % every; i < values.Length; i += every) values[i] = value;
            device.Upload(operand, values);
        }
    }
}
