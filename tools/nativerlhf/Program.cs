using System.CommandLine;
using System.CommandLine.Parsing;
using NativeRlhf;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Runner.Commands;
using NativeRlhf.Runner.KernelTools;

return Run(args);

static int Run(string[] args)
{
    var root = new RootCommand("""
        NativeRlhf: pretraining, supervised fine-tuning, reward models, PPO and DPO on kernels written in C#.

        Begin with:  nativerlhf demo
        """)
    {
        DemoCommand.Create(),
        ReproduceCommand.Create(),
        WorldCommand.Create(),
        InitCommand.Create(),
        PretrainCommand.Create(),
        SftCommand.Create(),
        RewardCommand.Create(),
        PpoCommand.Create(),
        DpoCommand.Create(),
        RaftCommand.Create(),
        IterateCommand.Create(),
        EvalCommand.Create(),
        ScoreCommand.Create(),
        GenerateCommand.Create(),
        ChatCommand.Create(),
        CompareCommand.Create(),
        BestOfNCommand.Create(),
        ReviseCommand.Create(),
        TokenizerCommand.Create(),
        ConvertCommand.Create(),
        ReportCommand.Create(),
        PlanCommand.Create(),
        DevicesCommand.Create(),
        KernelsCommand.Create(),
    };

    var parsed = root.Parse(args);
    bool verbose = args.Contains("--verbose");
    if (parsed.Errors.Count > 0)
    {
        string command = string.Concat(Commands(parsed.CommandResult).Reverse().Select(name => $" {name}"));
        string problem = parsed.UnmatchedTokens is [var token, ..] ? $"'{token}' is not known here" : parsed.Errors[0].Message.TrimEnd('.');
        return Fail(ExitCodes.BadInput, $"{problem}; see: nativerlhf{command} --help");
    }

    try
    {
        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }
    catch (Exception exception)
    {
        if (verbose) Console.Error.WriteLine(exception);
        // The cause is inside where work was shared among threads.
        var cause = exception is AggregateException { InnerException: { } inner } ? inner : exception;
        return cause switch
        {
            InputException => Fail(ExitCodes.BadInput, cause.Message),
            OperationCanceledException => Fail(ExitCodes.Interrupted, "interrupted; continue with --resume"),
            OutOfMemoryException => Fail(ExitCodes.Failed, "out of memory; lower batchSize, microBatchSize or maxLength"),
            _ => Fail(ExitCodes.Failed, $"{cause.Message}{(verbose ? "" : "  (--verbose shows where)")}"),
        };
    }
}

// The command and those that it belongs to, the root left out.
static IEnumerable<string> Commands(CommandResult result)
{
    for (SymbolResult? at = result; at is CommandResult { Command: not RootCommand } command; at = at.Parent) yield return command.Command.Name;
}

static int Fail(int code, string message)
{
    Console.Error.WriteLine($"nativerlhf: {message.ReplaceLineEndings(" ")}");
    return code;
}
