using System.Text.Json;

namespace NativeRlhf.Data;

/// <summary>
/// Reads the message trees of OpenAssistant (Köpf et al. 2023): every message may have several replies, and people have
/// ranked those of the assistant. Each message with at least two ranked replies becomes one ranking: the prompt is the
/// path of messages that leads to the replies, written as a <see cref="Transcript"/>; ranks count from 1 instead of 0.
/// Replies without a rank and deleted messages are left out.
/// </summary>
public static class OpenAssistantTrees
{
    /// <summary>The rankings of all trees of a file with one tree a row.</summary>
    /// <param name="file">The file to read.</param>
    /// <returns>The rankings, tree by tree, parents before children; read as they are asked for.</returns>
    /// <exception cref="InputException">The file cannot be read, or a row is no tree; the message names the line.</exception>
    public static IEnumerable<Ranking> Rankings(string file)
    {
        foreach ((RowPlace place, JsonElement row) in JsonRows.Read(file))
        {
            JsonElement root = new RowFields(place, row).Find("prompt") is { ValueKind: JsonValueKind.Object } prompt
                ? prompt
                : throw place.Error("the row is no message tree: its 'prompt' must be a message with 'text', 'role' and 'replies'");
            var rankings = new List<Ranking>();
            Collect(new RowFields(place, root), [], rankings);
            foreach (Ranking ranking in rankings)
                yield return ranking;
        }
    }

    private static void Collect(RowFields message, List<Message> path, List<Ranking> rankings)
    {
        path.Add(new Message(
            message.Text("role") switch
            {
                "prompter" => Speaker.Human,
                "assistant" => Speaker.Assistant,
                var role => throw message.Place.Error($"a message has the role '{role}'; known are prompter and assistant"),
            },
            TextOf(message)));

        var answers = new List<Content>();
        var ranks = new List<int>();
        var children = new List<RowFields>();
        foreach (JsonElement element in message.List("replies", "messages") ?? [])
        {
            if (element.ValueKind != JsonValueKind.Object)
                throw message.Place.Error($"'replies' must hold messages, not {RowFields.Describe(element)}");
            var reply = new RowFields(message.Place, element);
            if (reply.Find("deleted") is { ValueKind: JsonValueKind.True })
                continue;
            children.Add(reply);
            if (reply.Find("rank") is not { } rank || reply.Text("role") != "assistant")
                continue;
            if (!RowFields.TryInteger(rank, out int value) || value is < 0 or int.MaxValue)
                throw message.Place.Error($"'rank' must be an integer ≥ 0, not {RowFields.Describe(rank)}");
            answers.Add(Content.OfText(Transcript.Completion(TextOf(reply))));
            ranks.Add(value + 1);
        }
        if (answers.Count >= 2)
            rankings.Add(new Ranking(Content.OfText(Transcript.Prompt(path)), answers, ranks, message.Place));
        foreach (RowFields child in children)
            Collect(child, path, rankings);
        path.RemoveAt(path.Count - 1);
    }

    private static string TextOf(RowFields message) =>
        message.Text("text") ?? throw message.Place.Error("a message has no 'text'");
}
