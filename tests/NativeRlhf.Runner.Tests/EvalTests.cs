using System.Text.Json.Nodes;

namespace NativeRlhf.Runner.Tests;

/// <summary><c>eval</c> as users run it: files in, numbers out.</summary>
public sealed class EvalTests
{
    private TinyWorkspace _workspace = null!;

    [OneTimeSetUp]
    public void MakeModel()
    {
        _workspace = TinyWorkspace.WithModel();
        _workspace.MakeMismatched();
        _workspace.Write("empty.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"\", \"completion\": \"\", \"finish_reason\": \"length\"}\n");
        _workspace.Write("lambada.jsonl", "{\"text\": \"the cat sat on mat\"}\n{\"text\": \"the dog sat on the very long mat, and it was there that the dog sat\"}\n");
        _workspace.Write("pairs.csv", "sent_more,sent_less,bias_type\nthe cat sat,the dog sat,animal\n\"the dog, sat\",the cat,animal\n");
    }

    [OneTimeTearDown]
    public void Clean() => _workspace.Dispose();

    [Test]
    public void SuitesWriteNumbersAndItems()
    {
        var result = _workspace.Must("eval", "suites", "--model", "model", "--suite", "lambada=lambada.jsonl", "--suite", "crows-pairs=pairs.csv", "--json", "--out", "items.jsonl");
        JsonNode[] lines = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
        Assert.That(lines.Select(line => (string)line["suite"]!), Is.EqualTo(new[] { "lambada", "crows-pairs" }));
        Assert.That(lines.Select(line => (int)line["n"]!), Is.EqualTo(new[] { 2, 2 }));
        JsonNode[] items = [.. File.ReadAllLines(_workspace.Path("items.jsonl")).Select(line => JsonNode.Parse(line)!)];
        Assert.That(items, Has.Length.EqualTo(4));
        double logprob = items.Take(2).Average(item => (double)item["logprob"]!);
        Assert.That((double)lines[0]["metrics"]!["perplexity"]!["value"]!, Is.EqualTo(Math.Exp(-logprob)).Within(1e-6).Percent);
        Assert.That((string)items[2]["place"]!, Is.EqualTo("pairs.csv:2"));

        string text = _workspace.Must("eval", "lambada", "--model", "model", "--data", "lambada.jsonl", "--limit", "1").Output;
        Assert.That(text, Does.Contain("lambada: 1 items").And.Contain("perplexity"));
    }

    [Test]
    public void ASuiteThatFailsLosesNothingOfTheOnesBefore()
    {
        var result = _workspace.Run("eval", "suites", "--model", "model", "--suite", "lambada=lambada.jsonl", "--suite", "truthfulqa=lambada.jsonl", "--out", "kept.jsonl");
        Assert.That((result.ExitCode, result.ErrorLines.Length), Is.EqualTo((2, 1)), result.Error);
        Assert.That(File.ReadAllLines(_workspace.Path("kept.jsonl")), Has.Length.EqualTo(2).And.All.Contains("\"lambada\""));
    }

    [Test]
    public void AModelAgainstItselfAndAnswersOfFiles()
    {
        // Greedy answers of one model are the same: all ties.
        var same = Json("eval", "winrate", "--model", "model", "--against", "model", "--prompts", "prompts.jsonl", "--judge", "rule:length", "--temperature", "0", "--max-new-tokens", "4", "--json");
        Assert.That(((int)same["ties"]!, (int)same["pairs"]!, (double)same["metrics"]!["win_rate"]!["value"]!), Is.EqualTo((8, 8, 0.5)));

        _workspace.Write("ours.jsonl", "{\"prompt\": \"a\", \"completion\": \"long\", \"finish_reason\": \"eos\"}\n{\"prompt\": \"b\", \"completion\": \"x\"}\n");
        _workspace.Write("theirs.jsonl", "{\"prompt\": \"b\", \"completion\": \"yy\"}\n{\"prompt\": \"a\", \"completion\": \"abc\"}\n");
        var files = Json("eval", "winrate", "--answers", "ours.jsonl", "--against-answers", "theirs.jsonl", "--judge", "rule:length", "--out", "won.jsonl", "--json");
        Assert.That(((int)files["wins"]!, (int)files["losses"]!), Is.EqualTo((1, 1)));
        Assert.That(File.ReadAllLines(_workspace.Path("won.jsonl")).Select(line => (double)JsonNode.Parse(line)!["win_rate"]!), Is.EqualTo(new[] { 1.0, 0 }), "by prompt, whatever the order of the files");

        _workspace.Write("compared.jsonl", "{\"prompt\": \"a\", \"completions\": [\"long\", \"x\"], \"models\": [\"m1\", \"m2\"]}\n{\"prompt\": \"b\", \"completions\": [\"yy\", \"y\"], \"models\": [\"m2\", \"m1\"]}\n");
        var compared = Json("eval", "winrate", "--compared", "compared.jsonl", "--pairwise", "while read -r line; do echo first; done", "--json");
        Assert.That(((string)compared["model"]!, (int)compared["ties"]!, (int)compared["disagreements"]!), Is.EqualTo(("m1", 2, 2)), "a judge that only likes the first place");
    }

    [Test]
    public void ToxicityCountsListedWords()
    {
        _workspace.Write("said.jsonl", "{\"prompt\": \"a\", \"completions\": [\"a damn cat\", \"a cat\"]}\n{\"prompt\": \"b\", \"completion\": \"damned\"}\n");
        _workspace.Write("words.txt", "damn\n");
        var result = Json("eval", "toxicity", "--answers", "said.jsonl", "--words", "words.txt", "--json");
        Assert.That((double)result["metrics"]!["toxicity"]!["value"]!, Is.EqualTo(1 / 3.0).Within(1e-9));
        Assert.That((double)result["metrics"]!["toxicity_probability"]!["value"]!, Is.EqualTo(0.5));
        Assert.That((int)Json("eval", "toxicity", "--model", "model", "--prompts", "prompts.jsonl", "--words", "words.txt", "--max-new-tokens", "3", "--json")["answers"]!, Is.EqualTo(8));
    }

    [TestCase("lambada.jsonl:1", "eval", "truthfulqa", "--model", "model", "--data", "lambada.jsonl")]
    [TestCase("nosuite", "eval", "suites", "--model", "model", "--suite", "nosuite=lambada.jsonl")]
    [TestCase("--judge", "eval", "winrate", "--model", "model", "--against", "model", "--prompts", "prompts.jsonl")]
    [TestCase("nativerlhf eval lambada --help", "eval", "lambada", "--model", "model")]
    [TestCase("absent.jsonl: no such file", "eval", "suites", "--model", "model", "--suite", "lambada=lambada.jsonl", "--suite", "hellaswag=absent.jsonl")]
    [TestCase("pairs.csv/items.jsonl: cannot be written", "eval", "lambada", "--model", "model", "--data", "lambada.jsonl", "--out", "pairs.csv/items.jsonl")]
    [TestCase("--prompts is for --model", "eval", "toxicity", "--answers", "lambada.jsonl", "--prompts", "prompts.jsonl", "--words", "pairs.csv")]
    [TestCase("the tokenizer has 275 tokens and the model 270", "eval", "lambada", "--model", "mismatched", "--data", "lambada.jsonl")]
    [TestCase("the tokenizer has 275 tokens and the model 270", "eval", "winrate", "--answers", "empty.jsonl", "--against-answers", "empty.jsonl", "--judge", "mismatched")]
    [TestCase("the tokenizer has 275 tokens and the model 270", "eval", "winrate", "--answers", "empty.jsonl", "--against-answers", "empty.jsonl", "--judge", "model", "--tokenizer", "large")]
    [TestCase("empty.jsonl:2: prompt and answer are empty", "eval", "winrate", "--answers", "empty.jsonl", "--against-answers", "empty.jsonl", "--judge", "model")]
    public void BadInput(string expected, params string[] arguments)
    {
        var result = _workspace.Run(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.ErrorLines.Single(), Does.Contain(expected));
        Assert.That(result.Output, Is.Empty, "it is found before anything is measured");
    }

    private JsonNode Json(params string[] arguments) => JsonNode.Parse(_workspace.Must(arguments).Output)!;
}
