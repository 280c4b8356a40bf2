using System.Text;

namespace NativeRlhf.Runner.Tests;

/// <summary>Bad input ends with exit code 2 and one line that names the place; nothing already written is harmed.</summary>
[TestFixture]
public sealed class BadInputTests
{
    private TinyWorkspace _workspace = null!;

    [OneTimeSetUp]
    public void MakeModel() => _workspace = TinyWorkspace.WithModel();

    [OneTimeTearDown]
    public void Clean() => _workspace.Dispose();

    private static readonly (string Name, byte[] Content, string Command, string Expected)[] Files =
    [
        ("empty.jsonl", [], "sft", "empty.jsonl"),
        ("truncated.jsonl.gz", Convert.FromHexString("1f8b08000000000000038b8e050029bb4c0d02"), "sft", "truncated.jsonl.gz"),
        ("utf8.jsonl", [.. "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \""u8, 0xff, 0xfe, .. "\", \"completion\": \"b\"}\n"u8], "sft", "utf8.jsonl:2"),
        ("no-prompt.jsonl", [.. "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"completion\": \"b\"}\n"u8], "sft", "no-prompt.jsonl:2"),
        ("not-json.jsonl", [.. "{\"prompt\": \"a\", \"completion\": \"b\"}\n\n{oops}\n"u8], "sft", "not-json.jsonl:3"),
        ("ranks.jsonl", [.. "{\"prompt\": \"a\", \"completions\": [\"b\", \"c\", \"d\"], \"ranks\": [1, 2]}\n"u8], "reward", "ranks.jsonl:1"),
        ("rank-zero.jsonl", [.. "{\"prompt\": \"a\", \"completions\": [\"b\", \"c\"], \"ranks\": [0, 1]}\n"u8], "reward", "rank-zero.jsonl:1"),
        ("too-long.jsonl", Encoding.UTF8.GetBytes($"{{\"prompt\": \"a\", \"completion\": \"{new string('x', 500)}\"}}\n"), "sft", "too-long.jsonl:1"),
        ("ids.jsonl", [.. "{\"prompt_tokens\": [1, 2], \"completion_tokens\": [3, 99999]}\n"u8], "sft", "ids.jsonl:1"),
        ("prompts-without.jsonl", [.. "{\"question\": \"a\"}\n"u8], "ppo", "prompts-without.jsonl:1"),
    ];

    private static IEnumerable<TestCaseData> FileCases() => Files.Select((file, i) => new TestCaseData(i).SetArgDisplayNames(file.Name));

    [TestCaseSource(nameof(FileCases))]
    public void DataFile(int index)
    {
        var (name, content, command, expected) = Files[index];
        File.WriteAllBytes(_workspace.Path(name), content);
        string[] arguments = command switch
        {
            "ppo" => ["ppo", "--policy", "model", "--reward", "rule:words", "--prompts", name, "--set", "responseLength=4"],
            _ => [command, "--model", "model", "--data", name],
        };
        Refused([.. arguments, "--out", "out-" + index], expected);
        Assert.That(Directory.Exists(_workspace.Path("out-" + index)), Is.False, "a run that did not begin leaves no folder");
    }

    [TestCase("--sett", "steps=3", "--sett")]
    [TestCase("--set", "learningrate=0.1", "learningRate")]
    [TestCase("--set", "stepz=3", "steps")]
    [TestCase("--set", "batchSize=0", "batchSize")]
    [TestCase("--set", "dropout=1.5", "dropout")]
    [TestCase("--device", "cuda:7", "cuda:7")]
    [TestCase("--device", "tpu", "tpu")]
    [TestCase("--variant", "matmul=magic", "magic")]
    [TestCase("--variant", "nonsense=simd512", "nonsense")]
    [TestCase("--seed", "x", "x")]
    public void OptionOrKey(string option, string value, string expected) =>
        Refused(["pretrain", "--model", "model", "--data", "text.txt", option, value, "--out", "never"], expected);

    [Test]
    public void ConfigurationFile()
    {
        _workspace.Write("bad.json", "{\n  // a comment\n  \"batchSize\": 4,\n  \"warmupStep\": 3,\n}\n");
        Refused(["pretrain", "--model", "model", "--data", "text.txt", "--config", "bad.json", "--out", "never"], "bad.json:4", "warmupSteps");
    }

    [Test]
    public void OutputFolderThatExists()
    {
        Directory.CreateDirectory(_workspace.Path("exists"));
        _workspace.Write("exists/precious.txt", "precious");
        Refused(["pretrain", "--model", "model", "--data", "text.txt", "--out", "exists"], "exists");
        Refused(["init", "--config", "gpt.json", "--out", "exists"], "exists");
        Refused(["tokenizer", "train", "--data", "text.txt", "--out", "exists"], "exists");
        Assert.That(Directory.GetFileSystemEntries(_workspace.Path("exists")), Has.Length.EqualTo(1));
        Assert.That(File.ReadAllText(_workspace.Path("exists/precious.txt")), Is.EqualTo("precious"));
    }

    [Test]
    public void NotANumberInACheckpoint() => Refused(WithModel("nan", bytes => BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), float.NaN)), "nan");

    [TestCase("\"data_offsets\":[", "\"data_offsets\":[-1")]
    [TestCase("\"data_offsets\":[0,", "\"data_offsets\":[8,")]
    [TestCase("\"data_offsets\":[0,", "\"data_offsets\":[0,9")]
    [TestCase("\"shape\":[", "\"shape\":[9999999")]
    [TestCase("\"F32\"", "\"F99\"")]
    public void SafetensorsHeaderThatLies(string what, string with) => Refused(WithModel("lies" + Math.Abs((what + with).GetHashCode(StringComparison.Ordinal)), bytes =>
    {
        int length = (int)BitConverter.ToInt64(bytes);
        string header = Encoding.UTF8.GetString(bytes, 8, length);
        int at = header.IndexOf(what, StringComparison.Ordinal);
        Assert.That(at, Is.Positive);
        string changed = (header[..at] + with + header[(at + what.Length)..]).TrimEnd();
        // The length of the header stays, so that only the lie is wrong: what grew is cut from its padding or its metadata.
        if (Encoding.UTF8.GetByteCount(changed) > length) changed = changed.Replace("\"__metadata__\":{\"format\":\"pt\"},", "", StringComparison.Ordinal);
        byte[] replacement = Encoding.UTF8.GetBytes(changed.PadRight(length));
        replacement.AsSpan(0, length).CopyTo(bytes.AsSpan(8));
    }), "model.safetensors");

    [Test]
    public void GiganticHeader() => Refused(WithModel("gigantic", bytes => BitConverter.TryWriteBytes(bytes, long.MaxValue)), "model.safetensors");

    [Test]
    public void TruncatedWeights()
    {
        string[] arguments = WithModel("cut", _ => { });
        using (var stream = File.OpenWrite(_workspace.Path("cut/model.safetensors"))) stream.SetLength(stream.Length / 2);
        Refused(arguments, "model.safetensors");
    }

    [Test]
    public void TokenizerThatDoesNotFit()
    {
        _workspace.Write("more.txt", string.Concat(Enumerable.Range(0, 300).Select(i => $"word{i} other{i % 50} thing{i % 30} ")));
        _workspace.Must("tokenizer", "train", "--data", "more.txt", "--vocab-size", "400", "--out", "larger");
        Refused(["pretrain", "--model", "model", "--tokenizer", "larger", "--data", "text.txt", "--out", "never"], "tokenizer");
    }

    [Test]
    public void ModelThatIsNoRewardModel() =>
        Refused(["ppo", "--policy", "model", "--reward", "model", "--prompts", "prompts.jsonl", "--set", "responseLength=4", "--out", "never"], "score.weight");

    [TestCase("sft", "demonstrations.jsonl", "selectBy=loss", "--eval-data")]
    [TestCase("reward", "comparisons.jsonl", "warmupSteps=50", "warmupSteps")]
    public void SettingsThatDoNotFitTheData(string command, string data, string setting, string expected)
    {
        Refused([command, "--model", "model", "--data", data, "--set", setting, "--out", "unbegun"], expected);
        Assert.That(Directory.Exists(_workspace.Path("unbegun")), Is.False, "a run that did not begin leaves no folder");
    }

    [Test]
    public void ResumingWithOtherInputs()
    {
        string[] run = ["sft", "--model", "model", "--set", "steps=2", "--set", "batchSize=2", "--set", "checkpointEvery=1", "--out", "begun"];
        _workspace.Must([.. run, "--data", "demonstrations.jsonl"]);
        Directory.Delete(_workspace.Path("begun/final"), recursive: true);
        File.Copy(_workspace.Path("demonstrations.jsonl"), _workspace.Path("others.jsonl"));
        Refused([.. run, "--data", "others.jsonl", "--resume"], "--data demonstrations.jsonl", "--data others.jsonl");
        Refused([.. run, "--data", "demonstrations.jsonl", "--eval-data", "others.jsonl", "--resume"], "no --eval-data", "others.jsonl");
        _workspace.Must([.. run, "--data", "demonstrations.jsonl", "--resume"]);
    }

    [Test]
    public void WeightWithoutAReward() =>
        Refused(["ppo", "--policy", "model", "--reward", "0.5*", "--prompts", "prompts.jsonl", "--set", "responseLength=4", "--out", "never"], "0.5*");

    [Test]
    public void NoSpaceLeft()
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("limits on file sizes are set by a POSIX shell");
        _workspace.Must("pretrain", "--model", "model", "--data", "text.txt", "--set", "steps=2", "--set", "batchSize=4", "--out", "whole");
        // Files may grow to 16 blocks of 512 bytes, less than a model; writing more is an error rather than a signal.
        var result = RunnerProcess.Run(_workspace.Folder, "trap '' XFSZ; ulimit -f 16",
            ["pretrain", "--model", "model", "--data", "text.txt", "--set", "steps=4", "--set", "batchSize=4", "--set", "checkpointEvery=2", "--out", "full"]);
        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(result.ErrorLines.Single(), Does.Contain("full"));
        Assert.That(Directory.Exists(_workspace.Path("full/final")), Is.False, "no incomplete model");
        Assert.That(Directory.Exists(_workspace.Path("full/checkpoints/step-000002")), Is.False, "no incomplete checkpoint");
        Assert.That(File.Exists(_workspace.Path("full/metrics.jsonl")));
    }

    /// <summary>A command on a copy of the model whose file was changed.</summary>
    private string[] WithModel(string name, Action<byte[]> change)
    {
        Directory.CreateDirectory(_workspace.Path(name));
        foreach (string file in Directory.GetFiles(_workspace.Path("model"))) File.Copy(file, _workspace.Path($"{name}/{Path.GetFileName(file)}"), overwrite: true);
        byte[] bytes = File.ReadAllBytes(_workspace.Path($"{name}/model.safetensors"));
        change(bytes);
        File.WriteAllBytes(_workspace.Path($"{name}/model.safetensors"), bytes);
        return ["generate", "--model", name, "--prompt", "the"];
    }

    private void Refused(string[] arguments, params string[] expected)
    {
        var result = _workspace.Run(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2), $"{result.Output}\n{result.Error}");
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1), result.Error);
        foreach (string part in expected) Assert.That(result.ErrorLines[0], Does.Contain(part));
    }
}
