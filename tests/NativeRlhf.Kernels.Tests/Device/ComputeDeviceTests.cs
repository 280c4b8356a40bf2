using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Device;

public class ComputeDeviceTests
{
    [TestCase("gpu")]
    [TestCase("cuda:x")]
    [TestCase("cuda:-1")]
    [TestCase("cpu:0")]
    [TestCase("")]
    public void An_unknown_device_is_named(string name) =>
        Assert.That(
            () => ComputeDevice.Open(new DeviceOptions { Device = name }),
            Throws.ArgumentException.With.Message.EqualTo($"device '{name}' is not known; use auto, cpu, cuda[:n] or opencl[:n]"));

    [Test]
    public void An_absent_device_is_named() =>
        Assert.That(
            () => ComputeDevice.Open(new DeviceOptions { Device = "cuda:99" }),
            Throws.ArgumentException.With.Message.StartsWith("device 'cuda:99' was not found; there is "));

    [TestCase(-1)]
    [TestCase(5000)]
    public void An_impossible_number_of_threads_is_named(int threads) =>
        Assert.That(
            () => ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = threads }),
            Throws.ArgumentException.With.Message.EqualTo($"threads is {threads}; give 1 to 1024, or 0 for one per core"));

    [Test]
    public void Every_machine_has_the_cpu()
    {
        Assert.That(ComputeDevice.List(), Has.Some.StartsWith("cpu:0 "));
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 2 });
        Assert.That(device.IsHostMemory);
        Assert.That(device.Name, Is.EqualTo("CPU, 2 threads"));
        Assert.That(KernelSet.Variants(device), Is.SubsetOf(KernelVariants.All.Where(v => (string)v[0] == "cpu").Select(v => v[1])), "variants that no test knows");
        Assert.That(KernelSet.Variants(device), Does.Contain("scalar").And.Contain(KernelVariants.Portable));
        Assert.That(device.Kernels.Chosen.Keys, Is.EquivalentTo(KernelSet.Ops));
        Assert.That(device.Kernels.Chosen.Values, Is.All.EqualTo(KernelSet.Variants(device)[0]));
    }

    [Test]
    public void A_variant_can_be_chosen_for_one_op()
    {
        using var device = ComputeDevice.Open(new DeviceOptions
        {
            Device = "cpu",
            Threads = 1,
            Variants = new Dictionary<string, string> { ["*"] = "scalar", ["matmul"] = KernelVariants.Portable },
        });
        Assert.That(device.Kernels.Chosen["matmul"], Is.EqualTo(KernelVariants.Portable));
        Assert.That(device.Kernels.Chosen["attention"], Is.EqualTo("scalar"));
    }

    [TestCase("matmull", "scalar", "variant matmull=scalar: there is no op 'matmull'; ops are embedding, ")]
    [TestCase("matmul", "fast", "variant matmul=fast: on this device matmul has ")]
    public void An_unknown_op_or_variant_is_named(string op, string variant, string message) =>
        Assert.That(
            () => ComputeDevice.Open(new DeviceOptions { Device = "cpu", Variants = new Dictionary<string, string> { [op] = variant } }),
            Throws.ArgumentException.With.Message.StartsWith(message));

    [Test]
    public void Sequence_layouts_know_every_row()
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });
        using var layout = new SequenceLayout(device);
        Assert.That((layout.Rows, layout.Sequences), Is.EqualTo((0, 0)));
        layout.Set([0, 3, 4, 6]);
        Assert.That((layout.Rows, layout.Sequences, layout.MaxLength), Is.EqualTo((6, 3, 3)));
        Assert.That(layout.RowStarts.Host.ToArray(), Is.EqualTo(new[] { 0, 0, 0, 3, 4, 4 }));
        Assert.That(layout.Positions.Host.ToArray(), Is.EqualTo(new[] { 0, 1, 2, 0, 0, 1 }));
        Assert.That(() => layout.Set([1, 2]), Throws.ArgumentException.With.Message.EqualTo("sequence offsets must start with 0"));
        Assert.That(() => layout.Set([0, 3, 3]), Throws.ArgumentException.With.Message.EqualTo("sequence 1 has 0 rows; every sequence needs at least one"));
        Assert.That(() => layout.Set([0, 3, 2]), Throws.ArgumentException.With.Message.EqualTo("sequence 1 has -1 rows; every sequence needs at least one"));
    }

    [Test]
    public void Tf32_is_there_by_choice_alone()
    {
        Assert.That(KernelSet.AllVariants("matmul")[^1], Has.Property("Name").EqualTo("tf32").And.Property("Precisions").EqualTo(new[] { "tf32", "bfloat16" }));
        Assert.That(KernelSet.Ops.Where(op => KernelSet.AllVariants(op).Any(variant => variant.Name == "tf32")), Is.EqualTo(new[] { "matmul" }));
        // A CPU does not have it, and says what it has.
        Assert.That(
            () => ComputeDevice.Open(new DeviceOptions { Device = "cpu", Variants = new Dictionary<string, string> { ["matmul"] = "tf32" } }).Kernels,
            Throws.ArgumentException.With.Message.StartsWith("variant matmul=tf32: on this device matmul has ").And.Message.EndsWith(KernelVariants.Portable));
    }
}
