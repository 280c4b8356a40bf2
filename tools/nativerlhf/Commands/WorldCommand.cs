using System.CommandLine;
using NativeRlhf.Miniature;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.Commands;

/// <summary>Writes the small world as data files.</summary>
internal static class WorldCommand
{
    private const string None = "none";

    public static Command Create()
    {
        var command = new Command("world", """
            Writes the small world of the demo as data files: web text, demonstrations, prompts, tests of several sorts, facts.

            Example:  nativerlhf world --size full --out world
            """);
        var output = new Option<string>("--out") { Description = "new folder for the files", Required = true, HelpName = "dir" };
        var size = new Option<string>("--size") { Description = "demo (300 words) or full", DefaultValueFactory = _ => "demo", HelpName = "size" };
        size.AcceptOnlyFromAmong("demo", "full");
        var seed = new Option<long>("--seed") { Description = "seed of all texts; the facts are always the same", DefaultValueFactory = _ => 42, HelpName = "n" };
        var tokens = Number("--pretraining-tokens", "about how many tokens of web text (default: 1,000,000; full: 10,000,000)");
        var demonstrations = Number("--demonstrations", "rows for SFT (default: 2,000; full: 10,000)");
        var prompts = Number("--prompts", "training prompts; the first are those of the demonstrations (default: 4,000; full: 20,000)");
        var testPrompts = Number("--test-prompts", "prompts of the test split (default: 1,000)");
        var kind = new Option<string>("--held-out-kind") { Description = "the kind of instruction that only its own test file has, or none", DefaultValueFactory = _ => nameof(InstructionKind.Extraction), HelpName = "kind" };
        kind.AcceptOnlyFromAmong([None, .. Enum.GetNames<InstructionKind>()]);
        foreach (Option option in new Option[] { output, size, seed, tokens, demonstrations, prompts, testPrompts, kind }) command.Options.Add(option);
        command.SetAction(result =>
        {
            bool full = result.GetValue(size) == "full";
            var options = full ? WorldFileOptions.Full : WorldFileOptions.Demo;
            options = options with
            {
                PretrainingTokens = result.GetValue(tokens) ?? options.PretrainingTokens,
                Demonstrations = result.GetValue(demonstrations) ?? options.Demonstrations,
                Prompts = result.GetValue(prompts) ?? options.Prompts,
                TestPrompts = result.GetValue(testPrompts) ?? options.TestPrompts,
                HeldOutKind = result.GetValue(kind) is { } name && name != None ? Enum.Parse<InstructionKind>(name) : null,
            };
            string folder = result.GetValue(output)!;
            OutputFolder.MustBeNew(folder);
            var world = new World(result.GetValue(seed), full ? WorldSize.Full : WorldSize.Demo);
            foreach (string line in WorldFolder.Write(folder, new WorldFiles(world, options).All)) Console.WriteLine(line);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Option<int?> Number(string name, string description)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = "n" };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 0) result.AddError($"{name} must be 0 or more");
        });
        return option;
    }
}
