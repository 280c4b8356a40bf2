using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using NativeRlhf.Data;
using NativeRlhf.Rollout;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.Commands;

/// <summary>Best-of-n sampling: rejection sampling against a reward.</summary>
internal static class BestOfNCommand
{
    public static Command Create()
    {
        var command = new Command("bestofn", """
            Samples n answers to each prompt and keeps the one that a reward scores highest, as rows ready for: nativerlhf sft

            Example:  nativerlhf bestofn --model runs/sft/final --reward runs/reward/final --prompts prompts.jsonl --samples 16 --out best.jsonl
            """);
        var modelOption = new Option<string>("--model") { Description = "model directory", Required = true, HelpName = "dir" };
        var reward = new Option<string[]>("--reward") { Description = RewardSpec.Help, Required = true, HelpName = "spec" };
        var prompts = PretrainCommand.DataOption("--prompts", "rows with prompt");
        prompts.Required = true;
        var samples = new Option<int>("--samples") { Description = "answers to each prompt", DefaultValueFactory = _ => 16, HelpName = "n" };
        var output = new Option<string>("--out") { Description = "file of JSON lines to write; must not exist", Required = true, HelpName = "file" };
        foreach (Option option in new Option[] { modelOption, reward, prompts, samples, output }) command.Options.Add(option);
        var sampling = new SamplingArguments(command);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            string file = result.GetValue(output)!, directory = result.GetValue(modelOption)!;
            int n = result.GetValue(samples);
            var settings = sampling.Read(result);
            if (Path.Exists(file)) throw new InputException($"{file}: exists; choose another --out");
            SamplingArguments.Require(n >= 1, "--samples must be at least 1");
            SamplingArguments.Require(settings.Temperature > 0 || n == 1, $"--temperature 0 gives {n} times the same answer; raise it");
            PromptRow[] rows = [.. result.GetValue(prompts)!.SelectMany(RowReader.Prompts)];
            SamplingArguments.Require(rows.Length > 0, $"{result.GetValue(prompts)![0]}: holds no prompt");

            using var device = compute.Open(result);
            using var model = settings.Load(device, directory);
            var tokenizer = settings.Tokenizer(directory);
            var encoded = settings.Encoder(model.Config, tokenizer).Prompts(rows, new DataReport());
            var options = settings.Options(model.Config, compute.Seed(result));
            int longest = encoded.Max(prompt => prompt.Tokens.Length);
            using var judge = RewardSpec.Open(result.GetValue(reward)!, device, model.Config, longest + options.MaxNewTokens);
            EncodedPrompt[] requests = [.. encoded.SelectMany(prompt => Enumerable.Repeat(prompt, n))];
            using var sampler = new PromptSampler(model, tokenizer, requests.Length, longest, options.MaxNewTokens);
            var answers = sampler.Answer(requests, options);
            double[] scores = judge.Score([.. answers.Select(answer => answer.Request)]);

            List<JsonObject> lines = [];
            double sumOfBest = 0;
            for (int i = 0; i < rows.Length; i++)
            {
                var row = rows[i];
                // An empty answer is no demonstration.
                int[] candidates = [.. Enumerable.Range(i * n, n).Where(j => !AnswerRows.IsEmpty(row, answers[j]))];
                if (candidates.Length == 0) continue;
                int best = candidates.MaxBy(j => scores[j]);
                var line = AnswerRows.Begin(row);
                line[row.Prompt.Text is null ? "completion_tokens" : "completion"] = AnswerRows.Content(row, answers[best]);
                line["score"] = scores[best];
                line["scores"] = AnswerRows.Array(scores[(i * n)..((i + 1) * n)]);
                line["finish_reason"] = AnswerRows.FinishReason(answers[best].Sampled);
                line["model"] = directory;
                line["sampling"] = settings.ToJson(options);
                lines.Add(line);
                sumOfBest += scores[best];
            }

            SamplingArguments.Require(lines.Count > 0, "all answers are empty; the model ends at once");
            JsonLines.Write(file, lines);
            string empty = lines.Count < rows.Length ? $"; {rows.Length - lines.Count} prompts dropped, whose answers are all empty" : "";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{file}: {lines.Count} best of {n}; mean score {scores.Average():0.####}, of the best {sumOfBest / lines.Count:0.####}; KL to the model at most {Math.Log(n) - ((n - 1.0) / n):0.###} nats{empty}"));
            return ExitCodes.Done;
        });
        return command;
    }
}
