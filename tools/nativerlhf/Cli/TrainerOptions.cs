using System.CommandLine;
using System.Text.Json.Nodes;
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
    private readonly Option<bool> _quiet = new("--quiet") { Description = "print one line for each evaluation and for the end, and no panel" };
    private readonly AdapterOption _adapter;
    private readonly ComputeOptions _compute;
    private readonly string _command;

    // What the run reads: models, data, rewards, and the folders of tokenizer and adapter.
    private readonly Option[] _inputs;

    public TrainerOptions(Command command)
    {
        Option[] ofCommand = [.. command.Options];
        foreach (Option option in new Option[] { _out, _config, _set, _preset, _resume, _tokenizer, _quiet }) command.Options.Add(option);
        _adapter = new AdapterOption(command, "directory of an adapter over the model, to be trained further (PEFT's layout)");
        _inputs = [.. ofCommand, _tokenizer, _adapter.Option];
        _compute = new ComputeOptions(command);
        _command = command.Name;
    }

    public ComputeDevice Open(ParseResult result) => _compute.Open(result);

    public T Load<T>(ParseResult result)
        where T : TrainerConfiguration, new() =>
        ConfigurationLoader.Load<T>(result.GetValue(_config), result.GetValue(_set), result.GetValue(_preset));

    /// <summary>The run that the command line asks for.</summary>
    public TrainerRun Run(ParseResult result, ComputeDevice device) => new(
        _command, result.GetValue(_out)!, result.GetValue(_resume), _compute.Seed(result), device, result.GetValue(_tokenizer), _adapter.Directory(result), Inputs(result),
        Quiet: result.GetValue(_quiet));

    /// <summary>The inputs of the command line, as they were given.</summary>
    private JsonObject Inputs(ParseResult result)
    {
        var inputs = new JsonObject();
        foreach (var option in _inputs)
        {
            if (result.GetResult(option) is { Tokens: { Count: > 0 } tokens }) inputs[option.Name] = new JsonArray([.. tokens.Select(token => (JsonNode)token.Value)]);
        }

        return inputs;
    }
}
