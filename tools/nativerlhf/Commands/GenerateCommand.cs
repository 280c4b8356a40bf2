using System.CommandLine;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
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
        var length = new Option<int?>("--max-new-tokens") { Description = "the most tokens of an answer (default: 64, or half of the model's positions if that is less)", HelpName = "n" };
        var temperature = new Option<float>("--temperature") { Description = "logits are divided by it; 0 is greedy", DefaultValueFactory = _ => 1, HelpName = "x" };
        var topK = new Option<int>("--top-k") { Description = "only the k most probable tokens; 0 for all", HelpName = "n" };
        var topP = new Option<float>("--top-p") { Description = "only the most probable tokens that together have this mass", DefaultValueFactory = _ => 1, HelpName = "x" };
        var samples = new Option<int>("--samples") { Description = "answers for each prompt", DefaultValueFactory = _ => 1, HelpName = "n" };
        var template = new Option<string>("--prompt-template") { Description = "the text that a prompt becomes", DefaultValueFactory = _ => RowEncoder.PromptPlaceholder, HelpName = "text" };
        var tokenizerOption = new Option<string?>("--tokenizer") { Description = "folder of the tokenizer, if not the model's own", HelpName = "dir" };
        var json = new Option<bool>("--json") { Description = "JSON lines with tokens and log-probabilities" };
        foreach (Option option in new Option[] { modelOption, prompt, prompts, length, temperature, topK, topP, samples, template, tokenizerOption, json }) command.Options.Add(option);
        var adapter = new AdapterOption(command);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            Require(result.GetValue(prompt) is null != result.GetValue(prompts) is null, "give either --prompt TEXT or --prompts FILE");
            Require(result.GetValue(temperature) >= 0 && float.IsFinite(result.GetValue(temperature)), "--temperature must be at least 0");
            Require(result.GetValue(topK) >= 0, "--top-k must be at least 0");
            Require(result.GetValue(topP) is > 0 and <= 1, "--top-p must be above 0 and at most 1");
            Require(result.GetValue(samples) >= 1, "--samples must be at least 1");
            Require(result.GetValue(length) is null or >= 1, "--max-new-tokens must be at least 1");

            using var device = compute.Open(result);
            string directory = result.GetValue(modelOption)!;
            using var model = adapter.Attach(result, ModelDirectory.Load(device, directory, ScoreHead.None));
            var tokenizer = result.GetValue(tokenizerOption) is { } folder ? TextTokenizer.Load(folder) : TextTokenizer.TryLoad(directory);
            int maxNewTokens = result.GetValue(length) ?? Math.Min(64, model.Config.Positions / 2), room = model.Config.Positions - maxNewTokens;
            Require(room >= 1, $"--max-new-tokens {maxNewTokens} leaves no room for a prompt in the model's {model.Config.Positions} positions");
            var encoder = new RowEncoder(tokenizer, model.Config.VocabularySize, model.Config.EosToken, room, promptTemplate: result.GetValue(template)!);
            var rows = result.GetValue(prompts) is { } file
                ? RowReader.Prompts(file)
                : [new PromptRow(Content.OfText(result.GetValue(prompt)!), [], new RowPlace("--prompt", 1))];
            int count = result.GetValue(samples);
            EncodedPrompt[] requests = [.. encoder.Prompts(rows, new DataReport()).SelectMany(row => Enumerable.Repeat(row, count))];

            int? endOfText = model.Config.EosToken ?? tokenizer?.EndOfText;
            var options = new SamplingOptions(
                maxNewTokens, result.GetValue(temperature), result.GetValue(topK), result.GetValue(topP), compute.Seed(result), endOfText);
            int context = requests.Max(request => request.Tokens.Length) + maxNewTokens;
            using var generator = new Generator(model, Math.Min(requests.Length, 64), context);
            var answers = generator.Generate([.. requests.Select((request, i) => new SampleRequest(request.Tokens, (uint)i))], options);
            if (result.GetValue(json)) WriteJson(model, tokenizer, requests, answers);
            else WriteText(tokenizer, requests, answers);
            return ExitCodes.Done;
        });
        return command;
    }

    private static void WriteText(TextTokenizer? tokenizer, EncodedPrompt[] requests, IReadOnlyList<SampledAnswer> answers)
    {
        for (int i = 0; i < answers.Count; i++)
        {
            if (i > 0) Console.WriteLine("---");
            Console.WriteLine((requests[i].Text ?? Text(tokenizer, requests[i].Tokens)) + Text(tokenizer, WithoutEnd(answers[i])));
        }
    }

    /// <summary>One line an answer; log-probabilities are the model's own, at temperature 1 and without restrictions.</summary>
    private static void WriteJson(Gpt model, TextTokenizer? tokenizer, EncodedPrompt[] requests, IReadOnlyList<SampledAnswer> answers)
    {
        TokenRow[] rows = [.. requests.Zip(answers, (request, answer) => new TokenRow([.. request.Tokens, .. answer.Tokens], request.Tokens.Length))];
        using var workspace = new Workspace(model.Device, model.Config, Math.Max(2048, rows.Max(row => row.Tokens.Length)), forBackward: false, adapterRank: model.AdapterRank);
        float[][] logprobs = new SequenceScorer(workspace).LogProbs(model, rows);
        for (int i = 0; i < answers.Count; i++)
        {
            Console.WriteLine(new JsonObject
            {
                ["prompt"] = requests[i].Text ?? Text(tokenizer, requests[i].Tokens),
                ["completion"] = Text(tokenizer, WithoutEnd(answers[i])),
                ["tokens"] = new JsonArray([.. answers[i].Tokens.Select(token => (JsonNode)token)]),
                ["logprobs"] = new JsonArray([.. logprobs[i].Select(logprob => (JsonNode)logprob)]),
                ["finish_reason"] = answers[i].Ended ? "eos" : "length",
            }.ToJsonString(JsonStyle.Line));
        }
    }

    private static ReadOnlySpan<int> WithoutEnd(SampledAnswer answer) => answer.Ended ? answer.Tokens.AsSpan(0, answer.Tokens.Length - 1) : answer.Tokens;

    private static string Text(TextTokenizer? tokenizer, ReadOnlySpan<int> tokens) => tokenizer?.Decode(tokens) ?? string.Join(' ', tokens.ToArray());

    private static void Require(bool condition, string message)
    {
        if (!condition) throw new InputException(message);
    }
}
