using System.CommandLine;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Commands;

/// <summary>Log-probabilities of rows, and their scores under a reward model.</summary>
internal static class ScoreCommand
{
    public static Command Create()
    {
        var command = new Command("score", """
            Writes for every row its tokens, the log-probability of each token after the first, their sum, and a reward model's score,
            or the score of what --reward names (an ensemble, say).

            Example:  nativerlhf score --model runs/sft/final --data rows.jsonl --out scores.jsonl
            """);
        var modelOption = new Option<string>("--model") { Description = "model directory", Required = true, HelpName = "dir" };
        var data = PretrainCommand.DataOption("--data", "rows with prompt and completion, text, or tokens");
        data.Required = true;
        var output = new Option<string>("--out") { Description = "file of JSON lines to write", Required = true, HelpName = "file" };
        var reward = new Option<string[]>("--reward") { Description = $"what scores the rows, if not the model itself: {RewardSpec.Help}", HelpName = "spec" };
        var tokenizerOption = new Option<string?>("--tokenizer") { Description = "folder of the tokenizer, if not the model's own", HelpName = "dir" };
        foreach (Option option in new Option[] { modelOption, data, output, reward, tokenizerOption }) command.Options.Add(option);
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
            Demonstration[] read = [.. result.GetValue(data)!.SelectMany(RowReader.Sequences)];
            TokenRow[] rows = [.. encoder.Demonstrations(read, report).Select(row => row with { CountedFrom = 1 })];

            using var workspace = new Workspace(device, model.Config, Math.Max(2048, rows.Max(row => row.Tokens.Length)), forBackward: false, adapterRank: model.AdapterRank);
            var scorer = new SequenceScorer(workspace);
            float[][] logprobs = scorer.LogProbs(model, rows);
            double[]? scores = null;
            if (result.GetValue(reward) is { Length: > 0 } specs)
            {
                using var rewards = RewardSpec.Open(specs, device, model.Config, workspace);
                scores = rewards.Score([.. rows.Select((row, i) => new RewardRequest(read[i].Prompt?.Text ?? "", read[i].Completion.Text ?? "", row.Tokens, []))], Say);
            }
            else if (model.HasScore)
            {
                scores = Array.ConvertAll(scorer.Scores(model, [.. rows.Select(row => row.Tokens)]), score => (double)score);
            }

            JsonLines.Write(result.GetValue(output)!, rows.Select((row, i) =>
            {
                var line = new JsonObject
                {
                    ["tokens"] = new JsonArray([.. row.Tokens.Select(token => (JsonNode)token)]),
                    ["logprobs"] = new JsonArray([.. logprobs[i].Select(logprob => (JsonNode)logprob)]),
                    ["sum"] = logprobs[i].Sum(logprob => (double)logprob),
                };
                if (scores is not null) line["score"] = (float)scores[i];
                return line;
            }));
            Console.WriteLine($"{result.GetValue(output)}: {report}");
            return ExitCodes.Done;

            static void Say(string name, double value) => Console.WriteLine(FormattableString.Invariant($"{name} {value:0.######}"));
        });
        return command;
    }
}
