using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using NativeRlhf.Data;

namespace NativeRlhf.Evaluation;

/// <summary>
/// HellaSwag (Zellers et al. 2019) as in lm-evaluation-harness 0.4: of four endings the most probable one after the context and a space.
/// <c>acc</c>: by the sum of log-probabilities; <c>acc_norm</c>: by the sum over the number of the ending's characters (Unicode code points,
/// without the space), which is how the harness computes it; <c>acc_bytes</c>: over the number of its UTF-8 bytes. Of equal choices the
/// first wins.
/// <para>
/// Files are the original JSON lines, which are joined and cleaned as the harness does (<c>activity_label: ctx_a Ctx_b</c>, bracketed
/// marks of WikiHow taken out), or plain text in which that is done already: six lines an item, with the context, the number of the right
/// ending from 0, and the four endings.
/// </para>
/// </summary>
public sealed partial class HellaSwag : BenchmarkSuite
{
    private const int Endings = 4, LinesOfAnItem = 2 + Endings;

    private sealed record Item(ChoiceItem Choice, int Gold);

    /// <inheritdoc/>
    public override string Name => "hellaswag";

    /// <inheritdoc/>
    public override string Description => "HellaSwag: the right one of four endings, plain and by length";

    /// <inheritdoc/>
    public override string Files => "hellaswag_val.jsonl, or text of six lines an item (.txt, .txt.bz2)";

    /// <inheritdoc/>
    public override SuiteResult Run(LikelihoodScorer scorer, IReadOnlyList<string> files, int? limit = null)
    {
        Item[] items = Items(files, limit, file => DataFile.Is(file, ".jsonl", ".json") ? ReadRows(file) : ReadText(file));
        var scores = MultipleChoice.Score(scorer, [.. items.Select(item => item.Choice)]);
        return new SuiteResult(
            Name, items.Length, scores.Count(score => score.IsTruncated),
            [
                Measure.Mean("acc", Right((_, score) => score.Best())),
                Measure.Mean("acc_norm", Right((item, score) => score.Best([.. item.Choice.Choices.Select(CodePoints)]))),
                Measure.Mean("acc_bytes", Right((item, score) => score.Best([.. item.Choice.Choices.Select(choice => (double)System.Text.Encoding.UTF8.GetByteCount(choice))]))),
            ],
            [.. items.Zip(scores, (item, score) => new JsonObject { ["place"] = item.Choice.Place.ToString(), ["gold"] = item.Gold, ["logprobs"] = Numbers(score.LogProbabilities) })]);

        double[] Right(Func<Item, ChoiceScores, int> choose) => [.. items.Zip(scores, (item, score) => choose(item, score) == item.Gold ? 1.0 : 0)];

        static double CodePoints(string text) => text.EnumerateRunes().Count();
    }

    private static IEnumerable<Item> ReadText(string file)
    {
        string[] lines = DataFile.ReadLines(file);
        for (int i = 0; i < lines.Length; i += LinesOfAnItem)
        {
            var place = new RowPlace(file, i + 1);
            if (i + LinesOfAnItem > lines.Length) throw place.Error($"the file ends within an item of {LinesOfAnItem} lines: a context, the number of the right ending, {Endings} endings");
            if (!int.TryParse(lines[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out int gold) || gold >= Endings)
                throw InputException.At(file, i + 2, $"'{Begin(lines[i + 1])}' is not the number of the right ending, 0 to {Endings - 1}; an item is a context, that number and {Endings} endings, a line each");
            for (int line = i; line < i + LinesOfAnItem; line++)
            {
                if (lines[line].Length == 0) throw InputException.At(file, line + 1, "the line is empty; contexts and endings are not");
            }

            yield return new Item(new ChoiceItem(lines[i], lines[(i + 2)..(i + LinesOfAnItem)], place), gold);
        }
    }

    private static IEnumerable<Item> ReadRows(string file)
    {
        foreach (var (place, row) in JsonRows.Read(file))
        {
            var fields = new RowFields(place, row);
            string second = Required("ctx_b", fields.Text("ctx_b"));
            // As str.capitalize of Python: the first letter large, all others small.
            string capitalized = second.Length > 0 ? char.ToUpperInvariant(second[0]) + second[1..].ToLowerInvariant() : "";
            string[] endings = [.. (fields.List("endings", "strings") ?? throw Missing("endings")).Select(ending => Clean(fields.AsText("endings", ending)))];
            if (endings.Length < 2 || endings.Any(ending => ending.Length == 0)) throw place.Error("'endings' must hold at least two texts, none of them empty");
            int gold = fields.Find("label") switch
            {
                { ValueKind: JsonValueKind.String } text when int.TryParse(text.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) => number,
                { ValueKind: JsonValueKind.Number } number when RowFields.TryInteger(number, out int value) => value,
                _ => throw place.Error("the row has no 'label', the number of the right ending; the test set is published without"),
            };
            if (gold < 0 || gold >= endings.Length) throw place.Error($"'label' is {gold}, and there are {endings.Length} endings, counted from 0");
            yield return new Item(new ChoiceItem(Clean($"{Required("activity_label", fields.Text("activity_label"))}: {Required("ctx_a", fields.Text("ctx_a"))} {capitalized}"), endings, place), gold);

            string Required(string name, string? value) => value ?? throw Missing(name);

            InputException Missing(string name) => place.Error($"the row has no '{name}'; a row of HellaSwag has activity_label, ctx_a, ctx_b, endings and label");
        }
    }

    private static string Clean(string text) => Marks().Replace(text.Trim().Replace(" [title]", ". ", StringComparison.Ordinal), "").Replace("  ", " ", StringComparison.Ordinal);

    private static string Begin(string text) => text.Length > 30 ? text[..30] + "…" : text;

    [GeneratedRegex(@"\[.*?\]")]
    private static partial Regex Marks();
}
