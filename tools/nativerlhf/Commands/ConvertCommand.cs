using System.CommandLine;
using System.Text;
using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.Commands;

/// <summary>Import from formats that are not rows of this project.</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        var command = new Command("convert", """
            Converts other formats to rows. From openassistant: message trees whose replies people ranked, to rankings.

            Example:  nativerlhf convert --from openassistant --data trees.jsonl --out rankings.jsonl
            """);
        var from = new Option<string>("--from") { Description = "openassistant", Required = true, HelpName = "format" };
        from.AcceptOnlyFromAmong("openassistant");
        var data = PretrainCommand.DataOption("--data", "files of that format");
        data.Required = true;
        var output = new Option<string>("--out") { Description = "file of JSON lines to write; must not exist", Required = true, HelpName = "file" };
        foreach (Option option in new Option[] { from, data, output }) command.Options.Add(option);
        command.SetAction(result =>
        {
            string file = result.GetValue(output)!;
            if (Path.Exists(file)) throw new InputException($"{file}: exists; choose another --out");
            var rankings = result.GetValue(data)!.SelectMany(OpenAssistantTrees.Rankings).ToList();
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
