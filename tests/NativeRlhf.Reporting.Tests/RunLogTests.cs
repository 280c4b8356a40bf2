using NativeRlhf.Reporting.Runs;

namespace NativeRlhf.Reporting.Tests;

public sealed class RunLogTests
{
    private RunFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new RunFolder();

    [TearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void ReadsMetricsByStep()
    {
        var run = Read("{\"step\":1,\"loss\":2.5}\n{\"step\":2,\"loss\":1.5,\"eval/loss\":3}\n");
        Assert.Multiple(() =>
        {
            Assert.That(run.Metrics["loss"], Is.EqualTo(new Measurement[] { new(1, 2.5), new(2, 1.5) }));
            Assert.That(run.Metrics["eval/loss"], Is.EqualTo(new Measurement[] { new(2, 3) }));
            Assert.That(run.LastStep, Is.EqualTo(2));
            Assert.That(run.Notes, Is.Empty);
        });
    }

    [Test]
    public void ALineThatWasCutOffIsLeftOutAndSaid()
    {
        var run = Read("{\"step\":1,\"loss\":2.5}\n{\"step\":2,\"lo");
        Assert.That(run.LastStep, Is.EqualTo(1));
        Assert.That(run.Notes, Has.Count.EqualTo(1).And.Some.Contains("metrics.jsonl was cut off"));
    }

    /// <summary>As RunDirectory.RewindTo: what a resumed run writes again replaces all that came after its checkpoint.</summary>
    [Test]
    public void ARepeatedStepReplacesItselfAndAllAfterIt()
    {
        var run = Read("{\"step\":1,\"loss\":1}\n{\"step\":2,\"loss\":2,\"eval/loss\":9}\n{\"step\":3,\"loss\":3}\n{\"step\":2,\"loss\":20}\n");
        Assert.That(run.Metrics["loss"], Is.EqualTo(new Measurement[] { new(1, 1), new(2, 20) }));
        Assert.That(run.Metrics.Keys, Does.Not.Contain("eval/loss"));
        Assert.That(run.LastStep, Is.EqualTo(2));
    }

    [TestCase("{\"step\":1}\noops\n", 2)]
    [TestCase("{\"loss\":1}\n", 1)]
    [TestCase("[1]\n", 1)]
    [TestCase("{\"step\":1}\n\n{\"step\":2}\n", 2)]
    public void ADamagedLineIsNamed(string text, int line) =>
        Assert.That(() => Read(text), Throws.TypeOf<InputException>().With.Message.Contains($"metrics.jsonl:{line}: "));

    [Test]
    public void ValuesThatAreNotFiniteAreSaid()
    {
        var run = Read("{\"step\":1,\"loss\":1}\n{\"step\":2,\"loss\":\"NaN\"}\n");
        Assert.That(run.Metrics["loss"], Has.Count.EqualTo(1));
        Assert.That(run.Notes, Has.Some.Contains("loss is NaN in step 2"));
    }

    [Test]
    public void SamplesWithHalfOfASurrogatePairAreRead()
    {
        _folder.Write("run/samples.jsonl", "{\"step\":1,\"prompt\":\"p\",\"completion\":\"a\\ud800\",\"score\":0.5}\n{\"step\":1,\"tokens\":[1]}\n");
        var run = Read("");
        Assert.That(run.Samples, Is.EqualTo(new[] { new RunSample(1, "p", "a\\ud800", 0.5) }));
    }

    [Test]
    public void ParametersAreCountedFromTheFinalModel()
    {
        _folder.Write("run/final/config.json", """{"model_type":"gpt2","n_layer":1,"n_head":1,"n_embd":2,"n_positions":3,"n_inner":8,"vocab_size":5}""");
        // Embeddings 5·2 + 3·2; block: two norms 2·4, attention 2·6 + 6 + 2·2 + 2, MLP 2·8 + 8 + 8·2 + 2; final norm 4.
        Assert.That(Read("").Parameters, Is.EqualTo(16 + 8 + 24 + 42 + 4));
    }

    [Test]
    public void FoldersAreSearchedForRuns()
    {
        _folder.WriteRun("b/ppo", "ppo", 3, _ => "\"loss\":1");
        _folder.WriteRun("a/ppo", "ppo", 3, _ => "\"loss\":1");
        _folder.Write("a/ppo/checkpoints/step-1/metrics.jsonl", "");
        _folder.Write("model/config.json", "{\"model_type\":\"gpt2\"}");
        Assert.That(Report.Read([_folder.Path]).RunCount, Is.EqualTo(2));
        Assert.That(Report.Read([_folder.Path, _folder.Of("a/ppo")]).RunCount, Is.EqualTo(2), "the same run is there once");
        Assert.That(Report.Read([_folder.Path]).ToHtml(new ReportOptions()), Does.Contain("a/ppo").And.Contain("b/ppo"));
    }

    [Test]
    public void AFolderThatIsNoRunIsNamed()
    {
        string empty = Directory.CreateDirectory(_folder.Of("empty")).FullName;
        Assert.That(() => Report.Read([empty]), Throws.TypeOf<InputException>().With.Message.StartsWith(empty));
        Assert.That(() => Report.Read([_folder.Of("absent")]), Throws.TypeOf<InputException>().With.Message.Contains("absent"));
    }

    [Test]
    public void ARunThatHasJustBegunHasAPage()
    {
        _folder.WriteRun("run", "sft", 0, _ => "");
        File.Delete(_folder.Of("run/metrics.jsonl"));
        Assert.That(Report.Read([_folder.Of("run")]).ToHtml(new ReportOptions { Axis = CurveAxis.Time }), Does.Contain("no steps yet"));
    }

    private RunLog Read(string metrics)
    {
        _folder.Write("run/metrics.jsonl", metrics);
        return RunLog.Read(_folder.Of("run"), "run");
    }
}
