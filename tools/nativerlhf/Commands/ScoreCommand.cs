using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Commands;

/// <summary>Log-probabilities of rows, and their scores under a reward model.</summary>
internal static class ScoreCommand
{
    public static Command Create()
    {
        var command = new Command("score", """
            Writes for every row its tokens, the log-probability of each token after the first, their sum, and a reward model's score.

            Example:  nativerlhf score --model runs/sft/final --data rows.jsonl --out scores.jsonl
            """);
        var modelOption = new Option<string>("--model") { Description = "model directory", Required = true, HelpName = "dir" };
        var data = PretrainCommand.DataOption("--data", "rows with prompt and completion, text, or tokens");
        data.Required = true;
        var output = new Option<string>("--out") { Description = "file of JSON lines to write", Required = true, HelpName = "file" };
        var tokenizerOption = new Option<string?>("--tokenizer") { Description = "folder of the tokenizer, if not the model's own", HelpName = "dir" };
        foreach (Option option in new Option[] { modelOption, data, output, tokenizerOption }) command.Options.Add(option);
        var adapter = new AdapterOption(command);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            using var device = compute.Open(result);
            string directory = result.GetValue(modelOption)!;
            using var model = adapter.Attach(result, ModelDirectory.Load(device, directory));
            var tokenizer = result.GetValue(tokenizerOption) is { } folder ? TextTokenizer.Load(folder) : TextTokenizer.TryLoad(directory);
            var encoder = new RowEncoder(tokenizer, model.Config.VocabularySize, model.Config.EosToken, model.Config.Positions);
            var report = new DataReport();
            TokenRow[] rows = [.. encoder.Demonstrations(result.GetValue(data)!.SelectMany(RowReader.Sequences), report).Select(row => row with { CountedFrom = 1 })];

            using var workspace = new Workspace(device, model.Config, Math.Max(2048, rows.Max(row => row.Tokens.Length)), forBackward: false, adapterRank: model.AdapterRank);
            var scorer = new SequenceScorer(workspace);
            float[][] logprobs = scorer.LogProbs(model, rows);
            float[]? scores = model.HasScore ? scorer.Scores(model, [.. rows.Select(row => row.Tokens)]) : null;
            AtomicFile.Write(result.GetValue(output)!, stream =>
            {
                using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
                for (int i = 0; i < rows.Length; i++)
                {
                    var line = new JsonObject
                    {
                        ["tokens"] = new JsonArray([.. rows[i].Tokens.Select(token => (JsonNode)token)]),
                        ["logprobs"] = new JsonArray([.. logprobs[i].Select(logprob => (JsonNode)logprob)]),
                        ["sum"] = logprobs[i].Sum(logprob => (double)logprob),
                    };
                    if (scores is not null) line["score"] = scores[i];
                    writer.WriteLine(line.ToJsonString(JsonStyle.Line));
                }
            });
            Console.WriteLine($"{result.GetValue(output)}: {report}");
            return ExitCodes.Done;
        });
        return command;
    }
}
