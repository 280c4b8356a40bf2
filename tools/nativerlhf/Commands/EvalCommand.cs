using System.CommandLine;
using NativeRlhf.Evaluation;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Runner.Evaluation;

namespace NativeRlhf.Runner.Commands;

/// <summary>What models are worth: win rates, toxicity, public benchmark suites.</summary>
internal static class EvalCommand
{
    public static Command Create()
    {
        var command = new Command("eval", """
            Measures models: win rates of one against another, toxicity of sampled answers, and public benchmarks by log-probability.
            Every number comes with its standard error and a 95 % interval.

            Example:  nativerlhf eval winrate --model runs/ppo/final --against runs/sft/final --prompts prompts.jsonl --judge runs/reward/final
            """)
        {
            EvalWinRateCommand.Create(),
            EvalToxicityCommand.Create(),
            Suites(),
        };
        foreach (var suite in BenchmarkSuite.All) command.Subcommands.Add(Suite(suite));
        return command;
    }

    private static Command Suite(BenchmarkSuite suite)
    {
        var command = new Command(suite.Name, $"""
            {suite.Description}.

            Example:  nativerlhf eval {suite.Name} --model gpt2 --data {suite.Files.Split([' ', ','])[0] switch { "rows" => "lambada_test.jsonl", var file => file }}
            """);
        var data = PretrainCommand.DataOption("--data", suite.Files);
        data.Required = true;
        command.Options.Add(data);
        var run = new SuiteRun(command);
        command.SetAction(result => run.Run(result, [(suite, result.GetValue(data)!)]));
        return command;
    }

    private static Command Suites()
    {
        var command = new Command("suites", $"""
            Runs several benchmark suites on one model: {string.Join(", ", BenchmarkSuite.All.Select(suite => suite.Name))}.

            Example:  nativerlhf eval suites --model gpt2 --suite lambada=lambada_test.jsonl --suite hellaswag=hellaswag_val.jsonl --limit 500
            """);
        var wanted = new Option<string[]>("--suite") { Description = "a suite and its data file, name=file (repeatable)", Required = true, HelpName = "name=file" };
        command.Options.Add(wanted);
        var run = new SuiteRun(command);
        command.SetAction(result => run.Run(result, [.. result.GetValue(wanted)!.Select(Parse)]));
        return command;
    }

    private static (BenchmarkSuite Suite, IReadOnlyList<string> Files) Parse(string entry)
    {
        string[] parts = entry.Split('=', 2);
        var suite = BenchmarkSuite.All.FirstOrDefault(suite => suite.Name == parts[0])
            ?? throw new InputException($"--suite {entry}: there is no suite '{parts[0]}'; suites are {string.Join(", ", BenchmarkSuite.All.Select(suite => suite.Name))}");
        SamplingArguments.Require(parts is [_, { Length: > 0 }], $"--suite {entry}: expected name=file, as in {suite.Name}=data/file");
        return (suite, [parts[1]]);
    }
}
