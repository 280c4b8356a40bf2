using System.CommandLine;
using System.Text;
using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Commands;

/// <summary>Import from formats that are not rows or models of this project.</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        var command = new Command("convert", """
            Converts other formats. From openassistant: message trees whose replies people ranked, to rankings. From adapter: a model
            and a low-rank adapter over it, to a model with the adapter merged into its weights.

            Example:  nativerlhf convert --from openassistant --data trees.jsonl --out rankings.jsonl
            Example:  nativerlhf convert --from adapter --model base --adapter runs/sft/final/adapter --out merged
            """);
        var from = new Option<string>("--from") { Description = "openassistant or adapter", Required = true, HelpName = "format" };
        from.AcceptOnlyFromAmong("openassistant", "adapter");
        var data = PretrainCommand.DataOption("--data", "openassistant: files of that format");
        var model = new Option<string?>("--model") { Description = "adapter: model directory of the base", HelpName = "dir" };
        var output = new Option<string>("--out") { Description = "file of JSON lines, or model directory, to write; must not exist", Required = true, HelpName = "path" };
        foreach (Option option in new Option[] { from, data, model, output }) command.Options.Add(option);
        var adapter = new AdapterOption(command, "adapter: its directory (PEFT's layout)");
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            string file = result.GetValue(output)!;
            if (Path.Exists(file)) throw new InputException($"{file}: exists; choose another --out");
            if (result.GetValue(from) == "adapter")
            {
                string directory = result.GetValue(model) ?? throw new InputException("--from adapter needs --model DIR, the base");
                using var device = compute.Open(result);
                using var gpt = adapter.Attach(result, ModelDirectory.Load(device, directory));
                if (gpt.Adapter is null) throw new InputException("--from adapter needs --adapter DIR");
                ModelDirectory.Save(file, gpt, TextTokenizer.TryLoad(directory));
                Console.WriteLine($"{file}: {gpt.Config.Specs(gpt.HasScore).Sum(spec => spec.Length):N0} parameters");
                return ExitCodes.Done;
            }

            var rankings = (result.GetValue(data) ?? throw new InputException("--from openassistant needs --data FILE")).SelectMany(OpenAssistantTrees.Rankings).ToList();
            if (rankings.Count == 0) throw new InputException($"{result.GetValue(data)![0]}: holds no ranked replies");
            AtomicFile.Write(file, stream =>
            {
                using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
                foreach (var ranking in rankings) writer.WriteLine(ranking.ToJson().ToJsonString(JsonStyle.Line));
            });
            Console.WriteLine($"{file}: {rankings.Count:N0} rankings of {rankings.Min(r => r.Completions.Count)} to {rankings.Max(r => r.Completions.Count)} answers");
            return ExitCodes.Done;
        });
        return command;
    }
}
