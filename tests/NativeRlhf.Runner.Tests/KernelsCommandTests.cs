using System.Text.Json;

namespace NativeRlhf.Runner.Tests;

/// <summary>The kernels command, as users run it.</summary>
[TestFixture]
public sealed class KernelsCommandTests
{
    private TinyWorkspace _workspace = null!;

    [OneTimeSetUp]
    public void MakeModel() => _workspace = TinyWorkspace.WithModel();

    [OneTimeTearDown]
    public void Clean() => _workspace.Dispose();

    [Test]
    public void ListHasEveryVariantAndSaysWhichAreHere()
    {
        var list = Json("kernels", "list", "--device", "cpu", "--json");
        var ops = list.GetProperty("ops").EnumerateArray().ToArray();
        Assert.That(ops, Has.Length.GreaterThanOrEqualTo(14));
        foreach (var op in ops)
        {
            var variants = op.GetProperty("variants").EnumerateArray().ToArray();
            Assert.That(variants.Single(variant => variant.GetProperty("name").GetString() == op.GetProperty("default").GetString()).GetProperty("here").GetBoolean());
            Assert.That(op.GetProperty("methods").GetArrayLength(), Is.Positive);
        }
    }

    [Test]
    public void VerifyProvesEveryVariantOfAnOp()
    {
        var verdict = Json("kernels", "verify", "--op", "logprob", "--cases", "1", "--device", "cpu", "--json");
        Assert.That(verdict.GetProperty("passed").GetBoolean());
        var cases = verdict.GetProperty("cases").EnumerateArray().ToArray();
        Assert.That(cases.Select(entry => entry.GetProperty("variant").GetString()), Does.Contain("scalar").And.Contain("portable"));
        Assert.That(cases.All(entry => entry.GetProperty("error").GetDouble() <= entry.GetProperty("limit").GetDouble()));
        string text = _workspace.Must("kernels", "verify", "--op", "norm", "--variant", "scalar", "--cases", "2", "--device", "cpu").Output;
        Assert.That(text, Does.Contain("2 cases agree with the oracle"));
    }

    [Test]
    public void BenchSaysTimesAndShareOfTheRoofline()
    {
        var bench = Json("kernels", "bench", "--op", "matmul.dX", "--shape", "17,33,65", "--seconds", "0.02", "--device", "cpu", "--threads", "1", "--json");
        Assert.That(bench.GetProperty("peak_flops").GetDouble(), Is.GreaterThan(1e8));
        Assert.That(bench.GetProperty("empty_launch").GetDouble(), Is.InRange(1e-9, 10));
        var results = bench.GetProperty("results").EnumerateArray().ToArray();
        Assert.That(results.Select(result => result.GetProperty("method").GetString()), Is.EqualTo(new[] { "matmul.dX", "matmul.dX.outIn" }));
        foreach (var result in results)
        {
            Assert.That(result.GetProperty("flops").GetDouble(), Is.EqualTo(2.0 * 17 * 33 * 65));
            var seconds = result.GetProperty("seconds");
            double median = seconds.GetProperty("median").GetDouble();
            Assert.That(median, Is.InRange(seconds.GetProperty("lower").GetDouble(), seconds.GetProperty("upper").GetDouble()).And.Positive);
            Assert.That(result.GetProperty("roofline").GetDouble(), Is.Positive);
        }
    }

    [Test]
    public void ProfileOfAPpoStepHasItsOpsInTableAndTrace()
    {
        var profile = Json("kernels", "profile", "--step", "ppo", "--model", "model", "--set", "batchSize=4", "--set", "miniBatchSize=4", "--set", "responseLength=6", "--device", "cpu", "--out", "trace.json", "--json");
        double total = profile.GetProperty("seconds").GetDouble();
        var ops = profile.GetProperty("ops").EnumerateArray().ToDictionary(op => op.GetProperty("op").GetString()!);
        Assert.That(ops.Keys, Is.SupersetOf(new[] { "MatMul.Forward", "MatMul.BackwardWeight", "CachedAttention.Forward", "Sampling.Forward", "PpoLoss.Policy", "AdamW.Step" }));
        Assert.That(ops.Values.Sum(op => op.GetProperty("seconds").GetDouble()), Is.InRange(0, total));
        var events = JsonDocument.Parse(File.ReadAllText(_workspace.Path("trace.json"))).RootElement.GetProperty("traceEvents").EnumerateArray().Where(entry => entry.GetProperty("ph").GetString() == "X").ToArray();
        Assert.That(events, Has.Length.EqualTo(1 + ops.Values.Sum(op => op.GetProperty("calls").GetInt32())));
        Assert.That(profile.GetProperty("launches").GetInt32(), Is.Zero, "vectors of the CPU launch nothing");
        Assert.That(profile.GetProperty("host_waits").GetInt32(), Is.Positive);
        Assert.That(events.All(entry => entry.GetProperty("ts").GetDouble() >= 0 && entry.GetProperty("dur").GetDouble() >= 0));
    }

    [Test]
    public void ProfileTakesThePrecisionOfItsSettings()
    {
        var profile = Json("kernels", "profile", "--model", "model", "--set", "precision=bfloat16", "--set", "batchSize=2", "--set", "maxLength=8", "--device", "cpu", "--variant", "*=portable", "--json");
        var ops = profile.GetProperty("ops").EnumerateArray().ToArray();
        Assert.That(ops.All(op => op.GetProperty("launches").GetInt32() >= op.GetProperty("calls").GetInt32()));
        Assert.That(profile.GetProperty("launches").GetInt32(), Is.EqualTo(ops.Sum(op => op.GetProperty("launches").GetInt32())));
        foreach (string step in (string[])["train", "ppo"])
        {
            var here = _workspace.Run("kernels", "profile", "--step", step, "--model", "model", "--set", "precision=bfloat16", "--device", "cpu");
            Assert.That((here.ExitCode, here.ErrorLines.Length), Is.EqualTo((2, 1)), here.Error);
            Assert.That(here.Error, Does.Contain("bfloat16 is not available on this device"));
        }
    }

    [Test]
    public void CompileWritesPtxOrSaysWhatIsMissing()
    {
        var result = _workspace.Run("kernels", "compile", "--target", "ptx", "--op", "norm", "--out", "ptx");
        if (result.ExitCode == 0)
        {
            Assert.That(File.ReadAllText(_workspace.Path("ptx/NormPortable.SumOfSquaresKernel.ptx")), Does.Contain(".visible .entry"));
            Assert.That(result.Output, Does.Contain("NormPortable.SumOfSquaresKernel"));
            return;
        }

        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1).And.One.Contains("stand-in"));
    }

    [TestCase("kernels", "verify", "--op", "matmal")]
    [TestCase("kernels", "verify", "--variant", "simd1024")]
    [TestCase("kernels", "verify", "--cases", "0")]
    [TestCase("kernels", "bench", "--op", "norm", "--shape", "1,2,3")]
    [TestCase("kernels", "bench", "--op", "norm", "--shape", "squares")]
    [TestCase("kernels", "bench", "--variant", "portable", "--device", "cpu")]
    [TestCase("kernels", "profile", "--model-shape", "huge")]
    [TestCase("kernels", "profile", "--model", "model", "--set", "steps=1")]
    [TestCase("kernels", "profile", "--model", "model", "--out", "model/config.json/trace.json")]
    [TestCase("kernels", "compile", "--op", "norm", "--out", "model/config.json")]
    [TestCase("kernels", "profile", "--model-shape", "small", "--model", "model")]
    public void BadInputIsOneLine(params string[] arguments)
    {
        var result = _workspace.Run(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Output);
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1));
    }

    private JsonElement Json(params string[] arguments) => JsonDocument.Parse(_workspace.Must(arguments).Output).RootElement;
}
