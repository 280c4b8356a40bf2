using System.Globalization;

namespace NativeRlhf.Data;

/// <summary>What became of the rows of a data set: nothing is dropped or cut without being counted here.</summary>
public sealed record DataReport
{
    /// <summary>Rows read.</summary>
    public long Rows { get; set; }

    /// <summary>Rows left out because they were too long.</summary>
    public long Dropped { get; set; }

    /// <summary>Rows kept but cut.</summary>
    public long Truncated { get; set; }

    /// <summary>Rankings left out because all their answers are tied, so that there is nothing to compare.</summary>
    public long WithoutPairs { get; set; }

    /// <summary>Pairs of answers of which one is better, over the rankings kept.</summary>
    public long Pairs { get; set; }

    /// <summary>Pairs of answers that are tied, over all rankings; they do not count for the loss.</summary>
    public long Ties { get; set; }

    /// <summary>Pairs kept whose two answers are the same tokens: their loss is ln 2 whatever the model does.</summary>
    public long IdenticalPairs { get; set; }

    /// <summary>Tokens in the rows kept.</summary>
    public long Tokens { get; set; }

    /// <summary>Tokens at the end of the pretraining text that fill no window of two tokens: 0 or 1.</summary>
    public long LeftOverTokens { get; set; }

    /// <summary>Rows kept.</summary>
    public long Kept => Rows - Dropped - WithoutPairs;

    /// <summary>One line for people: <c>1,100 rows, 61,234 tokens; 3 dropped as too long</c>.</summary>
    /// <returns>The line.</returns>
    public override string ToString()
    {
        var parts = new List<string>();
        Add(Dropped, "dropped as too long");
        Add(Truncated, "truncated");
        Add(WithoutPairs, "left out because all answers are tied");
        Add(Ties, "tied pairs not counted");
        Add(IdenticalPairs, "pairs of identical answers");
        Add(LeftOverTokens, "token left over");
        string pairs = Pairs > 0 ? $", {Number(Pairs)} pairs" : "";
        string details = parts.Count > 0 ? "; " + string.Join(", ", parts) : "";
        return $"{Number(Rows)} rows{pairs}, {Number(Tokens)} tokens{details}";

        void Add(long count, string what)
        {
            if (count > 0)
                parts.Add($"{Number(count)} {what}");
        }

        static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
    }
}
