using System.CommandLine;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Rewards;
using NativeRlhf.Rollout;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.Commands;

/// <summary>Several answers to each prompt, to be ranked.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var command = new Command("compare", """
            Samples K answers to each prompt, from one or several models in turn, as rows to be ranked: prompt, completions, the model of each
            and the sampling settings. With --rank-by a reward ranks them (a reward model, or a judge of yours by exec:), and the rows
            are ready for: nativerlhf reward

            Example:  nativerlhf compare --model runs/sft/final runs/ppo/final --prompts prompts.jsonl --answers 4 --temperature 0.8 --out answers.jsonl
            """);
        var models = new Option<string[]>("--model") { Description = "model directories; several take turns", Required = true, AllowMultipleArgumentsPerToken = true, Arity = ArgumentArity.OneOrMore, HelpName = "dir" };
        var prompts = PretrainCommand.DataOption("--prompts", "rows with prompt");
        prompts.Required = true;
        var answers = new Option<int>("--answers") { Description = "answers to each prompt, over all models", DefaultValueFactory = _ => 4, HelpName = "K" };
        var rankBy = new Option<string[]>("--rank-by") { Description = $"rank the answers by their score: {RewardSpec.Help}", HelpName = "spec" };
        var distinct = new Option<bool>("--drop-duplicates") { Description = "leave out answers that another one to the same prompt equals, and prompts with one answer left" };
        var output = new Option<string>("--out") { Description = "file of JSON lines to write; must not exist", Required = true, HelpName = "file" };
        foreach (Option option in new Option[] { models, prompts, answers, rankBy, distinct, output }) command.Options.Add(option);
        var sampling = new SamplingArguments(command);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            string file = result.GetValue(output)!;
            string[] directories = result.GetValue(models)!, specs = result.GetValue(rankBy) ?? [];
            int k = result.GetValue(answers);
            sampling.Check(result);
            if (Path.Exists(file)) throw new InputException($"{file}: exists; choose another --out");
            SamplingArguments.Require(k >= 2, $"--answers is {k}; a comparison needs at least 2");
            SamplingArguments.Require(k >= directories.Length, $"--answers is {k} with {directories.Length} models; each must give at least one");

            SamplingArguments.Require(sampling.Temperature(result) > 0 || k == directories.Length, $"--temperature 0 gives {k} times the same answer; raise it");
            PromptRow[] rows = [.. result.GetValue(prompts)!.SelectMany(RowReader.Prompts)];
            SamplingArguments.Require(rows.Length > 0, $"{result.GetValue(prompts)![0]}: holds no prompt");
            using var device = compute.Open(result);
            IReward? judge = null;
            try
            {
                var answered = new (PromptAnswer Answer, string Model)[rows.Length][];
                for (int i = 0; i < rows.Length; i++) answered[i] = new (PromptAnswer, string)[k];
                JsonObject? settings = null;
                int? vocabulary = null;
                // Model after model, so that one at a time is in memory; answer j of a prompt is that of model j mod M.
                for (int m = 0; m < directories.Length; m++)
                {
                    using var model = ModelDirectory.Load(device, directories[m], ScoreHead.None);
                    var tokenizer = sampling.Tokenizer(result, directories[m]);
                    var encoded = sampling.Encoder(result, model.Config, tokenizer).Prompts(rows, new DataReport());
                    var options = sampling.Options(result, model.Config, compute.Seed(result));
                    int longest = encoded.Max(prompt => prompt.Tokens.Length);
                    settings ??= sampling.ToJson(result, options);
                    if (specs.Length > 0)
                    {
                        vocabulary ??= model.Config.VocabularySize;
                        SamplingArguments.Require(vocabulary == model.Config.VocabularySize, $"{directories[m]}: the model has {model.Config.VocabularySize} token ids and the first one {vocabulary}; with --rank-by they must share a tokenizer");
                        judge ??= RewardSpec.Open(specs, device, model.Config, longest + options.MaxNewTokens);
                    }

                    int[] turns = [.. Enumerable.Range(0, k).Where(j => j % directories.Length == m)];
                    EncodedPrompt[] requests = [.. encoded.SelectMany(prompt => Enumerable.Repeat(prompt, turns.Length))];
                    using var sampler = new PromptSampler(model, tokenizer, requests.Length, longest, options.MaxNewTokens);
                    var sampled = sampler.Answer(requests, options, firstStream: (uint)(m * rows.Length * k));
                    for (int i = 0; i < sampled.Length; i++) answered[i / turns.Length][turns[i % turns.Length]] = (sampled[i], directories[m]);
                }

                int duplicates = 0, dropped = 0;
                List<JsonObject> lines = [];
                for (int i = 0; i < rows.Length; i++)
                {
                    var row = rows[i];
                    var kept = answered[i];
                    if (result.GetValue(distinct))
                    {
                        kept = [.. kept.DistinctBy(entry => AnswerRows.Content(row, entry.Answer).ToJsonString())];
                        duplicates += k - kept.Length;
                        if (kept.Length < 2)
                        {
                            dropped++;
                            continue;
                        }
                    }

                    var line = AnswerRows.Begin(row);
                    line[row.Prompt.Text is null ? "completion_tokens" : "completions"] = new JsonArray([.. kept.Select(entry => AnswerRows.Content(row, entry.Answer))]);
                    line["models"] = AnswerRows.Array(kept.Select(entry => entry.Model));
                    line["finish_reasons"] = AnswerRows.Array(kept.Select(entry => AnswerRows.FinishReason(entry.Answer.Sampled)));
                    line["sampling"] = settings!.DeepClone();
                    if (judge is not null)
                    {
                        double[] scores = judge.Score([.. kept.Select(entry => entry.Answer.Request)]);
                        double[] best = [.. scores.Distinct().OrderDescending()];
                        line["scores"] = AnswerRows.Array(scores);
                        line["ranks"] = AnswerRows.Array(scores.Select(score => Array.IndexOf(best, score) + 1));
                        line["labeler"] = string.Join(" + ", specs);
                    }

                    lines.Add(line);
                }

                SamplingArguments.Require(lines.Count > 0, "no prompt has two different answers; raise --temperature or --answers, or leave out --drop-duplicates");
                JsonLines.Write(file, lines);
                string notes = (duplicates > 0 ? $"; {duplicates} duplicates dropped" : "") + (dropped > 0 ? $", {dropped} prompts without two different answers" : "");
                Console.WriteLine($"{file}: {lines.Count:N0} prompts with up to {k} answers{notes}");
                return ExitCodes.Done;
            }
            finally
            {
                judge?.Dispose();
            }
        });
        return command;
    }
}
