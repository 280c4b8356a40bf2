using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Evaluation;

/// <summary>The options of commands that run benchmark suites, and the run itself.</summary>
internal sealed class SuiteRun
{
    private readonly Option<string> _model = new("--model") { Description = "model directory", Required = true, HelpName = "dir" };
    private readonly Option<int?> _limit = new("--limit") { Description = "only the first n items", HelpName = "n" };
    private readonly Option<string?> _tokenizer = new("--tokenizer") { Description = "folder of the tokenizer, if not the model's own", HelpName = "dir" };
    private readonly EvaluationOutput _output;
    private readonly AdapterOption _adapter;
    private readonly ComputeOptions _compute;

    public SuiteRun(Command command)
    {
        foreach (Option option in new Option[] { _model, _limit, _tokenizer }) command.Options.Add(option);
        _output = new EvaluationOutput(command);
        _adapter = new AdapterOption(command);
        _compute = new ComputeOptions(command);
    }

    /// <summary>Runs suites one after the other.</summary>
    public int Run(ParseResult result, IReadOnlyList<(BenchmarkSuite Suite, IReadOnlyList<string> Files)> suites)
    {
        int? limit = result.GetValue(_limit);
        SamplingArguments.Require(limit is null or >= 1, "--limit must be at least 1");
        _output.Check(result);
        // The first suites may take hours; that the last one's file is absent is said before.
        if (suites.SelectMany(suite => suite.Files).FirstOrDefault(file => !Path.Exists(file)) is { } absent) throw new InputException($"{absent}: no such file");
        string directory = result.GetValue(_model)!;
        using var device = _compute.Open(result);
        using var model = _adapter.Attach(result, ModelDirectory.Load(device, directory, ScoreHead.None));
        var tokenizer = result.GetValue(_tokenizer) is { } folder ? TextTokenizer.Load(folder) : TextTokenizer.Load(directory);
        tokenizer.RequireWithin(model.Config.VocabularySize);
        var progress = new LikelihoodProgress();
        using var scorer = new LikelihoodScorer(model, tokenizer) { Progress = progress.Report };
        List<JsonObject> rows = [];
        foreach (var (suite, files) in suites)
        {
            progress.Begin(suite.Name);
            var clock = Stopwatch.StartNew();
            var measured = suite.Run(scorer, files, limit);
            double seconds = clock.Elapsed.TotalSeconds;
            progress.End();
            rows.AddRange(suites.Count == 1 ? measured.Rows : measured.Rows.Select(row => { row["suite"] = suite.Name; return row; }));
            // What is measured is on disk before the next suite can fail.
            _output.Write(result, rows);
            if (_output.IsJson(result))
            {
                var json = measured.ToJson();
                (json["model"], json["limit"], json["seconds"]) = (directory, limit, seconds);
                Console.WriteLine(json.ToJsonString(JsonStyle.Line));
                continue;
            }

            string cut = measured.Truncated > 0 ? $", {measured.Truncated:N0} of them cut from the left to the model's {model.Config.Positions} positions" : "";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{suite.Name}: {measured.Items:N0} items{cut}; {seconds:0.0} s, {measured.Items / seconds:0.0} items a second"));
            EvaluationOutput.Print(measured.Measures);
        }

        return ExitCodes.Done;
    }
}

/// <summary>One line on the terminal that says how far it is.</summary>
internal sealed class LikelihoodProgress
{
    private readonly Stopwatch _clock = new();
    private string _name = "";
    private bool _shown;

    public void Begin(string name)
    {
        _name = name;
        _clock.Restart();
    }

    public void Report(int done, int all)
    {
        if (Console.IsErrorRedirected) return;
        var left = TimeSpan.FromSeconds(_clock.Elapsed.TotalSeconds / done * (all - done));
        Console.Error.Write($"\r{_name}  {done}/{all}  ETA {left:hh\\:mm\\:ss} ");
        _shown = true;
    }

    public void End()
    {
        if (_shown) Console.Error.Write("\r\x1b[K");
        _shown = false;
    }
}
