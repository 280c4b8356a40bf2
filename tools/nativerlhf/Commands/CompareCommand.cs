using System.CommandLine;
using System.Text.Json.Nodes;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
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
            string[] files = result.GetValue(prompts)!;
            int k = result.GetValue(answers);
            if (Path.Exists(file)) throw new InputException($"{file}: exists; choose another --out");
            PromptRow[] rows = [.. files.SelectMany(RowReader.Prompts)];
            SamplingArguments.Require(rows.Length > 0, $"{files[0]}: holds no prompt");
            var request = new ComparisonRequest(result.GetValue(models)!, rows, k, sampling.Read(result), result.GetValue(rankBy) ?? [], result.GetValue(distinct));
            request.Check();
            using var device = compute.Open(result);
            var compared = Sample(device, compute.Seed(result), request);
            SamplingArguments.Require(compared.Lines.Count > 0, "no prompt has two different answers; raise --temperature or --answers, or leave out --drop-duplicates");
            JsonLines.Write(file, compared.Lines.Select(line => line.Json));
            Console.WriteLine($"{file}: {compared.Lines.Count:N0} prompts with up to {k} answers{compared.Notes}");
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>Samples answers, and ranks them if a reward is there to do it.</summary>
    /// <param name="device">The device.</param>
    /// <param name="seed">The seed of the samples.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="cancel">Checked before every token and every row that is ranked.</param>
    public static ComparisonRows Sample(ComputeDevice device, ulong seed, ComparisonRequest request, CancellationToken cancel = default)
    {
        var (directories, rows, k, sampling, specs, distinct) = request;
        // Answers that are compared may be of one length: the least that is the models' default, where none is given.
        sampling = sampling with { Length = directories.Min(directory => sampling.MaxNewTokens(GptConfig.Load(Path.Combine(directory, "config.json")))) };
        IReward? judge = null;
        try
        {
            var answered = new (PromptAnswer Answer, string Model)[rows.Count][];
            for (int i = 0; i < rows.Count; i++) answered[i] = new (PromptAnswer, string)[k];
            JsonObject? settings = null;
            int? vocabulary = null;
            // Model after model, so that one at a time is in memory; answer j of a prompt is that of model j mod M.
            for (int m = 0; m < directories.Count; m++)
            {
                using var model = sampling.Load(device, directories[m]);
                var tokenizer = sampling.Tokenizer(directories[m]);
                var encoded = sampling.Encoder(model.Config, tokenizer).Prompts(rows, new DataReport());
                var options = sampling.Options(model.Config, seed);
                int longest = encoded.Max(prompt => prompt.Tokens.Length);
                settings ??= sampling.ToJson(options);
                if (specs.Count > 0)
                {
                    vocabulary ??= model.Config.VocabularySize;
                    SamplingArguments.Require(vocabulary == model.Config.VocabularySize, $"{directories[m]}: the model has {model.Config.VocabularySize} token ids and the first one {vocabulary}; with --rank-by they must share a tokenizer");
                    judge ??= RewardSpec.Open(specs, device, model.Config, longest + options.MaxNewTokens);
                }

                int[] turns = [.. Enumerable.Range(0, k).Where(j => j % directories.Count == m)];
                EncodedPrompt[] requests = [.. encoded.SelectMany(prompt => Enumerable.Repeat(prompt, turns.Length))];
                using var sampler = new PromptSampler(model, tokenizer, requests.Length, longest, options.MaxNewTokens);
                var sampled = sampler.Answer(requests, options, firstStream: (uint)(m * rows.Count * k), cancel);
                for (int i = 0; i < sampled.Length; i++) answered[i / turns.Length][turns[i % turns.Length]] = (sampled[i], directories[m]);
            }

            int duplicates = 0, dropped = 0;
            List<(int, JsonObject)> lines = [];
            for (int i = 0; i < rows.Count; i++)
            {
                cancel.ThrowIfCancellationRequested();
                var row = rows[i];
                var kept = answered[i];
                if (distinct)
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

                lines.Add((i, line));
            }

            return new ComparisonRows(lines, duplicates, dropped);
        }
        finally
        {
            judge?.Dispose();
        }
    }
}

/// <summary>Answers to be sampled and compared.</summary>
/// <param name="Models">Model directories, which take turns.</param>
/// <param name="Rows">The prompts.</param>
/// <param name="Answers">Answers to each prompt, over all models.</param>
/// <param name="Sampling">How they are sampled.</param>
/// <param name="RankBy">Reward specs that rank them; empty to leave that to others.</param>
/// <param name="DropDuplicates">Whether equal answers are left out.</param>
internal sealed record ComparisonRequest(IReadOnlyList<string> Models, IReadOnlyList<PromptRow> Rows, int Answers, AnswerSampling Sampling, IReadOnlyList<string> RankBy, bool DropDuplicates)
{
    /// <exception cref="InputException">It cannot be done.</exception>
    public void Check()
    {
        SamplingArguments.Require(Answers >= 2, $"--answers is {Answers}; a comparison needs at least 2");
        SamplingArguments.Require(Answers >= Models.Count, $"--answers is {Answers} with {Models.Count} models; each must give at least one");
        SamplingArguments.Require(Sampling.Temperature > 0 || Answers == Models.Count, $"--temperature 0 gives {Answers} times the same answer; raise it");
    }
}

/// <summary>Rows of sampled answers.</summary>
/// <param name="Lines">The rows, each with the index of its prompt.</param>
/// <param name="Duplicates">Answers that were left out.</param>
/// <param name="Dropped">Prompts that were left out because no two answers differ.</param>
internal sealed record ComparisonRows(IReadOnlyList<(int Prompt, JsonObject Json)> Lines, int Duplicates, int Dropped)
{
    /// <summary>What was left out, to follow a sentence.</summary>
    public string Notes => (Duplicates > 0 ? $"; {Duplicates} duplicates dropped" : "") + (Dropped > 0 ? $", {Dropped} prompts without two different answers" : "");
}
