using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace NativeRlhf.Runner.Tests;

/// <summary>
/// Runs that are killed (SIGKILL) at random moments, the last time while a checkpoint is written, and resumed: they end with the bits of the
/// run that nobody killed, and leave no temporary files.
/// </summary>
[TestFixture]
public sealed class KillTests
{
    private const int Steps = 48;

    private static readonly string[] Settings = ["--set", $"steps={Steps}", "--set", "batchSize=4", "--set", "checkpointEvery=2", "--set", "evalEvery=10", "--set", "dropout=0.1"];

    private static readonly (string Command, string[] Arguments)[] Trainers =
    [
        ("pretrain", ["--model", "model", "--data", "text.txt", "--eval-data", "text.txt", .. Settings]),
        ("sft", ["--model", "model", "--data", "demonstrations.jsonl", .. Settings]),
        ("reward", ["--model", "model", "--data", "comparisons.jsonl", .. Settings]),
        ("ppo", [
            "--policy", "model", "--reward", "rule:unique-words", "--prompts", "prompts.jsonl", "--pretrain-data", "text.txt", .. Settings,
            "--set", "miniBatchSize=2", "--set", "innerEpochs=2", "--set", "responseLength=6", "--set", "klController=adaptive", "--set", "ptxCoef=0.5", "--set", "emaDecay=0.9"]),
        ("dpo", ["--model", "model", "--data", "comparisons.jsonl", .. Settings]),
        ("raft", [
            "--model", "model", "--reward", "rule:unique-words", "--prompts", "prompts.jsonl", .. Settings,
            "--set", "answersPerPrompt=2", "--set", "miniBatchSize=2", "--set", "responseLength=6"]),
    ];

    private TinyWorkspace _workspace = null!;

    [OneTimeSetUp]
    public void MakeModel() => _workspace = TinyWorkspace.WithModel();

    [OneTimeTearDown]
    public void Clean() => _workspace.Dispose();

    private static IEnumerable<string> Commands => Trainers.Select(trainer => trainer.Command);

    [Test]
    public void AKilledRunEndsWithTheSameBits([ValueSource(nameof(Commands))] string command) => KillAndResume(command, kills: 3, seed: 1);

    [Test, Explicit("ten seconds for each trainer and seed")]
    public void TenKills([ValueSource(nameof(Commands))] string command, [Values(1, 2)] int seed) => KillAndResume(command, kills: 10, seed);

    private void KillAndResume(string command, int kills, int seed)
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("signals are for POSIX systems");
        string[] arguments = [command, .. Trainers.Single(trainer => trainer.Command == command).Arguments];
        string whole = $"{command}-{kills}-{seed}-whole", killed = $"{command}-{kills}-{seed}-killed";
        _workspace.Must([.. arguments, "--out", whole]);

        var random = new Random((10 * seed) + Array.FindIndex(Trainers, trainer => trainer.Command == command));
        int[] moments = [.. Enumerable.Range(0, kills - 1).Select(_ => random.Next(Steps * 2 / 3)).Order()];
        foreach (int steps in moments)
        {
            int further = random.Next(12);
            bool wasKilled = RunAndKill(arguments, killed, _ => LinesOf(Path.Combine(_workspace.Path(killed), "metrics.jsonl")) >= steps && further-- <= 0);
            Assert.That(wasKilled, $"the run was to be killed {further} changes of a file after step {steps}");
        }

        // A checkpoint is written beside its place, under a name with a dot before it. Where the kill came too late, the next one is tried.
        int attempts = 0;
        do
        {
            int further = random.Next(Math.Max(1, 10 - (2 * attempts++)));
            Assert.That(RunAndKill(arguments, killed, name => name.Contains("/.step-", StringComparison.Ordinal) && further-- <= 0), "the run was to be killed in a checkpoint's write");
        }
        while (Unfinished(killed) is null);
        string unfinished = Unfinished(killed)!;
        TestContext.Out.WriteLine(
            $"{command}: killed after steps {string.Join(", ", moments)} and, at attempt {attempts}, while writing {Path.GetFileName(unfinished)} ({Directory.GetFiles(unfinished).Length} files were there)");

        _workspace.Must([.. arguments, "--out", killed, "--resume"]);
        Assert.Multiple(() =>
        {
            Assert.That(Leftovers(killed), Is.Empty);
            foreach (string file in Directory.GetFiles(_workspace.Path($"{whole}/final")).Select(file => Path.GetFileName(file)))
                Assert.That(File.ReadAllBytes(_workspace.Path($"{killed}/final/{file}")), Is.EqualTo(File.ReadAllBytes(_workspace.Path($"{whole}/final/{file}"))), file);
            Assert.That(Metrics(killed), Is.EqualTo(Metrics(whole)));
            Assert.That(
                Directory.GetDirectories(_workspace.Path($"{killed}/checkpoints")).Select(Path.GetFileName), Is.EquivalentTo(Directory.GetDirectories(_workspace.Path($"{whole}/checkpoints")).Select(Path.GetFileName)));
        });
    }

    /// <summary>Begins or resumes a run, and kills it at the first change in its folder for which a condition holds.</summary>
    /// <returns>False if the run ended before.</returns>
    private bool RunAndKill(string[] arguments, string run, Func<string, bool> isMoment)
    {
        string folder = Directory.CreateDirectory(_workspace.Path(run)).FullName;
        using var changes = new BlockingCollection<string?>();
        using var watcher = new FileSystemWatcher(folder) { IncludeSubdirectories = true, InternalBufferSize = 65536 };
        watcher.Created += (_, change) => changes.Add(change.FullPath);
        watcher.Changed += (_, change) => changes.Add(change.FullPath);
        watcher.Renamed += (_, change) => changes.Add(change.FullPath);
        watcher.EnableRaisingEvents = true;

        string[] resume = File.Exists(Path.Combine(folder, "config.json")) ? ["--resume"] : [];
        using var process = RunnerProcess.Start(_workspace.Folder, null, [.. arguments, "--out", run, .. resume]);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => changes.Add(null);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        bool isKilled = false;
        while (changes.Take() is { } change)
        {
            if (!isMoment(change)) continue;
            process.Kill();
            isKilled = true;
            break;
        }

        process.WaitForExit();
        // 128 + SIGKILL. A run that ended in between was not killed.
        Assert.That(process.ExitCode, Is.EqualTo(137).Or.Zero, $"{output.Result}{error.Result}");
        return isKilled && process.ExitCode == 137;
    }

    private string[] Leftovers(string run) =>
        [.. Directory.GetFileSystemEntries(_workspace.Path(run), ".*", SearchOption.AllDirectories).Where(path => Path.GetFileName(path) != ".lock")];

    /// <summary>A checkpoint that was being written: one that is being deleted is older than those that stay.</summary>
    private string? Unfinished(string run)
    {
        string[] checkpoints = [.. Directory.GetDirectories(_workspace.Path($"{run}/checkpoints")).Order(StringComparer.Ordinal)];
        return Leftovers(run).FirstOrDefault(path =>
            Path.GetFileName(path) is ['.', .. var name] && name.StartsWith("step-", StringComparison.Ordinal) && string.CompareOrdinal(name, Path.GetFileName(checkpoints[^1])) > 0);
    }

    private static int LinesOf(string path)
    {
        if (!File.Exists(path)) return 0;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        int lines = 0;
        for (int next; (next = stream.ReadByte()) >= 0;) lines += next == '\n' ? 1 : 0;
        return lines;
    }

    /// <summary>The metrics of every step, without times.</summary>
    private List<string> Metrics(string run) =>
    [
        .. File.ReadLines(_workspace.Path($"{run}/metrics.jsonl")).Select(line => string.Join(' ', JsonNode.Parse(line)!.AsObject()
            .Where(entry => entry.Key is not ("wall_seconds" or "tokens_per_second") && !entry.Key.StartsWith("time/", StringComparison.Ordinal))
            .Select(entry => $"{entry.Key}={entry.Value!.ToJsonString()}"))),
    ];
}
