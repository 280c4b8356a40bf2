using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using NativeRlhf.Data;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Commands;

/// <summary>Training and use of tokenizers.</summary>
internal static class TokenizerCommand
{
    public static Command Create() => new("tokenizer", """
        Trains a tokenizer, and turns text into token ids and back.

        Example:  nativerlhf tokenizer train --data book.txt --vocab-size 1024 --out my-tokenizer
        """)
    {
        Train(),
        Encode(),
        Decode(),
    };

    private static Command Train()
    {
        var command = new Command("train", """
            Trains a byte-level BPE, or collects the alphabet of a character tokenizer.

            Example:  nativerlhf tokenizer train --data book.txt --vocab-size 1024 --out my-tokenizer
            """);
        var data = PretrainCommand.DataOption("--data", "text files");
        data.Required = true;
        var output = new Option<string>("--out") { Description = "folder of the tokenizer", Required = true, HelpName = "dir" };
        var size = new Option<int>("--vocab-size") { Description = "token ids of a BPE, 257 or more", DefaultValueFactory = _ => 1024, HelpName = "n" };
        var type = new Option<string>("--type") { Description = "bpe or char", DefaultValueFactory = _ => "bpe", HelpName = "type" };
        type.AcceptOnlyFromAmong("bpe", "char");
        foreach (Option option in new Option[] { data, output, size, type }) command.Options.Add(option);
        command.SetAction(result =>
        {
            OutputFolder.MustBeNew(result.GetValue(output)!);
            if (result.GetValue(size) is < 257 or > 1 << 20) throw new InputException($"--vocab-size {result.GetValue(size)}: must be 257 to {1 << 20}: 256 bytes and the end of text");
            var documents = result.GetValue(data)!.SelectMany(RowReader.Documents).Select(document =>
                document.Content.Text ?? throw document.Place.Error("the row has token ids; a tokenizer is trained on text"));
            TextTokenizer tokenizer = result.GetValue(type) == "char"
                ? CharTokenizer.Train(documents)
                : BpeTrainer.Train(documents, new BpeTrainerOptions { VocabularySize = result.GetValue(size) });
            tokenizer.Save(result.GetValue(output)!);
            Console.WriteLine($"{result.GetValue(output)}: {tokenizer.VocabularySize} tokens");
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Encode()
    {
        var command = new Command("encode", """
            Prints the token ids of a text, or of standard input.

            Example:  nativerlhf tokenizer encode --tokenizer my-tokenizer --text "Hello, world"
            """);
        var tokenizer = new Option<string>("--tokenizer") { Description = "folder of a tokenizer or model", Required = true, HelpName = "dir" };
        var text = new Option<string?>("--text") { Description = "the text; standard input without it", HelpName = "text" };
        var json = new Option<bool>("--json") { Description = "one JSON object with ids and their texts" };
        foreach (Option option in new Option[] { tokenizer, text, json }) command.Options.Add(option);
        command.SetAction(result =>
        {
            var loaded = TextTokenizer.Load(result.GetValue(tokenizer)!);
            int[] ids = result.GetValue(text) is { } given ? loaded.Encode(given) : loaded.EncodeBytes(ReadInput());
            if (result.GetValue(json))
            {
                Console.WriteLine(new JsonObject
                {
                    ["tokens"] = new JsonArray([.. ids.Select(id => (JsonNode)id)]),
                    ["texts"] = new JsonArray([.. ids.Select(id => (JsonNode)loaded.Decode([id]))]),
                }.ToJsonString(JsonStyle.Line));
            }
            else
            {
                Console.WriteLine(string.Join(' ', ids));
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Decode()
    {
        var command = new Command("decode", """
            Prints the text of token ids, given as arguments or on standard input.

            Example:  nativerlhf tokenizer decode --tokenizer my-tokenizer 15496 11 995
            """);
        var tokenizer = new Option<string>("--tokenizer") { Description = "folder of a tokenizer or model", Required = true, HelpName = "dir" };
        var ids = new Argument<int[]>("ids") { Description = "token ids", Arity = ArgumentArity.ZeroOrMore };
        command.Options.Add(tokenizer);
        command.Arguments.Add(ids);
        command.SetAction(result =>
        {
            var loaded = TextTokenizer.Load(result.GetValue(tokenizer)!);
            int[] given = result.GetValue(ids) is { Length: > 0 } arguments ? arguments : ReadIds();
            foreach (int id in given)
            {
                if (id < 0 || id >= loaded.VocabularySize) throw new InputException($"token id {id} is not one of the tokenizer's, 0 to {loaded.VocabularySize - 1}");
            }

            using var output = Console.OpenStandardOutput();
            output.Write(loaded.DecodeBytes(given));
            return ExitCodes.Done;
        });
        return command;
    }

    private static byte[] ReadInput()
    {
        using var input = Console.OpenStandardInput();
        using var memory = new MemoryStream();
        input.CopyTo(memory);
        return memory.ToArray();
    }

    private static int[] ReadIds() => [.. Encoding.UTF8.GetString(ReadInput()).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(word =>
        int.TryParse(word, out int id) ? id : throw new InputException($"standard input: '{word}' is not a token id"))];
}
