using System.CommandLine;
using NativeRlhf.Checkpoints;
using NativeRlhf.Model;

namespace NativeRlhf.Runner.Cli;

/// <summary><c>--adapter</c>: a low-rank adapter over the model.</summary>
internal sealed class AdapterOption
{
    public AdapterOption(Command command, string description = "directory of an adapter over the model (PEFT's layout)")
    {
        Option = new Option<string?>("--adapter") { Description = description, HelpName = "dir" };
        command.Options.Add(Option);
    }

    public Option<string?> Option { get; }

    /// <summary>The directory of the adapter, or null.</summary>
    public string? Directory(ParseResult result) => result.GetValue(Option);

    /// <summary>Gives a model the adapter of the command line, if there is one.</summary>
    /// <returns>The same model.</returns>
    public Gpt Attach(ParseResult result, Gpt model)
    {
        if (Directory(result) is { } directory) AdapterDirectory.Attach(model, directory);
        return model;
    }
}
