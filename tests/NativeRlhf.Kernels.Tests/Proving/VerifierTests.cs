using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Kernels.Verification;
using NativeRlhf.Kernels.Verification.Catalogue;

namespace NativeRlhf.Kernels.Tests.Proving;

/// <summary>The catalogue of op cases, and that a wrong result is seen.</summary>
public class VerifierTests
{
    private ComputeDevice _device = null!;

    [OneTimeSetUp]
    public void Open() => _device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });

    [OneTimeTearDown]
    public void Close() => _device.Dispose();

    [Test]
    public void Every_op_has_cases_and_every_name_is_its_own()
    {
        Assert.That(OpCatalogue.All.Select(definition => definition.Op).Distinct(), Is.EqualTo(KernelSet.Ops));
        Assert.That(OpCatalogue.All.Select(definition => definition.Name), Is.Unique);
        Assert.That(OpCatalogue.Find("matmul.dW").Select(definition => definition.Method), Is.EqualTo(new[] { "dW", "dW.outIn" }));
        Assert.That(() => OpCatalogue.Find("matmal"), Throws.ArgumentException.With.Message.Contains("'matmal'").And.Message.Contains("matmul"));
    }

    [Test]
    public void What_is_not_a_number_is_within_no_limit()
    {
        double error = Verification.Tolerance.RelativeError([1, double.NaN, 3], [1, 2, 3]);
        Assert.That(error, Is.EqualTo(double.PositiveInfinity));
        Assert.That(() => Tolerance.AssertClose([1, double.NaN, 3], [1, 2, 3], 1, "x"), Throws.InstanceOf<AssertionException>());
    }

    [Test]
    public void The_defaults_of_the_cpu_agree_with_the_oracle()
    {
        using var verifier = new Verifier(_device);
        foreach (var definition in OpCatalogue.All)
        {
            var verdict = verifier.Verify(definition, 3);
            Assert.That(verdict.Failure, Is.Null, $"{definition.Name}: {verdict.Shape}");
            Assert.That(verdict.Error, Is.LessThanOrEqualTo(verdict.Limit));
        }
    }

    [Test]
    public void Every_op_that_takes_bfloat16_has_cases_with_operands_of_it()
    {
        Assert.That(
            OpCatalogue.All.Where(definition => definition.HasBFloat16).Select(definition => definition.Op).Distinct(),
            Is.EqualTo(KernelSet.Ops.Where(op => KernelSet.AllVariants(op).Any(variant => variant.Precisions.Contains("bfloat16")))));
        foreach (var definition in OpCatalogue.All)
        {
            using var rehearsal = ComputeDevice.OpenRehearsal();
            using var arena = rehearsal.AllocateArena(1 << 20);
            bool isStored = false;
            using var problem = Problem.Create(definition, [.. definition.Dimensions.Select(_ => 3)], rehearsal, (rows, cols, type) =>
            {
                isStored |= type == ElementType.BFloat16;
                return arena.Take(rows, cols, "", type);
            }, 1, isTimed: true, ElementType.BFloat16);
            Assert.That(isStored, Is.EqualTo(definition.HasBFloat16), definition.Name);
        }
    }

    [Test]
    public void Operands_of_bfloat16_agree_with_the_oracle()
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1, Variants = new Dictionary<string, string> { ["*"] = "portable" } });
        using var verifier = new Verifier(device);
        foreach (var definition in OpCatalogue.All.Where(definition => definition.Takes("bfloat16")))
        {
            var verdict = verifier.Verify(definition, 3, "bfloat16");
            Assert.That(verdict.Failure, Is.Null, $"{definition.Name}: {verdict.Shape}: {verdict.Output} {verdict.Error} of {verdict.Limit}");
        }
    }

    [Test]
    public void A_seed_repeats_its_case()
    {
        using var verifier = new Verifier(_device);
        var definition = OpCatalogue.Find("logprob.forward")[0];
        Verdict[] verdicts = [.. new ulong[] { 5, 6, 5 }.Select(seed => verifier.Verify(definition, seed))];
        Assert.That((verdicts[2].Shape, verdicts[2].Output, verdicts[2].Error), Is.EqualTo((verdicts[0].Shape, verdicts[0].Output, verdicts[0].Error)));
        Assert.That(verdicts[1].Shape, Is.Not.EqualTo(verdicts[0].Shape));
    }

    private static Verdict Verify(Verifier verifier, Action<KernelSet, Operand, Operand> run, Action<Operand, Operand> oracle) =>
        verifier.Verify(
            new OpCase("elementwise", "test", [new("N", 50, 50)], (p, shape) =>
            {
                Operand x = p.Input("x", shape[0]), y = p.Overwritten("y", shape[0]);
                p.Call(k => run(k, x, y), () => oracle(x, y));
            }, _ => []), 1);

    [Test]
    public void What_is_wrong_fails()
    {
        using var verifier = new Verifier(_device);
        Assert.That(Verify(verifier, (k, x, y) => k.Elementwise.Copy(y, x), (x, y) => x.Values.CopyTo(y.Values, 0)).Failure, Is.Null);
        Assert.That(Verify(verifier, (k, x, y) => k.Elementwise.Combine(y, 1.0001f, x, 0), (x, y) => x.Values.CopyTo(y.Values, 0)).Failure, Is.EqualTo("y is off"));
        // An element that is left out still is NaN.
        var verdict = Verify(verifier, (k, x, y) => k.Elementwise.Copy(((Tensor)y).Slice(1, ((Tensor)y).Rows - 1), ((Tensor)x).Slice(1, ((Tensor)x).Rows - 1)), (x, y) => x.Values.CopyTo(y.Values, 0));
        Assert.That(verdict.Failure, Is.EqualTo("y is off"));
        Assert.That(verdict.Error, Is.EqualTo(double.PositiveInfinity));
    }

    [Test]
    public void What_is_written_outside_of_the_operands_is_found()
    {
        using var memory = new GuardedMemory(_device, 1 << 16);
        _device.Kernels.Elementwise.Fill(memory.Take(3, 5), 1);
        Assert.That(memory.Reset(), Is.EqualTo(-1));
        // What was given back belongs to nobody.
        var stale = memory.Take(1, 64);
        memory.Reset();
        memory.Take(3, 5);
        _device.Kernels.Elementwise.Fill(stale, 1);
        Assert.That(memory.Reset(), Is.EqualTo(15));
    }
}
