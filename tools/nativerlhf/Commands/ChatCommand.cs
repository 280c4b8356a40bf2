using System.CommandLine;
using NativeRlhf.Data;
using NativeRlhf.Rollout;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.Commands;

/// <summary>A conversation with a model.</summary>
internal static class ChatCommand
{
    public static Command Create()
    {
        var command = new Command("chat", """
            Talks with a model: a line from you, an answer, until the end of input (Ctrl-D). The model reads the conversation in the form of
            the 'messages' rows that it was tuned on; when it has no room left, it forgets the oldest turns. With --single every line is a
            prompt of its own, as in generate.

            Example:  nativerlhf chat --model runs/ppo/final --system "Be brief." --temperature 0.7
            """);
        var modelOption = new Option<string>("--model") { Description = "model directory", Required = true, HelpName = "dir" };
        var system = new Option<string?>("--system") { Description = "what the model is told before the conversation", HelpName = "text" };
        var single = new Option<bool>("--single") { Description = "no conversation: the model sees one line at a time" };
        foreach (Option option in new Option[] { modelOption, system, single }) command.Options.Add(option);
        var sampling = new SamplingArguments(command);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            var settings = sampling.Read(result);
            bool isSingle = result.GetValue(single);
            SamplingArguments.Require(!isSingle || result.GetValue(system) is null, "--system is part of a conversation, and --single has none");
            using var device = compute.Open(result);
            string directory = result.GetValue(modelOption)!;
            using var model = settings.Load(device, directory);
            var tokenizer = settings.Tokenizer(directory) ?? throw new InputException($"{directory}: has no tokenizer, and a conversation needs text; give --tokenizer DIR");
            var encoder = settings.Encoder(model.Config, tokenizer);
            var options = settings.Options(model.Config, compute.Seed(result));
            int room = model.Config.Positions - options.MaxNewTokens;
            using var sampler = new PromptSampler(model, tokenizer, 1, room, options.MaxNewTokens);
            var conversation = new Conversation(result.GetValue(system), isSingle, text => tokenizer.Encode(settings.Template.Replace(RowEncoder.PromptPlaceholder, text, StringComparison.Ordinal)).Length <= room);
            for (uint turn = 0; Read() is { } line;)
            {
                if (line.Length == 0) continue;
                if (conversation.Ask(line) is not { } prompt)
                {
                    Console.Error.WriteLine($"nativerlhf: the line does not fit into the {room} tokens that a prompt may have; say it shorter");
                    continue;
                }

                var row = new PromptRow(Content.OfText(prompt), [], new RowPlace("standard input", turn + 1));
                string answer = conversation.Hear(sampler.Answer([.. encoder.Prompts([row], new DataReport())], options, turn++)[0].Text!);
                Console.WriteLine(answer);
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static string? Read()
    {
        if (!Console.IsInputRedirected) Console.Write("> ");
        return Console.ReadLine();
    }
}
