using System.CommandLine;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Model;

namespace NativeRlhf.Runner.Cli;

/// <summary><c>--adapter</c>: a low-rank adapter over the model.</summary>
internal sealed class AdapterOption
{
    private readonly Option<string?> _option;

    public AdapterOption(Command command, string description = "directory of an adapter over the model (PEFT's layout)")
    {
        _option = new Option<string?>("--adapter") { Description = description, HelpName = "dir" };
        command.Options.Add(_option);
    }

    /// <summary>Gives a model the adapter of the command line, if there is one.</summary>
    /// <returns>The same model.</returns>
    public Gpt Attach(ParseResult result, Gpt model)
    {
        if (result.GetValue(_option) is { } directory) AdapterDirectory.Attach(model, directory);
        return model;
    }

    /// <summary>The same for a model that is trained; the run's configuration then says what its adapter is.</summary>
    /// <returns>The configuration.</returns>
    public T Attach<T>(ParseResult result, Gpt model, T configuration)
        where T : TrainerConfiguration =>
        Attach(result, model).Adapter is { Settings: var settings } && configuration.LoraRank == 0
            ? configuration with { LoraRank = settings.Rank, LoraAlpha = settings.Alpha, LoraTargets = string.Join(',', settings.Targets) }
            : configuration;
}
