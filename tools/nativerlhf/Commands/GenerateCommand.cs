using System.CommandLine;
using System.Text.Json.Nodes;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using NativeRlhf.Rollout;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Commands;

/// <summary>Sampling from a model.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var command = new Command("generate", """
            Samples answers to prompts.

            Example:  nativerlhf generate --model runs/ppo/final --prompt "Name three birds." --temperature 0.7 --samples 3
            """);
        var modelOption = new Option<string>("--model") { Description = "model directory", Required = true, HelpName = "dir" };
        var prompt = new Option<string?>("--prompt") { Description = "one prompt", HelpName = "text" };
        var prompts = new Option<string?>("--prompts") { Description = "file of rows with prompt", HelpName = "file" };
        var samples = new Option<int>("--samples") { Description = "answers for each prompt", DefaultValueFactory = _ => 1, HelpName = "n" };
        var json = new Option<bool>("--json") { Description = "JSON lines with tokens and log-probabilities" };
        foreach (Option option in new Option[] { modelOption, prompt, prompts, samples, json }) command.Options.Add(option);
        var sampling = new SamplingArguments(command);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            SamplingArguments.Require(result.GetValue(prompt) is null != result.GetValue(prompts) is null, "give either --prompt TEXT or --prompts FILE");
            SamplingArguments.Require(result.GetValue(samples) >= 1, "--samples must be at least 1");
            var settings = sampling.Read(result);

            using var device = compute.Open(result);
            string directory = result.GetValue(modelOption)!;
            using var model = settings.Load(device, directory);
            var tokenizer = settings.Tokenizer(directory);
            var encoder = settings.Encoder(model.Config, tokenizer);
            var rows = result.GetValue(prompts) is { } file
                ? RowReader.Prompts(file)
                : [new PromptRow(Content.OfText(result.GetValue(prompt)!), [], new RowPlace("--prompt", 1))];
            int count = result.GetValue(samples);
            EncodedPrompt[] requests = [.. encoder.Prompts(rows, new DataReport()).SelectMany(row => Enumerable.Repeat(row, count))];

            var options = settings.Options(model.Config, compute.Seed(result));
            using var sampler = new PromptSampler(model, tokenizer, requests.Length, requests.Max(request => request.Tokens.Length), options.MaxNewTokens);
            var answers = sampler.Answer(requests, options);
            if (result.GetValue(json)) WriteJson(model, tokenizer, answers);
            else WriteText(tokenizer, answers);
            return ExitCodes.Done;
        });
        return command;
    }

    private static void WriteText(TextTokenizer? tokenizer, PromptAnswer[] answers)
    {
        for (int i = 0; i < answers.Length; i++)
        {
            if (i > 0) Console.WriteLine("---");
            Console.WriteLine(Prompt(tokenizer, answers[i]) + Completion(answers[i]));
        }
    }

    /// <summary>One line an answer; log-probabilities are the model's own, at temperature 1 and without restrictions.</summary>
    private static void WriteJson(Gpt model, TextTokenizer? tokenizer, PromptAnswer[] answers)
    {
        TokenRow[] rows = [.. answers.Select(answer => answer.Row)];
        using var workspace = new Workspace(model.Device, model.Config, Math.Max(2048, rows.Max(row => row.Tokens.Length)), forBackward: false, adapterRank: model.AdapterRank);
        float[][] logprobs = new SequenceScorer(workspace).LogProbs(model, rows);
        for (int i = 0; i < answers.Length; i++)
        {
            Console.WriteLine(new JsonObject
            {
                ["prompt"] = Prompt(tokenizer, answers[i]),
                ["completion"] = Completion(answers[i]),
                ["tokens"] = AnswerRows.Array(answers[i].Sampled.Tokens),
                ["logprobs"] = AnswerRows.Array(logprobs[i]),
                ["finish_reason"] = AnswerRows.FinishReason(answers[i].Sampled),
            }.ToJsonString(JsonStyle.Line));
        }
    }

    private static string Prompt(TextTokenizer? tokenizer, PromptAnswer answer) =>
        answer.Prompt.Text ?? tokenizer?.Decode(answer.Prompt.Tokens) ?? string.Join(' ', answer.Prompt.Tokens);

    private static string Completion(PromptAnswer answer) => answer.Text ?? string.Join(' ', answer.Content.ToArray());
}
