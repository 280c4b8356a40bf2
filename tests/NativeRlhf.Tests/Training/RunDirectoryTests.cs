using System.Text.Json.Nodes;
using NativeRlhf.Tests.Data;
using NativeRlhf.Training;

namespace NativeRlhf.Tests.Training;

public class RunDirectoryTests : DataFixture
{
    private string Out => Path.Combine(Folder, "run");

    private static void Steps(RunDirectory run, int from, int to)
    {
        for (int step = from; step <= to; step++)
        {
            run.AppendMetrics(step, [new("loss", 1.0 / step), new("learning_rate", 1e-5), new("tokens", 1024 * step)]);
            if (step % 2 == 0)
                run.AppendSample(step, new JsonObject { ["prompt"] = "pé", ["step"] = -1, ["score"] = null });
            if (step % 3 == 0)
                run.SaveCheckpoint(step, keep: 2, folder => File.WriteAllText(Path.Combine(folder, "state"), $"{step}"));
        }
    }

    private RunDirectory Begin()
    {
        RunDirectory run = RunDirectory.Open(Out, resume: false);
        run.WriteConfiguration(new JsonObject { ["seed"] = 42, ["promptTemplate"] = "ü" });
        return run;
    }

    [Test]
    public void A_run_leaves_the_files_that_users_rely_on()
    {
        using (RunDirectory run = Begin())
        {
            Steps(run, 1, 10);
            run.Log("done\nwell");
            Assert.That(run.IsFinished, Is.False);
            run.SaveFinal(folder => File.WriteAllText(Path.Combine(folder, "config.json"), "{}"));
            Assert.That(run.IsFinished, Is.True);
            Assert.That(run.ReadConfiguration()["seed"]!.GetValue<int>(), Is.EqualTo(42));
        }
        Assert.That(Directory.GetFileSystemEntries(Out).Select(Path.GetFileName).Order(StringComparer.Ordinal),
            Is.EqualTo(new[] { ".lock", "checkpoints", "config.json", "final", "log.txt", "metrics.jsonl", "samples.jsonl" }));
        Assert.That(Directory.GetDirectories(Path.Combine(Out, "checkpoints")).Select(Path.GetFileName).Order(StringComparer.Ordinal),
            Is.EqualTo(new[] { "step-000006", "step-000009" }));
        string[] metrics = File.ReadAllLines(Path.Combine(Out, "metrics.jsonl"));
        Assert.That(metrics, Has.Length.EqualTo(10));
        Assert.That(metrics[2], Is.EqualTo("""{"step":3,"loss":0.3333333333333333,"learning_rate":1E-05,"tokens":3072}"""));
        Assert.That(File.ReadAllLines(Path.Combine(Out, "samples.jsonl"))[0], Is.EqualTo("""{"step":2,"prompt":"pé","score":null}"""));
        Assert.That(File.ReadAllLines(Path.Combine(Out, "log.txt")).Single(), Does.EndWith(" done well"));
    }

    [Test]
    public void A_killed_run_that_is_resumed_has_the_same_files()
    {
        using (RunDirectory run = Begin())
            Steps(run, 1, 12);
        string[] expected = Snapshot();
        Directory.Delete(Out, recursive: true);

        using (RunDirectory run = Begin())
            Steps(run, 1, 8);
        // Killed while it wrote a line of step 9 and a checkpoint.
        File.AppendAllText(Path.Combine(Out, "metrics.jsonl"), "{\"step\":9,\"lo");
        Directory.CreateDirectory(Path.Combine(Out, "checkpoints", ".step-000009.0123.tmp", "sub"));
        File.WriteAllText(Path.Combine(Out, ".config.json.0123.tmp"), "{");

        using (RunDirectory run = RunDirectory.Open(Out, resume: true))
        {
            RunCheckpoint latest = run.Latest!.Value;
            Assert.That(latest.Step, Is.EqualTo(6));
            Assert.That(File.ReadAllText(Path.Combine(latest.Path, "state")), Is.EqualTo("6"));
            run.RewindTo(latest.Step);
            Steps(run, 7, 12);
        }
        Assert.That(Snapshot(), Is.EqualTo(expected));

        string[] Snapshot() =>
        [
            .. Directory.GetFiles(Out, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
                .Order(StringComparer.Ordinal).Select(file => file + "\n" + File.ReadAllText(file)),
        ];
    }

    [Test]
    public void A_run_without_a_checkpoint_is_resumed_from_the_start()
    {
        using (RunDirectory run = Begin())
            Steps(run, 1, 2);
        using RunDirectory resumed = RunDirectory.Resume(Out);
        Assert.That(resumed.Latest, Is.Null);
        resumed.RewindTo(0);
        Assert.That(File.ReadAllText(Path.Combine(Out, "metrics.jsonl")), Is.Empty);
        Assert.That(File.ReadAllText(Path.Combine(Out, "samples.jsonl")), Is.Empty);
    }

    [Test]
    public void Rewinding_long_files_keeps_whole_lines()
    {
        using (RunDirectory run = Begin())
        {
            for (int step = 1; step <= 500; step++)
                run.AppendMetrics(step, [new("loss", Math.Sqrt(step)), new(new string('x', step % 90), step)]);
        }
        string[] lines = File.ReadAllLines(Path.Combine(Out, "metrics.jsonl"));
        foreach (int step in (int[])[499, 321, 77, 1])
        {
            using RunDirectory run = RunDirectory.Resume(Out);
            run.RewindTo(step);
            Assert.That(File.ReadAllText(Path.Combine(Out, "metrics.jsonl")), Is.EqualTo(string.Concat(lines[..step].Select(line => line + "\n"))));
        }
    }

    [Test]
    public void A_folder_with_something_in_it_is_not_written_to()
    {
        Directory.CreateDirectory(Out);
        using (RunDirectory.Create(Out))
        {
        }
        using (RunDirectory.Create(Out))
        {
        }
        File.WriteAllText(Path.Combine(Out, "precious"), "");
        Assert.That(ErrorOf(() => RunDirectory.Open(Out, resume: false)), Is.EqualTo(
            $"{Out}: the folder exists and is not empty; choose another --out, or continue its run with --resume"));
        Assert.That(ErrorOf(() => RunDirectory.Open(Out, resume: true)), Does.Contain("there is no run to resume"));
        Assert.That(ErrorOf(() => RunDirectory.Create(Path.Combine(Out, "precious"))), Does.EndWith("is a file; choose another --out"));
        Assert.That(Assert.Throws<IOException>(() => RunDirectory.Create(Path.Combine(Out, "precious", "x")))!.Message, Does.StartWith(Path.Combine(Out, "precious", "x")));
    }

    [Test]
    public void Two_runs_do_not_share_a_folder()
    {
        using RunDirectory run = Begin();
        Assert.That(ErrorOf(() => RunDirectory.Resume(Out)), Does.Contain("another run is using this folder"));
        run.Dispose();
        Assert.DoesNotThrow(() => RunDirectory.Resume(Out).Dispose());
    }

    [TestCase(double.NaN, "NaN")]
    [TestCase(double.PositiveInfinity, "Infinity")]
    [TestCase(double.NegativeInfinity, "-Infinity")]
    public void A_metric_that_is_not_finite_is_written_and_stops_the_run(double value, string text)
    {
        using RunDirectory run = Begin();
        NotFiniteNumberException error = Assert.Throws<NotFiniteNumberException>(() => run.AppendMetrics(3, [new("a", 1), new("loss", value), new("b", double.NaN)]))!;
        Assert.That(error.Message, Does.StartWith($"step 3: loss is {text}: training has diverged").And.Not.Contains("--resume"), "a run is resumed with its own settings only");
        Assert.That(File.ReadAllText(Path.Combine(Out, "metrics.jsonl")), Is.EqualTo($"{{\"step\":3,\"a\":1,\"loss\":\"{text}\",\"b\":\"NaN\"}}\n"));
    }

    [Test]
    public void A_checkpoint_that_cannot_be_written_leaves_the_earlier_ones()
    {
        using RunDirectory run = Begin();
        Steps(run, 1, 6);
        IOException error = Assert.Throws<IOException>(() => run.SaveCheckpoint(7, 1, _ => throw new IOException("No space left on device")))!;
        Assert.That(error.Message, Does.EndWith("step-000007: could not be written: No space left on device"));
        Assert.That(run.Checkpoints.Select(checkpoint => checkpoint.Step), Is.EqualTo(new[] { 3, 6 }));
    }

    [Test]
    public void Metrics_that_are_not_of_a_run_are_an_error_with_their_line()
    {
        using (RunDirectory run = Begin())
            Steps(run, 1, 2);
        string metrics = Path.Combine(Out, "metrics.jsonl");
        File.AppendAllText(metrics, "{\"loss\": 1}\n");
        using RunDirectory resumed = RunDirectory.Resume(Out);
        Assert.That(ErrorOf(() => resumed.RewindTo(2)), Does.StartWith($"{metrics}:3: not a line of this run"));
    }
}
