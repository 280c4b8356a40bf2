using System.CommandLine;
using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Commands;

/// <summary>Import from and export to formats of others.</summary>
internal static class ConvertCommand
{
    private const string OpenAssistant = "openassistant", LowRankAdapter = "adapter", Classifier = "sequence-classification", Half = "bfloat16";

    public static Command Create()
    {
        var command = new Command("convert", """
            Converts what other tools read and write. From openassistant: message trees whose replies people ranked (--data), to rankings
            (--out FILE). From adapter: a model (--model) and a low-rank adapter over it (--adapter), to a model with the adapter merged
            into its weights (--out DIR). To or from sequence-classification: a reward model (--model) as a public
            GPT2ForSequenceClassification checkpoint with one label, and back (--out DIR). To bfloat16: a model (--model) as a directory
            of half the size (--out DIR), which every command reads.

            Example:  nativerlhf convert --from openassistant --data trees.jsonl --out rankings.jsonl
            Example:  nativerlhf convert --from adapter --model base --adapter runs/sft/final/adapter --out merged
            Example:  nativerlhf convert --to sequence-classification --model runs/reward/final --out classifier
            """);
        var from = new Option<string?>("--from") { Description = $"{OpenAssistant}, {LowRankAdapter} or {Classifier}", HelpName = "format" };
        from.AcceptOnlyFromAmong(OpenAssistant, LowRankAdapter, Classifier);
        var to = new Option<string?>("--to") { Description = $"{Classifier} or {Half}", HelpName = "format" };
        to.AcceptOnlyFromAmong(Classifier, Half);
        var data = PretrainCommand.DataOption("--data", "files of that format");
        var model = new Option<string?>("--model") { Description = "model directory", HelpName = "dir" };
        var pad = new Option<int?>("--pad-token-id") { Description = "a token that stands in no row, so that others can score batches (default: none, one row at a time)", HelpName = "id" };
        var output = new Option<string>("--out") { Description = "file of JSON lines or model directory to write; must not exist", Required = true, HelpName = "path" };
        foreach (Option option in new Option[] { from, to, data, model, pad, output }) command.Options.Add(option);
        var adapter = new AdapterOption(command);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            string path = result.GetValue(output)!;
            string? source = result.GetValue(from), target = result.GetValue(to);
            if (source is null == target is null) throw new InputException("give either --from or --to");
            if (Path.Exists(path)) throw new InputException($"{path}: exists; choose another --out");
            if (source == OpenAssistant)
            {
                string[] files = result.GetValue(data) is { Length: > 0 } given ? given : throw new InputException("--data is missing: the files to convert");
                var rankings = files.SelectMany(OpenAssistantTrees.Rankings).ToList();
                if (rankings.Count == 0) throw new InputException($"{files[0]}: holds no ranked replies");
                JsonLines.Write(path, rankings.Select(ranking => ranking.ToJson()));
                Console.WriteLine($"{path}: {rankings.Count:N0} rankings of {rankings.Min(r => r.Completions.Count)} to {rankings.Max(r => r.Completions.Count)} answers");
                return ExitCodes.Done;
            }

            string directory = result.GetValue(model) ?? throw new InputException("--model is missing: the model directory to convert");
            using var device = compute.Open(result);
            var tokenizer = TextTokenizer.TryLoad(directory);
            using var gpt = adapter.Attach(result, source == Classifier
                ? SequenceClassification.Load(device, directory)
                : ModelDirectory.Load(device, directory, target == Classifier ? ScoreHead.Required : ScoreHead.AsStored));
            if (source == LowRankAdapter && gpt.Adapter is null) throw new InputException("--adapter is missing: the adapter to merge");
            if (target == Classifier) SequenceClassification.Save(path, gpt, tokenizer, result.GetValue(pad));
            else ModelDirectory.Save(path, gpt, tokenizer, target == Half ? TensorType.BF16 : TensorType.F32);
            Console.WriteLine($"{path}: {gpt.Config.Specs(gpt.HasScore).Sum(spec => spec.Length):N0} parameters");
            return ExitCodes.Done;
        });
        return command;
    }
}
