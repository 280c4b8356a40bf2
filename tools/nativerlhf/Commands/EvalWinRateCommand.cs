using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Runner.Evaluation;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Commands;

/// <summary>How often the answers of one model are better than those of another.</summary>
internal static class EvalWinRateCommand
{
    public static Command Create()
    {
        var command = new Command("winrate", """
            How often one model's answers are better than another's to the same prompts, ties counting half. What is better says a reward (a reward
            model, a rule, a program, a language model as judge), or a program that is given both answers, in both orders.

            Example:  nativerlhf eval winrate --model runs/ppo/final --against runs/sft/final --prompts prompts.jsonl --judge runs/reward/final
            """);
        var model = new Option<string?>("--model") { Description = "model directory", HelpName = "dir" };
        var against = new Option<string?>("--against") { Description = "directory of the other model", HelpName = "dir" };
        var prompts = PretrainCommand.DataOption("--prompts", "rows with prompt (default: the prompts of the answers)");
        var answers = new Option<string?>("--answers") { Description = "answers instead of --model: a file of generate --json", HelpName = "file" };
        var againstAnswers = new Option<string?>("--against-answers") { Description = "answers instead of --against", HelpName = "file" };
        var compared = new Option<string?>("--compared") { Description = "a file of compare with the answers of two models: the first against the second", HelpName = "file" };
        var judge = new Option<string[]>("--judge") { Description = RewardSpec.Help, HelpName = "spec" };
        var pairwise = new Option<string?>("--pairwise") { Description = "a program as judge of pairs: reads {\"prompt\", \"first\", \"second\"} a line, answers first, second or tie a line", HelpName = "command" };
        var samples = new Option<int>("--samples") { Description = "answers of each model to each prompt", DefaultValueFactory = _ => 1, HelpName = "n" };
        foreach (Option option in new Option[] { model, against, prompts, answers, againstAnswers, compared, judge, pairwise, samples }) command.Options.Add(option);
        var sampling = new SamplingArguments(command);
        var output = new EvaluationOutput(command);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            string? both = result.GetValue(compared);
            var first = new Side(result.GetValue(model), result.GetValue(answers));
            var second = new Side(result.GetValue(against), result.GetValue(againstAnswers));
            string[] specs = result.GetValue(judge) ?? [], promptFiles = result.GetValue(prompts) ?? [];
            int n = result.GetValue(samples);
            if (both is not null)
            {
                SamplingArguments.Require(!first.IsGiven && !second.IsGiven, "--compared has the answers of both models; leave out --model, --answers, --against and --against-answers");
                string[] models = AnswerSource.Models(both);
                SamplingArguments.Require(models.Length == 2, $"{both}: has answers of {models.Length} models ({string.Join(", ", models)}); a win rate is of two");
                (first, second) = (new Side(null, both, models[0]), new Side(null, both, models[1]));
            }

            SamplingArguments.Require(first.IsOne, "give either --model DIR or --answers FILE");
            SamplingArguments.Require(second.IsOne, "give either --against DIR or --against-answers FILE");
            SamplingArguments.Require(specs.Length > 0 != result.GetValue(pairwise) is not null, "give either --judge SPEC or --pairwise COMMAND");
            SamplingArguments.Require(n >= 1, "--samples must be at least 1");
            output.Check(result);
            var settings = sampling.Read(result);
            PromptRow[] rows = [.. promptFiles.SelectMany(RowReader.Prompts)];
            SamplingArguments.Require(rows.Length > 0 || first.Directory is null && second.Directory is null, "--prompts is missing: what are the models to answer?");

            using var device = compute.Open(result);
            // Files of answers hold prompts as the models saw them: after the template.
            (string Prompt, RowPlace Place)[]? wanted = rows.Length == 0 ? null
                : [.. rows.Select(row => (row.Prompt.Text is { } text ? settings.Template.Replace(RowEncoder.PromptPlaceholder, text, StringComparison.Ordinal) : "", row.Place))];
            var ours = Answers(first, 0, wanted);
            var theirs = Answers(second, 1, wanted ?? [.. ours.Select(prompt => (prompt.Prompt, prompt.Place))]);
            for (int i = 0; i < ours.Length; i++)
            {
                if (ours[i].Answers.Count != theirs[i].Answers.Count)
                    throw ours[i].Place.Error($"the prompt has {ours[i].Answers.Count} answers of {first.Name} and {theirs[i].Answers.Count} of {second.Name} ({theirs[i].Place}); as many are needed of both");
            }

            (ours, theirs) = (Encoded(first, ours), Encoded(second, theirs));
            using var decides = Judge();
            var won = WinRate.Of(decides, [.. ours.Select(prompt => prompt.Answers)], [.. theirs.Select(prompt => prompt.Answers)], compute.Seed(result));
            output.Write(result, won.Rows);
            string by = specs.Length > 0 ? string.Join(" + ", specs) : result.GetValue(pairwise)!;
            bool isSwapped = specs.Length == 0;
            if (output.IsJson(result))
            {
                var json = new JsonObject
                {
                    ["model"] = first.Name,
                    ["against"] = second.Name,
                    ["judge"] = by,
                    ["n"] = ours.Length,
                    ["pairs"] = won.Pairs,
                    ["wins"] = won.Wins,
                    ["ties"] = won.Ties,
                    ["losses"] = won.Losses,
                    ["metrics"] = new JsonObject { ["win_rate"] = won.Rate.ToJson() },
                };
                if (isSwapped) json["disagreements"] = won.Disagreements;
                Console.WriteLine(json.ToJsonString(JsonStyle.Line));
            }
            else
            {
                Console.WriteLine($"{first.Name} against {second.Name}, judged by {by}: {won.Pairs:N0} pairs of answers to {ours.Length:N0} prompts; {won.Wins:N0} wins, {won.Ties:N0} ties, {won.Losses:N0} losses");
                EvaluationOutput.Print([won.Rate]);
                if (isSwapped) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  asked in the other order the judge said something else about {won.Disagreements} pairs ({100.0 * won.Disagreements / won.Pairs:0.#} %), which count as ties"));
            }

            return ExitCodes.Done;

            AnsweredPrompt[] Answers(Side side, int turn, (string Prompt, RowPlace Place)[]? of)
            {
                if (side.Directory is { } directory) return AnswerSource.Sample(device, directory, rows, n, settings, compute.Seed(result), turn);
                var read = AnswerSource.Read(side.File!, side.Model);
                if (of is null) return read;
                var byPrompt = read.ToDictionary(prompt => prompt.Prompt);
                return [.. of.Select(prompt => byPrompt.GetValueOrDefault(prompt.Prompt)
                    ?? throw new InputException($"{side.File}: has no answer{(side.Model is null ? "" : $" of {side.Model}")} to the prompt at {prompt.Place}; both must answer the same prompts"))];
            }

            // A reward model reads tokens; those of a file are made by its own tokenizer.
            AnsweredPrompt[] Encoded(Side side, AnsweredPrompt[] answered)
            {
                if (side.File is null || RewardSpec.FirstModel(specs) is not { } directory) return answered;
                var tokenizer = settings.TokenizerFolder is { } folder ? TextTokenizer.Load(folder) : TextTokenizer.Load(directory);
                tokenizer.RequireWithin(Config(directory).VocabularySize);
                return AnswerSource.Encode(answered, tokenizer, Config(directory).EosToken ?? tokenizer.EndOfText);
            }

            IPairJudge Judge()
            {
                if (result.GetValue(pairwise) is { } program) return new CommandPairJudge(program);
                int longest = ours.Concat(theirs).SelectMany(prompt => prompt.Answers).Max(answer => answer.Tokens.Length);
                string? reference = RewardSpec.FirstModel(specs);
                if (reference is not null)
                {
                    foreach (string sampled in new[] { first.Directory, second.Directory }.OfType<string>())
                    {
                        SamplingArguments.Require(Config(sampled).VocabularySize == Config(reference).VocabularySize, $"{sampled}: the model has {Config(sampled).VocabularySize} token ids and the judge {reference} {Config(reference).VocabularySize}; they must share a tokenizer. Give the answers as a file of generate --json, which is tokenized anew");
                    }

                    var too = ours.Concat(theirs).FirstOrDefault(prompt => prompt.Answers.Any(answer => answer.Tokens.Length > Config(reference).Positions));
                    if (too is not null) throw too.Place.Error($"prompt and answer have more tokens than the judge {reference} has positions ({Config(reference).Positions})");
                }

                return new RewardPairJudge(RewardSpec.Open(specs, device, reference is null ? null : Config(reference), longest));
            }
        });
        return command;
    }

    private static GptConfig Config(string directory) => GptConfig.Load(Path.Combine(directory, "config.json"));

    /// <summary>One of the two that are compared.</summary>
    private sealed record Side(string? Directory, string? File, string? Model = null)
    {
        public bool IsGiven => Directory is not null || File is not null;

        public bool IsOne => Directory is null != File is null;

        public string Name => Directory ?? Model ?? File!;
    }
}
