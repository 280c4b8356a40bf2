using System.CommandLine;
using NativeRlhf.Configuration;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Runner.Cli;

/// <summary>The options of every trainer.</summary>
internal sealed class TrainerOptions
{
    private readonly Option<string?> _config = new("--config") { Description = "configuration file (JSON; comments allowed)", HelpName = "file" };
    private readonly Option<string[]> _set = new("--set") { Description = "a setting that wins over the file (repeatable)", HelpName = "key=value" };
    private readonly Option<string> _out = new("--out") { Description = "folder of the run", Required = true, HelpName = "dir" };
    private readonly Option<bool> _resume = new("--resume") { Description = "continue the run in --out" };
    private readonly Option<string?> _preset = new("--preset") { Description = "named settings below those of the file", HelpName = "name" };
    private readonly Option<string?> _tokenizer = new("--tokenizer") { Description = "folder of the tokenizer, if not the model's own", HelpName = "dir" };
    private readonly AdapterOption _adapter;
    private readonly ComputeOptions _compute;
    private readonly string _command;

    public TrainerOptions(Command command)
    {
        foreach (Option option in new Option[] { _out, _config, _set, _preset, _resume, _tokenizer }) command.Options.Add(option);
        _adapter = new AdapterOption(command, "directory of an adapter over the model, to be trained further (PEFT's layout)");
        _compute = new ComputeOptions(command);
        _command = command.Name;
    }

    public ComputeDevice Open(ParseResult result) => _compute.Open(result);

    public T Load<T>(ParseResult result)
        where T : TrainerConfiguration, new() =>
        ConfigurationLoader.Load<T>(result.GetValue(_config), result.GetValue(_set), result.GetValue(_preset));

    /// <summary>The run that the command line asks for.</summary>
    public TrainerRun Run(ParseResult result, ComputeDevice device) => new(
        _command, result.GetValue(_out)!, result.GetValue(_resume), _compute.Seed(result), device, result.GetValue(_tokenizer), _adapter.Directory(result));
}
