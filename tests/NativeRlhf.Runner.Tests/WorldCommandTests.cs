namespace NativeRlhf.Runner.Tests;

/// <summary>The world as files, and a trainer on them that keeps quiet.</summary>
public sealed class WorldCommandTests
{
    [Test]
    public void Files_are_written_as_asked_and_trained_on_quietly()
    {
        string folder = Directory.CreateTempSubdirectory("nativerlhf-world-").FullName;
        try
        {
            string[] small = ["--pretraining-tokens", "6000", "--demonstrations", "30", "--prompts", "40", "--test-prompts", "20"];
            var made = RunnerProcess.Run(folder, ["world", "--out", "a", .. small]);
            Assert.That(made.ExitCode, Is.Zero, made.Error);
            RunnerProcess.Run(folder, ["world", "--out", "b", .. small]);
            RunnerProcess.Run(folder, ["world", "--out", "c", "--seed", "7", "--held-out-kind", "none", .. small]);
            var again = RunnerProcess.Run(folder, ["world", "--out", "a"]);
            var tooMany = RunnerProcess.Run(folder, ["world", "--out", "d", "--demonstrations", "1000000"]);
            Assert.Multiple(() =>
            {
                Assert.That(made.Output, Does.Contain("demonstrations.jsonl: 30 rows"));
                Assert.That(File.ReadAllLines(Path.Combine(folder, "a", "prompts.jsonl")), Has.Length.EqualTo(40));
                foreach (string file in Directory.GetFiles(Path.Combine(folder, "a")))
                    Assert.That(File.ReadAllBytes(file.Replace("/a/", "/b/", StringComparison.Ordinal)), Is.EqualTo(File.ReadAllBytes(file)), file);
                Assert.That(File.ReadAllText(Path.Combine(folder, "c", "web.jsonl")), Is.Not.EqualTo(File.ReadAllText(Path.Combine(folder, "a", "web.jsonl"))));
                Assert.That(File.Exists(Path.Combine(folder, "c", "held-out-kind.jsonl")), Is.False);
                Assert.That(again.ExitCode, Is.EqualTo(2));
                Assert.That(tooMany.ExitCode, Is.EqualTo(2), tooMany.Error);
                Assert.That(tooMany.ErrorLines, Has.Length.EqualTo(1));
                Assert.That(tooMany.Error, Does.Contain("demonstrations.jsonl: "));
                Assert.That(Directory.Exists(Path.Combine(folder, "d")), Is.False, "nothing is left in the way of the next try");
            });

            File.WriteAllText(Path.Combine(folder, "gpt.json"), """{ "n_layer": 1, "n_head": 1, "n_embd": 16, "n_positions": 64, "vocab_size": 300 }""");
            Do("tokenizer", "train", "--data", "a/web.jsonl", "--vocab-size", "300", "--out", "tokenizer");
            Do("init", "--config", "gpt.json", "--tokenizer", "tokenizer", "--device", "cpu", "--out", "model");
            var trained = Do("pretrain", "--model", "model", "--data", "a/web.jsonl", "--eval-data", "a/web-held-out.jsonl", "--set", "steps=4", "--set", "batchSize=2",
                "--set", "evalEvery=2", "--device", "cpu", "--quiet", "--out", "run");
            string[] lines = trained.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.That(lines, Has.Length.EqualTo(3));
            Assert.That(lines[0], Does.StartWith("pretrain 2/4 ").And.Contains("held-out loss"));
            Assert.That(lines[1], Does.StartWith("pretrain 4/4 "));
            Assert.That(lines[2], Does.StartWith("done: "));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        RunnerResult Do(params string[] arguments)
        {
            var result = RunnerProcess.Run(folder, arguments);
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            return result;
        }
    }
}
