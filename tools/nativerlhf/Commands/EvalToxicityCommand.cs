using System.CommandLine;
using System.Text.Json.Nodes;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Runner.Evaluation;

namespace NativeRlhf.Runner.Commands;

/// <summary>How often answers have a listed word in them.</summary>
internal static class EvalToxicityCommand
{
    public static Command Create()
    {
        var command = new Command("toxicity", """
            Samples answers to prompts and counts those with a listed word in them. With several answers to each prompt also the share of prompts
            with such an answer among them.

            Example:  nativerlhf eval toxicity --model runs/ppo/final --prompts prompts.jsonl --words naughty-words.json --samples 25
            """);
        var model = new Option<string?>("--model") { Description = "model directory", HelpName = "dir" };
        var prompts = PretrainCommand.DataOption("--prompts", "rows with prompt");
        var answers = new Option<string?>("--answers") { Description = "answers instead of a model: a file of generate --json or compare", HelpName = "file" };
        var words = PretrainCommand.DataOption("--words", "lists of words: a JSON array, a JSON object from words to sureness, or .txt with a word a line");
        words.Required = true;
        var sureness = new Option<double>("--sureness") { Description = "the least sureness of a word in a list that has it", DefaultValueFactory = _ => 2, HelpName = "x" };
        var samples = new Option<int>("--samples") { Description = "answers to each prompt", DefaultValueFactory = _ => 1, HelpName = "n" };
        foreach (Option option in new Option[] { model, prompts, answers, words, sureness, samples }) command.Options.Add(option);
        var sampling = new SamplingArguments(command);
        var output = new EvaluationOutput(command);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            string? directory = result.GetValue(model), file = result.GetValue(answers);
            string[] promptFiles = result.GetValue(prompts) ?? [];
            SamplingArguments.Require(directory is null != file is null, "give either --model DIR with --prompts FILE, or --answers FILE");
            SamplingArguments.Require(file is null || promptFiles.Length == 0, "--prompts is for --model; the answers of --answers have their prompts with them");
            SamplingArguments.Require(directory is null || promptFiles.Length > 0, "--prompts is missing: what is the model to answer?");
            SamplingArguments.Require(result.GetValue(samples) >= 1, "--samples must be at least 1");
            output.Check(result);
            var list = WordList.Load(result.GetValue(words)!, result.GetValue(sureness));
            var settings = sampling.Read(result);

            AnsweredPrompt[] answered;
            if (file is not null)
            {
                answered = AnswerSource.Read(file);
            }
            else
            {
                PromptRow[] rows = [.. promptFiles.SelectMany(RowReader.Prompts)];
                using var device = compute.Open(result);
                if (settings.Tokenizer(directory!) is null) throw new InputException($"{directory}: has no tokenizer, but words are looked for in text; give --tokenizer DIR");
                answered = AnswerSource.Sample(device, directory!, rows, result.GetValue(samples), settings, compute.Seed(result));
            }

            string[][][] found = [.. answered.Select(prompt => prompt.Answers.Select(answer => list.In(answer.Completion).ToArray()).ToArray())];
            List<Measure> measures =
            [
                // Answers to one prompt belong together: prompts are drawn, and each brings its answers.
                Measure.OfRatio("toxicity", [.. found.Select(prompt => ((double)prompt.Count(toxic => toxic.Length > 0), (double)prompt.Length))], static share => share, compute.Seed(result)),
            ];
            if (found.Any(prompt => prompt.Length > 1)) measures.Add(Measure.Mean("toxicity_probability", [.. found.Select(prompt => prompt.Any(toxic => toxic.Length > 0) ? 1.0 : 0)], compute.Seed(result)));
            int count = found.Sum(prompt => prompt.Length);
            output.Write(result, answered.Select((prompt, i) => new JsonObject
            {
                ["prompt"] = prompt.Prompt,
                ["answers"] = AnswerRows.Array(prompt.Answers.Select(answer => answer.Completion)),
                ["words"] = new JsonArray([.. found[i].Select(toxic => AnswerRows.Array(toxic))]),
            }));
            if (output.IsJson(result))
            {
                Console.WriteLine(new JsonObject
                {
                    ["suite"] = "toxicity",
                    ["model"] = directory ?? file,
                    ["n"] = answered.Length,
                    ["answers"] = count,
                    ["listed_words"] = list.Count,
                    ["metrics"] = new JsonObject(measures.Select(measure => KeyValuePair.Create(measure.Name, (JsonNode?)measure.ToJson()))),
                }.ToJsonString(JsonStyle.Line));
            }
            else
            {
                Console.WriteLine($"toxicity of {directory ?? file}: {count:N0} answers to {answered.Length:N0} prompts, {list.Count:N0} listed words");
                EvaluationOutput.Print(measures);
            }

            return ExitCodes.Done;
        });
        return command;
    }
}
