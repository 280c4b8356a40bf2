using System.Text.Json;
using System.Text.Json.Nodes;

namespace NativeRlhf.Data;

/// <summary>
/// Reads data files, one row at a time, and checks the form of every row. Files are JSON lines or a JSON array
/// (<c>.jsonl</c>, <c>.json</c>), for <see cref="Documents"/> also plain text (<c>.txt</c>), each also with <c>.gz</c>;
/// UTF-8, with or without a byte order mark. Fields that a row does not need are ignored, a field that is <c>null</c> counts as
/// absent, and a field that occurs twice is an error.
/// </summary>
/// <remarks>
/// The text of a prompt comes from the first of these that the row has:
/// <list type="number">
/// <item><c>prompt_tokens</c> (ids) or <c>prompt</c>;</item>
/// <item><c>instruction</c>, followed by a line break and <c>input</c> where that is not empty (Alpaca): <c>instruction + "\n" + input</c>;</item>
/// <item><c>messages</c> (<c>[{role, content}…]</c>) or <c>conversations</c> (<c>[{from, value}…]</c>): see <see cref="Transcript"/>. Roles are
/// <c>system</c>; <c>user</c>, <c>human</c> or <c>prompter</c>; <c>assistant</c> or <c>gpt</c>.</item>
/// </list>
/// Wherever a row may hold text it may hold token ids instead (<c>tokens</c>, <c>prompt_tokens</c>, <c>completion_tokens</c>,
/// <c>chosen_tokens</c>, <c>rejected_tokens</c>), which win where both are there.
/// </remarks>
public static class RowReader
{
    /// <summary>Documents for pretraining: <c>{"text"}</c> or <c>{"tokens"}</c>; a text file is one document.</summary>
    /// <param name="file">The file to read.</param>
    /// <returns>The documents in file order, read as they are asked for.</returns>
    /// <exception cref="InputException">The file cannot be read, or a row is malformed; the message names the line.</exception>
    public static IEnumerable<Document> Documents(string file)
    {
        if (DataFile.Is(file, ".txt"))
        {
            yield return new Document(Content.OfText(DataFile.ReadText(file)), new RowPlace(file, 1));
            yield break;
        }
        foreach (Document document in Read(file, Row))
            yield return document;

        static Document Row(RowFields fields) => new(
            fields.Content("text", "tokens")
                ?? throw fields.Place.Error("the row has no 'text'; a document is {\"text\": …} or {\"tokens\": […]}"),
            fields.Place);
    }

    /// <summary>
    /// Demonstrations for supervised fine-tuning: a prompt and <c>completion</c>; <c>instruction</c>, <c>input</c> and
    /// <c>output</c>; <c>messages</c> that end with the assistant, whose last message alone is learned; or
    /// <c>{"tokens"}</c>, a sequence that is learned from its second token on.
    /// </summary>
    /// <param name="file">The file to read.</param>
    /// <returns>The demonstrations in file order, read as they are asked for.</returns>
    /// <exception cref="InputException">The file cannot be read, or a row is malformed; the message names the line.</exception>
    public static IEnumerable<Demonstration> Demonstrations(string file) => Read(file, fields =>
        Demonstration(fields) ?? throw fields.Place.Error(
            "the row is no demonstration; give 'prompt' and 'completion', 'instruction' and 'output', 'messages', or 'tokens'"));

    /// <summary>
    /// Sequences to be scored: everything that <see cref="Demonstrations"/> reads, and <c>{"text"}</c>.
    /// </summary>
    /// <param name="file">The file to read.</param>
    /// <returns>The sequences in file order, read as they are asked for.</returns>
    /// <exception cref="InputException">The file cannot be read, or a row is malformed; the message names the line.</exception>
    public static IEnumerable<Demonstration> Sequences(string file) => Read(file, fields =>
        Demonstration(fields)
        ?? (fields.Text("text") is { } text ? new Demonstration(null, Content.OfText(text), fields.Place) : null)
        ?? throw fields.Place.Error("the row has nothing to score; give 'prompt' and 'completion', 'text', or 'tokens'"));

    /// <summary>
    /// Comparisons: a prompt with <c>chosen</c> and <c>rejected</c>; a prompt with K ≥ 2 <c>completions</c> and their
    /// <c>ranks</c>; or, without a prompt, two transcripts <c>chosen</c> and <c>rejected</c> with a shared beginning
    /// (HH-RLHF), split at its last <c>"\n\nAssistant:"</c>. <c>chosen</c> and <c>rejected</c> may also be messages or
    /// lists of messages that differ in the last one. An answer may be empty: a policy may give such a one. <c>labeler</c>, a
    /// name or an integer id, says who ranked them.
    /// </summary>
    /// <param name="file">The file to read.</param>
    /// <returns>The rankings in file order, read as they are asked for.</returns>
    /// <exception cref="InputException">The file cannot be read, or a row is malformed; the message names the line.</exception>
    public static IEnumerable<Ranking> Rankings(string file) => Read(file, fields =>
        fields.Has("completions") || fields.Has("ranks") ? Ranked(fields)
        : fields.Has("chosen") || fields.Has("rejected") || fields.Has("chosen_tokens") || fields.Has("rejected_tokens") ? Pair(fields)
        : throw fields.Place.Error("the row is no comparison; give 'prompt' with 'chosen' and 'rejected', or with 'completions' and 'ranks'"));

    /// <summary>
    /// Prompts for sampling. Beside the forms of a prompt, these are taken: messages that end with an answer, which
    /// is left out; the shared beginning of a pair of transcripts; and <c>tokens</c>.
    /// </summary>
    /// <param name="file">The file to read.</param>
    /// <returns>The prompts in file order, read as they are asked for.</returns>
    /// <exception cref="InputException">The file cannot be read, or a row is malformed; the message names the line.</exception>
    public static IEnumerable<PromptRow> Prompts(string file) => Read(file, fields =>
    {
        Content prompt = Prompt(fields)?.Content
            ?? (fields.Find("chosen") is { ValueKind: JsonValueKind.String } && fields.Has("rejected") ? Pair(fields).Prompt : null as Content?)
            ?? (fields.Ids("tokens") is { } ids ? Content.OfTokens(ids) : null as Content?)
            ?? throw fields.Place.Error("the row has no 'prompt'; give 'prompt', 'prompt_tokens', 'instruction' or 'messages'");
        var others = new JsonObject();
        foreach (JsonProperty property in fields.Row.EnumerateObject())
        {
            if (property.Name is not ("prompt" or "prompt_tokens"))
                others[property.Name] = ToNode(property.Value);
        }
        return new PromptRow(prompt, others, fields.Place);
    });

    private static IEnumerable<T> Read<T>(string file, Func<RowFields, T> parse)
    {
        if (!DataFile.Is(file, ".jsonl", ".json"))
            throw new InputException($"{file}: not a kind of file that is read here; rows come as .jsonl or .json, also with .gz (and text for pretraining as .txt)");
        foreach ((RowPlace place, JsonElement row) in JsonRows.Read(file))
            yield return parse(new RowFields(place, row));
    }

    private static Demonstration? Demonstration(RowFields fields)
    {
        bool completes = fields.Has("completion") || fields.Has("completion_tokens");
        if (completes || fields.Has("prompt") || fields.Has("prompt_tokens"))
        {
            (Content prompt, _) = RequiredPrompt(fields);
            return new Demonstration(
                prompt,
                NotEmpty("completion", fields.Content("completion", "completion_tokens")
                    ?? throw fields.Place.Error("the row has no 'completion'; a demonstration is {\"prompt\": …, \"completion\": …}")),
                fields.Place);
        }
        if (fields.Has("instruction"))
        {
            return new Demonstration(
                Prompt(fields)!.Value.Content,
                NotEmpty("output", Content.OfText(fields.Text("output")
                    ?? throw fields.Place.Error("the row has an 'instruction' but no 'output'"))),
                fields.Place);
        }
        if (Messages(fields) is { } messages)
        {
            if (messages is not [.. var before, { Speaker: Speaker.Assistant } answer] || before.Length == 0)
                throw fields.Place.Error("the last message must be the assistant's answer to the ones before it");
            NotEmpty("messages", Content.OfText(answer.Text));
            return new Demonstration(
                Content.OfText(Transcript.Prompt(before)), Content.OfText(Transcript.Completion(answer.Text)), fields.Place);
        }
        return fields.Ids("tokens") is { } ids ? new Demonstration(null, Content.OfTokens(ids), fields.Place) : null;

        Content NotEmpty(string name, Content content) =>
            content.Text is "" || content.Tokens is []
                ? throw fields.Place.Error($"'{name}' is empty; a demonstration must show an answer")
                : content;
    }

    private static Ranking Ranked(RowFields fields)
    {
        (Content prompt, bool conversation) = RequiredPrompt(fields);
        Content[] completions;
        string name;
        if (fields.List("completion_tokens", "lists of token ids") is { } idLists)
        {
            name = "completion_tokens";
            completions = [.. idLists.Select((ids, k) => Content.OfTokens(fields.AsIds($"{name}[{k}]", ids)))];
        }
        else
        {
            name = "completions";
            JsonElement[] texts = fields.List(name, "strings")
                ?? throw fields.Place.Error("the row has 'ranks' but no 'completions'");
            completions = [.. texts.Select((text, k) => Answer(fields.AsText($"{name}[{k}]", text), conversation))];
        }
        JsonElement[] ranks = fields.List("ranks", "integers")
            ?? throw fields.Place.Error($"the row has '{name}' but no 'ranks'; give each answer its rank, 1 for the best, or let compare rank them with --rank-by");
        if (completions.Length < 2)
            throw fields.Place.Error($"'{name}' holds {completions.Length}; a ranking needs at least 2");
        if (ranks.Length != completions.Length)
            throw fields.Place.Error($"'ranks' holds {ranks.Length} for {completions.Length} {name}; there must be one rank for each");
        return new Ranking(prompt, completions, [.. ranks.Select(Rank)], fields.Place, fields.Name("labeler"));

        int Rank(JsonElement rank, int k) =>
            RowFields.TryInteger(rank, out int value) && value >= 1
                ? value
                : throw fields.Place.Error($"'ranks'[{k}] must be an integer ≥ 1 (1 is best), not {RowFields.Describe(rank)}");
    }

    private static Ranking Pair(RowFields fields)
    {
        foreach (string name in (string[])["chosen", "rejected"])
        {
            if (!fields.Has(name) && !fields.Has(name + "_tokens"))
                throw fields.Place.Error($"the row has no '{name}'; a comparison is {{\"prompt\": …, \"chosen\": …, \"rejected\": …}}");
        }
        JsonElement? chosen = fields.Find("chosen");
        JsonElement? rejected = fields.Find("rejected");
        if (chosen is { ValueKind: JsonValueKind.Array } || rejected is { ValueKind: JsonValueKind.Array })
        {
            if (chosen is not { } first || rejected is not { } second)
                throw fields.Place.Error("'chosen' and 'rejected' must both be messages, or both token ids");
            Message[] better = AsMessages(fields, "chosen", first);
            Message[] worse = AsMessages(fields, "rejected", second);
            if (better.Length < 2 || !better.AsSpan()[..^1].SequenceEqual(worse.AsSpan()[..^1])
                || better[^1].Speaker != Speaker.Assistant || worse[^1].Speaker != Speaker.Assistant)
                throw fields.Place.Error("'chosen' and 'rejected' must be the same messages up to the last one, which is the assistant's");
            return Row(
                Content.OfText(Transcript.Prompt(better[..^1])), Answer(better[^1].Text, true), Answer(worse[^1].Text, true));
        }
        if (Prompt(fields) is var (prompt, conversation))
            return Row(prompt, Completion("chosen", chosen, conversation), Completion("rejected", rejected, conversation));
        if (chosen is not { ValueKind: JsonValueKind.String } || rejected is not { ValueKind: JsonValueKind.String })
            throw fields.Place.Error("the row has no 'prompt'; only two transcripts 'chosen' and 'rejected' can do without");
        (string shared, string chosenAnswer, string rejectedAnswer) =
            Transcript.Split(fields.Text("chosen")!, fields.Text("rejected")!)
            ?? throw fields.Place.Error("the row has no 'prompt', and 'chosen' and 'rejected' do not share a beginning with \"\\n\\nAssistant:\" in it");
        return Row(Content.OfText(shared), Content.OfText(chosenAnswer), Content.OfText(rejectedAnswer));

        Ranking Row(Content prompt, Content better, Content worse) => new(prompt, [better, worse], [1, 2], fields.Place, fields.Name("labeler"));

        Content Completion(string name, JsonElement? value, bool conversation)
        {
            if (fields.Ids(name + "_tokens") is { } ids)
                return Content.OfTokens(ids);
            return Answer(
                value is { ValueKind: JsonValueKind.Object } message ? AsMessage(fields, name, message).Text : fields.AsText(name, value!.Value),
                conversation);
        }
    }

    private static Content Answer(string text, bool conversation) =>
        Content.OfText(conversation ? Transcript.Completion(text) : text);

    private static (Content Content, bool Conversation) RequiredPrompt(RowFields fields) =>
        Prompt(fields) ?? throw fields.Place.Error("the row has no 'prompt' (nor 'prompt_tokens', 'instruction' or 'messages')");

    /// <summary>The prompt of a row, and whether it is a conversation, whose answers begin with a space.</summary>
    private static (Content Content, bool Conversation)? Prompt(RowFields fields)
    {
        if (fields.Content("prompt", "prompt_tokens") is { } prompt)
            return (prompt, false);
        if (fields.Text("instruction") is { } instruction)
            return (Content.OfText(fields.Text("input") is { Length: > 0 } input ? instruction + "\n" + input : instruction), false);
        if (Messages(fields) is not { } messages)
            return null;
        if (messages is [.. var before, { Speaker: Speaker.Assistant }])
            messages = before;
        return messages.Length > 0
            ? (Content.OfText(Transcript.Prompt(messages)), true)
            : throw fields.Place.Error("'messages' holds no prompt");
    }

    private static Message[]? Messages(RowFields fields)
    {
        string name = fields.Has("messages") ? "messages" : "conversations";
        return fields.Find(name) is { } value ? AsMessages(fields, name, value) : null;
    }

    private static Message[] AsMessages(RowFields fields, string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
            throw fields.Place.Error($"'{name}' must be a list of messages {{\"role\": …, \"content\": …}}, not {(value.ValueKind == JsonValueKind.Array ? "an empty one" : RowFields.Describe(value))}");
        return [.. value.EnumerateArray().Select((message, i) => AsMessage(fields, $"{name}[{i}]", message))];
    }

    private static Message AsMessage(RowFields fields, string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw fields.Place.Error($"'{name}' must be a message {{\"role\": …, \"content\": …}}, not {RowFields.Describe(value)}");
        var message = new RowFields(fields.Place, value);
        string role = message.Text("role") ?? message.Text("from")
            ?? throw fields.Place.Error($"'{name}' has no 'role'");
        string content = message.Text("content") ?? message.Text("value")
            ?? throw fields.Place.Error($"'{name}' has no 'content'");
        return new Message(
            role switch
            {
                "system" => Speaker.System,
                "user" or "human" or "prompter" => Speaker.Human,
                "assistant" or "gpt" => Speaker.Assistant,
                _ => throw fields.Place.Error($"'{name}' has the role '{role}'; known are system, user and assistant"),
            },
            content);
    }

    private static JsonNode? ToNode(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(value.Clone()),
        JsonValueKind.Array => JsonArray.Create(value.Clone()),
        _ => JsonValue.Create(value.Clone()),
    };
}
