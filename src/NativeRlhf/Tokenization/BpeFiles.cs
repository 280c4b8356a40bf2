using System.Globalization;
using System.Text;
using System.Text.Json;

namespace NativeRlhf.Tokenization;

/// <summary>
/// Reads the two public forms of a byte-level BPE: GPT-2's <c>vocab.json</c> with <c>merges.txt</c>, and Hugging Face's
/// <c>tokenizer.json</c>. Settings under which text would be encoded differently from GPT-2's way are errors that name
/// the setting. Padding and truncation, which concern batches, are not applied.
/// </summary>
internal static class BpeFiles
{
    /// <summary>
    /// Reads <c>vocab.json</c> and <c>merges.txt</c>. Added tokens are those that <c>tokenizer_config.json</c> or
    /// <c>added_tokens.json</c> declares, and those of the vocabulary that no merge makes and whose name is in brackets
    /// (<c>&lt;|endoftext|&gt;</c>, <c>[PAD]</c>).
    /// </summary>
    public static ByteLevelBpe LoadPair(string vocabularyFile, string mergesFile, string configFile, JsonElement? config)
    {
        CheckConfig(configFile, config);
        using JsonDocument document = JsonFile.Read(vocabularyFile);
        Dictionary<string, int> vocabulary = ReadVocabulary(vocabularyFile, "", document.RootElement);
        (List<(string Left, string Right)> merges, List<int> lines) = ReadMerges(mergesFile);

        var added = new List<AddedToken>(ReadDeclared(configFile, config));
        string addedFile = Path.Combine(Path.GetDirectoryName(vocabularyFile)!, TokenizerFiles.Added);
        if (File.Exists(addedFile))
        {
            using JsonDocument more = JsonFile.Read(addedFile);
            foreach ((string text, JsonElement id) in JsonFile.Properties(addedFile, "", more.RootElement))
            {
                if (!added.Exists(t => t.Text == text))
                    added.Add(new AddedToken(JsonFile.Id(addedFile, text, id), NotEmpty(addedFile, text), IsSpecial: true));
            }
        }

        var made = merges.Select(m => m.Left + m.Right).ToHashSet();
        foreach ((string token, int id) in vocabulary)
        {
            if (token is ['<', _, .., '>'] or ['[', _, .., ']'] && !made.Contains(token) && !added.Exists(t => t.Text == token))
                added.Add(new AddedToken(id, token, IsSpecial: true));
        }

        return Build(vocabulary, merges, added, configFile, config, new BpeSource(
            vocabularyFile, configFile, (i, message) => InputException.At(mergesFile, lines[i], message)));
    }

    /// <summary>Reads <c>tokenizer.json</c>.</summary>
    public static ByteLevelBpe LoadCombined(string file, string configFile, JsonElement? config)
    {
        CheckConfig(configFile, config);
        using JsonDocument document = JsonFile.Read(file);
        JsonElement root = document.RootElement;
        JsonElement model = JsonFile.Optional(root, "model") ?? throw new InputException($"{file}: \"model\" is missing");
        if (model.ValueKind != JsonValueKind.Object)
            throw JsonFile.Wrong(file, "model", "an object", model);
        CheckPipeline(file, root, model);

        Dictionary<string, int> vocabulary = ReadVocabulary(
            file, "model.vocab", JsonFile.Optional(model, "vocab") ?? throw new InputException($"{file}: \"model.vocab\" is missing"));
        var merges = new List<(string Left, string Right)>();
        foreach (JsonElement merge in JsonFile.Items(file, "model.merges", JsonFile.Optional(model, "merges") ?? throw new InputException($"{file}: \"model.merges\" is missing")))
        {
            string key = $"model.merges[{merges.Count}]";
            string[] parts = merge.ValueKind == JsonValueKind.Array
                ? [.. merge.EnumerateArray().Select(part => JsonFile.Text(file, key, part))]
                : JsonFile.Text(file, key, merge).Split(' ');
            merges.Add(parts is [{ Length: > 0 } left, { Length: > 0 } right] ? (left, right) : throw JsonFile.Wrong(file, key, "a pair of tokens", merge));
        }

        var added = new List<AddedToken>();
        if (JsonFile.Optional(root, "added_tokens") is { } list)
        {
            foreach (JsonElement token in JsonFile.Items(file, "added_tokens", list))
            {
                string key = $"added_tokens[{added.Count}]";
                JsonElement id = JsonFile.Optional(token, "id") ?? throw JsonFile.Wrong(file, key, "an object with \"id\" and \"content\"", token);
                added.Add(ReadAdded(file, key, JsonFile.Id(file, key + ".id", id), token));
            }
        }

        return Build(vocabulary, merges, added, configFile, config, new BpeSource(
            file, configFile, (i, message) => new InputException($"{file}: \"model.merges[{i}]\": {message}")));
    }

    private static ByteLevelBpe Build(
        Dictionary<string, int> vocabulary,
        List<(string Left, string Right)> merges,
        List<AddedToken> added,
        string configFile,
        JsonElement? config,
        BpeSource source)
    {
        foreach (AddedToken token in added)
        {
            if (vocabulary.Remove(token.Text, out int id) && id != token.Id)
                throw new InputException($"{source.Vocabulary}: the token {JsonFile.Quote(token.Text)} has id {id} in the vocabulary and id {token.Id} as an added token");
        }

        string? endOfText = null;
        if (config is { } root && JsonFile.Optional(root, "eos_token") is { } eos)
            endOfText = JsonFile.Text(configFile, "eos_token", JsonFile.Optional(eos, "content") ?? eos);
        return new ByteLevelBpe(vocabulary, merges, [.. added.OrderBy(t => t.Id)], endOfText, source);
    }

    private static Dictionary<string, int> ReadVocabulary(string file, string key, JsonElement element)
    {
        var vocabulary = new Dictionary<string, int>(element.ValueKind == JsonValueKind.Object ? element.GetPropertyCount() : 0);
        foreach ((string token, JsonElement id) in JsonFile.Properties(file, key, element))
            vocabulary.Add(token, JsonFile.Id(file, token, id));
        return vocabulary;
    }

    private static (List<(string Left, string Right)> Merges, List<int> Lines) ReadMerges(string file)
    {
        var merges = new List<(string Left, string Right)>();
        var lines = new List<int>();
        using var reader = new StringReader(Encoding.UTF8.GetString(JsonFile.ReadUtf8(file).Span));
        for (int line = 1; reader.ReadLine() is { } text; line++)
        {
            if (text.Length == 0 || text.StartsWith("#version", StringComparison.Ordinal))
                continue;
            merges.Add(text.Split(' ') is [{ Length: > 0 } left, { Length: > 0 } right]
                ? (left, right)
                : throw InputException.At(file, line, $"expected two tokens separated by one space, found {JsonFile.Quote(text)}"));
            lines.Add(line);
        }

        return (merges, lines);
    }

    private static IEnumerable<AddedToken> ReadDeclared(string configFile, JsonElement? config)
    {
        const string Key = "added_tokens_decoder";
        if (config is not { } root || JsonFile.Optional(root, Key) is not { } declared)
            yield break;
        foreach ((string name, JsonElement token) in JsonFile.Properties(configFile, Key, declared))
        {
            string key = $"{Key}.{name}";
            yield return int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                ? ReadAdded(configFile, key, id, token)
                : throw new InputException($"{configFile}: in \"{Key}\" the key {JsonFile.Quote(name)} is no token id");
        }
    }

    private static AddedToken ReadAdded(string file, string key, int id, JsonElement token)
    {
        JsonElement content = JsonFile.Optional(token, "content") ?? throw JsonFile.Wrong(file, key, "an object with \"content\"", token);
        foreach (string flag in new[] { "lstrip", "rstrip", "single_word" })
        {
            if (JsonFile.IsTrue(token, flag))
                throw Unsupported(file, $"{key}.{flag}", "true", "added tokens that take part of their surroundings");
        }

        return new AddedToken(id, NotEmpty(file, JsonFile.Text(file, key + ".content", content)), JsonFile.IsTrue(token, "special"));
    }

    private static string NotEmpty(string file, string text) =>
        text.Length > 0 ? text : throw new InputException($"{file}: an added token has no text");

    private static void CheckConfig(string file, JsonElement? config)
    {
        if (config is not { } root)
            return;
        foreach (string flag in new[] { "add_prefix_space", "add_bos_token", "add_eos_token" })
        {
            if (JsonFile.IsTrue(root, flag))
                throw Unsupported(file, flag, "true", "text is encoded as it is");
        }
    }

    private static void CheckPipeline(string file, JsonElement root, JsonElement model)
    {
        string type = TypeOf(model);
        if (type != "BPE")
            throw Unsupported(file, "model.type", type, "only byte-level \"BPE\" is");
        foreach (string key in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (JsonFile.Optional(model, key) is { } affix && !(affix.ValueKind == JsonValueKind.String && affix.ValueEquals("")))
                throw Unsupported(file, $"model.{key}", affix.ToString(), "byte-level BPE has none");
        }

        if (JsonFile.Optional(model, "dropout") is { } dropout && !(dropout.ValueKind == JsonValueKind.Number && dropout.TryGetDouble(out double rate) && rate == 0))
            throw Unsupported(file, "model.dropout", dropout.GetRawText(), "encoding is deterministic");
        foreach (string key in new[] { "byte_fallback", "ignore_merges" })
        {
            if (JsonFile.IsTrue(model, key))
                throw Unsupported(file, $"model.{key}", "true", "GPT-2's merging has no such exception");
        }

        if (JsonFile.Optional(root, "normalizer") is { } normalizer)
            throw Unsupported(file, "normalizer", TypeOf(normalizer), "text is encoded as it is");

        JsonElement preTokenizer = Only(root, "pre_tokenizer", "pretokenizers");
        if (TypeOf(preTokenizer) != "ByteLevel")
            throw Unsupported(file, "pre_tokenizer", TypeOf(preTokenizer), "only \"ByteLevel\" is");
        // Hugging Face's default of an absent add_prefix_space is true.
        if (JsonFile.Optional(preTokenizer, "add_prefix_space")?.ValueKind != JsonValueKind.False)
            throw Unsupported(file, "pre_tokenizer.add_prefix_space", "true", "only false is");
        if (JsonFile.Optional(preTokenizer, "use_regex")?.ValueKind == JsonValueKind.False)
            throw Unsupported(file, "pre_tokenizer.use_regex", "false", "only GPT-2's splitting rule is");

        JsonElement postProcessor = Only(root, "post_processor", "processors");
        bool adds = TypeOf(postProcessor) switch
        {
            "none" or "ByteLevel" => false,
            "TemplateProcessing" => !postProcessor.TryGetProperty("single", out JsonElement single)
                || single.ValueKind != JsonValueKind.Array
                || single.EnumerateArray().Any(piece => JsonFile.Optional(piece, "Sequence") is null),
            _ => true,
        };
        if (adds)
            throw Unsupported(file, "post_processor", TypeOf(postProcessor), "no tokens are put around a text");

        JsonElement decoder = Only(root, "decoder", "decoders");
        if (TypeOf(decoder) is not ("none" or "ByteLevel"))
            throw Unsupported(file, "decoder", TypeOf(decoder), "only \"ByteLevel\" is");
    }

    /// <summary>A step of the pipeline; a sequence of one step is that step.</summary>
    private static JsonElement Only(JsonElement root, string key, string list)
    {
        JsonElement step = JsonFile.Optional(root, key) ?? default;
        return TypeOf(step) == "Sequence" && JsonFile.Optional(step, list) is { ValueKind: JsonValueKind.Array } steps && steps.GetArrayLength() == 1
            ? steps[0]
            : step;
    }

    private static string TypeOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Undefined => "none",
        _ when JsonFile.Optional(element, "type") is { ValueKind: JsonValueKind.String } type => type.ToString(),
        _ => "unnamed",
    };

    private static InputException Unsupported(string file, string key, string value, string supported) =>
        new($"{file}: \"{key}\" is {value}, which is not supported: {supported}");
}
