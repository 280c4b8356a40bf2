using System.Text.Json;

namespace NativeRlhf.Runner.Tests;

/// <summary>Answers that are criticised and revised by a constitution, and a language model as the judge.</summary>
[TestFixture]
public sealed class ReviseTests
{
    private const string Short = """
        {
          "critiqueTemplate": "{prompt}{completion}{request}",
          "revisionTemplate": "{prompt}{completion}{critique}{request}",
          "judgeTemplate": "{prompt}{completion}{request}",
          "yes": "y", "no": "n", "stop": [],
          // Of the two principles one is criticised.
          "principles": [
            { "name": "good", "critique": "c", "revision": "r", "judge": "?" },
            { "name": "kind", "revision": "s", "judge": "!" }
          ]
        }
        """;

    private const string Shell = """while read -r line; do case "$line" in *'"task":"critique"'*) echo '{"critique": "plain"}';; *'"critique":"plain"'*) echo '{"revision": " good cat"}';; *) echo '{"revision": ""}';; esac; done""";

    private static readonly string[] Sampling = ["--prompts", "prompts.jsonl", "--max-new-tokens", "4"];

    private TinyWorkspace _workspace = null!;

    [OneTimeSetUp]
    public void MakeModel()
    {
        _workspace = TinyWorkspace.WithModel();
        _workspace.MakeMismatched();
        _workspace.Write("constitution.json", Short);
    }

    [OneTimeTearDown]
    public void Clean() => _workspace.Dispose();

    [Test]
    public void AModelRevisesItselfAndTheRowsAreDemonstrations()
    {
        string[] arguments = ["revise", "--model", "model", .. Sampling, "--constitution", "constitution.json", "--rounds", "2"];
        _workspace.Must([.. arguments, "--max-critique-tokens", "2", "--out", "revised.jsonl"]);
        var rows = Rows("revised.jsonl");
        Assert.That(rows, Has.Length.GreaterThan(4));
        foreach (var row in rows)
        {
            var revisions = row.GetProperty("revisions").EnumerateArray().ToArray();
            Assert.That(revisions, Has.Length.EqualTo(2));
            Assert.That(revisions.Select(revision => revision.GetProperty("principle").GetString()), Is.EquivalentTo(new[] { "good", "kind" }), "a row's revisions are by different principles");
            foreach (var revision in revisions) Assert.That(revision.TryGetProperty("critique", out _), Is.EqualTo(revision.GetProperty("principle").GetString() == "good"));
            Assert.That(row.GetProperty("completion").GetString(), Is.EqualTo(revisions[^1].GetProperty("revision").GetString()));
            Assert.That(row.GetProperty("prompt").GetString(), Does.StartWith("say "));
            Assert.That(row.GetProperty("id").ValueKind, Is.EqualTo(JsonValueKind.Number));
        }

        Assert.That(rows.Select(row => row.GetProperty("initial").GetString()), Is.Not.EqualTo(rows.Select(row => row.GetProperty("completion").GetString())));
        _workspace.Must("sft", "--model", "model", "--data", "revised.jsonl", "--set", "steps=1", "--set", "batchSize=2", "--out", "sft");
        _workspace.Must([.. arguments, "--max-critique-tokens", "2", "--out", "again.jsonl"]);
        Assert.That(File.ReadAllText(_workspace.Path("again.jsonl")), Is.EqualTo(File.ReadAllText(_workspace.Path("revised.jsonl"))));
        _workspace.Must([.. arguments, "--max-critique-tokens", "2", "--seed", "1", "--out", "other.jsonl"]);
        Assert.That(File.ReadAllText(_workspace.Path("other.jsonl")), Is.Not.EqualTo(File.ReadAllText(_workspace.Path("revised.jsonl"))));
    }

    [Test]
    public void AProgramRevisesAndAnEmptyRevisionLeavesTheAnswer()
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("the command of this test is for a POSIX shell");
        _workspace.Must(["revise", "--model", "model", .. Sampling, "--constitution", "constitution.json", "--reviser", $"exec:{Shell}", "--out", "by-program.jsonl"]);
        var rows = Rows("by-program.jsonl");
        string[] principles = [.. rows.Select(row => row.GetProperty("revisions")[0].GetProperty("principle").GetString()!)];
        Assert.That(principles.Distinct(), Is.EquivalentTo(new[] { "good", "kind" }));
        foreach (var row in rows)
        {
            var revision = row.GetProperty("revisions")[0];
            bool good = revision.GetProperty("principle").GetString() == "good";
            Assert.That(row.GetProperty("completion").GetString(), Is.EqualTo(good ? " good cat" : row.GetProperty("initial").GetString()));
            if (good) Assert.That(revision.GetProperty("critique").GetString(), Is.EqualTo("plain"));
        }
    }

    [Test]
    public void AJudgeKeepsTheBestVersion()
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("the command of this test is for a POSIX shell");
        var said = _workspace.Must([
            "revise", "--model", "model", .. Sampling, "--constitution", "constitution.json", "--rounds", "2", "--critic", "model", "--max-critique-tokens", "1",
            "--reviser", """exec:n=0; while read -r line; do n=$((n + 1)); if [ $((n % 2)) = 1 ]; then echo '{"revision": "a"}'; else echo '{"revision": "cat sat"}'; fi; done""", "--judge", "rule:length", "--out", "best.jsonl",
        ]);
        Assert.That(said.Output, Does.Match(@"mean score [\d.]+ before, [\d.]+ after"));
        foreach (var row in Rows("best.jsonl"))
        {
            double[] scores = [.. row.GetProperty("scores").EnumerateArray().Select(score => score.GetDouble())];
            Assert.That(scores, Has.Length.EqualTo(3));
            Assert.That(row.GetProperty("completion").GetString()!.Length, Is.EqualTo(scores.Max()));
            Assert.That(row.GetProperty("labeler").GetString(), Is.EqualTo("rule:length"));
        }
    }

    [Test]
    public void AJudgesScoreIsTheLogOddsOfItsReplies()
    {
        _workspace.Write("odds.json", Short.Replace("\"judge\": \"!\"", "\"judge\": \"\"", StringComparison.Ordinal));
        _workspace.Must(["compare", "--model", "model", .. Sampling, "--answers", "2", "--rank-by", "judge:odds.json:model", "--out", "judged.jsonl"]);
        var rows = Rows("judged.jsonl");
        foreach (var row in rows)
        {
            string prompt = row.GetProperty("prompt").GetString()!;
            for (int k = 0; k < 2; k++)
            {
                string asked = $"{prompt}{row.GetProperty("completions")[k].GetString()}?";
                _workspace.Write("replies.jsonl", string.Concat(((string[])["y", "n"]).Select(reply => JsonSerializer.Serialize(new { prompt = asked, completion = reply }) + "\n")));
                if (row.GetProperty("id").GetInt32() > 1) continue; // two prompts are enough of processes
                _workspace.Must("score", "--model", "model", "--data", "replies.jsonl", "--out", "replies-scored.jsonl");
                // A reply is one token here, and the end-of-text token follows.
                double[] logs = [.. Rows("replies-scored.jsonl").Select(reply => reply.GetProperty("logprobs").EnumerateArray().SkipLast(1).Last().GetDouble())];
                Assert.That(row.GetProperty("scores")[k].GetDouble(), Is.EqualTo(logs[0] - logs[1]).Within(1e-4));
            }
        }

        // Wherever a reward is.
        _workspace.Must([
            "ppo", "--policy", "model", "--reward", "judge:constitution.json:model", "--reward", "0.1*rule:words", "--prompts", "prompts.jsonl", "--set", "steps=1", "--set", "batchSize=4",
            "--set", "miniBatchSize=4", "--set", "responseLength=4", "--out", "ppo",
        ]);
        Assert.That(Rows("ppo/metrics.jsonl")[0].TryGetProperty("objective/scores/judge", out _));
        _workspace.Must(["bestofn", "--model", "model", "--reward", "judge:constitution.json:model", .. Sampling, "--samples", "2", "--out", "best-judged.jsonl"]);
    }

    [TestCase("\"principles\"", "\"principels\"", "bad.json:7", "'principels'", "'principles'")]
    [TestCase("\"critique\": \"c\"", "\"critic\": \"c\"", "bad.json:8", "'critic'", "'critique'")]
    [TestCase("\"name\": \"kind\"", "\"name\": \"good\"", "bad.json:9", "'good'", "names must differ")]
    [TestCase("\"name\": \"kind\"", "\"name\": \"\"", "bad.json:9", "principles[1]", "no name")]
    [TestCase("\"revision\": \"r\", \"judge\": \"?\"", "\"judge\": \"?\"", "bad.json:8", "'critique' but no 'revision'", "principles[0]")]
    [TestCase("{prompt}{completion}{critique}{request}", "{prompt}{critique}{request}", "bad.json:3", "revisionTemplate", "{completion}")]
    [TestCase("\"yes\": \"y\"", "\"yes\": \"n\"", "bad.json:5", "two different texts", "'n'")]
    [TestCase("\"stop\": []", "\"stop\": [\"\"]", "bad.json:5", "stop", "empty")]
    [TestCase("\"c\"", "\"c c c c c c c c c c c c c c c c c c c c c c c c c c\"", "prompts.jsonl:", "critique", "positions")]
    [TestCase("\"revision\": \"r\"", "\"revision\": 3", "bad.json:8", "revision is 3", "a string")]
    public void ABadConstitutionIsRefused(string part, string replacement, params string[] expected)
    {
        _workspace.Write("bad.json", Short.Replace(part, replacement, StringComparison.Ordinal));
        Refused(["revise", "--model", "model", .. Sampling, "--constitution", "bad.json"], expected);
    }

    [TestCase("--rounds", "0", "--rounds")]
    [TestCase("--reviser", "nowhere", "nowhere")]
    [TestCase("--reviser", "exec:while read -r line; do echo nonsense; done", "nonsense", "\"critique\"")]
    [TestCase("--reviser", "exec:while read -r line; do echo '{\"revision\": 3}'; done", "\"critique\"")]
    [TestCase("--reviser", "exec:exit 3", "exit 3")]
    [TestCase("--reviser", "mismatched", "mismatched: the tokenizer has 275 tokens and the model 270")]
    [TestCase("--critic", "mismatched", "mismatched: the tokenizer has 275 tokens and the model 270")]
    [TestCase("--judge", "judge:constitution.json:mismatched", "mismatched: the tokenizer has 275 tokens and the model 270")]
    [TestCase("--judge", "judge:constitution.json", "judge:FILE:DIR")]
    [TestCase("--judge", "judge:nowhere.json:model", "nowhere.json: no such file")]
    [TestCase("--judge", "judge:silent.json:model", "silent.json", "'judge' question")]
    [TestCase("--judge", "judge:long.json:model", "positions", "judgeTemplate")]
    public void WhatCannotReviseOrJudgeIsRefused(string option, string value, params string[] expected)
    {
        if (OperatingSystem.IsWindows() && value.StartsWith("exec:", StringComparison.Ordinal)) Assert.Ignore("the command of this test is for a POSIX shell");
        _workspace.Write("silent.json", Short.Replace(", \"judge\": \"?\"", "", StringComparison.Ordinal).Replace(", \"judge\": \"!\"", "", StringComparison.Ordinal));
        _workspace.Write("long.json", Short.Replace("\"?\"", $"\"{new string('?', 40)}\"", StringComparison.Ordinal));
        Refused(["revise", "--model", "model", .. Sampling, "--constitution", "constitution.json", option, value], expected);
    }

    [Test]
    public void PromptsOfTokensAreRefused()
    {
        _workspace.Write("ids.jsonl", "{\"prompt_tokens\": [1, 2]}\n");
        Refused(["revise", "--model", "model", "--prompts", "ids.jsonl", "--constitution", "constitution.json"], "ids.jsonl:1", "token ids");
    }

    private JsonElement[] Rows(string file) => [.. File.ReadAllLines(_workspace.Path(file)).Select(line => JsonDocument.Parse(line).RootElement)];

    private void Refused(string[] arguments, params string[] expected)
    {
        var result = _workspace.Run([.. arguments, "--out", "never"]);
        Assert.That(result.ExitCode, Is.EqualTo(2), $"{result.Output}\n{result.Error}");
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1), result.Error);
        foreach (string part in expected) Assert.That(result.ErrorLines[0], Does.Contain(part));
        Assert.That(Path.Exists(_workspace.Path("never")), Is.False);
    }
}
