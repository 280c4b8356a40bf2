using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.Evaluation;

/// <summary><c>--json</c> and <c>--out</c> of evaluations, and the numbers as people read them.</summary>
internal sealed class EvaluationOutput
{
    private readonly Option<bool> _json = new("--json") { Description = "the result as a line of JSON" };
    private readonly Option<string?> _out = new("--out") { Description = "file of JSON lines to write, a row for every item; must not exist", HelpName = "file" };

    public EvaluationOutput(Command command)
    {
        command.Options.Add(_json);
        command.Options.Add(_out);
    }

    public bool IsJson(ParseResult result) => result.GetValue(_json);

    /// <exception cref="InputException">The file exists, or cannot be written.</exception>
    public void Check(ParseResult result)
    {
        if (result.GetValue(_out) is not { } file) return;
        if (Path.Exists(file)) throw new InputException($"{file}: exists; choose another --out");
        OutputFolder.MustBeWritable(file);
    }

    /// <summary>Writes the rows to the file, if there is to be one.</summary>
    public void Write(ParseResult result, IEnumerable<JsonObject> rows)
    {
        if (result.GetValue(_out) is { } file) JsonLines.Write(file, rows);
    }

    public static void Print(IReadOnlyList<Measure> measures)
    {
        int width = measures.Max(measure => measure.Name.Length);
        foreach (var measure in measures)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {measure.Name.PadRight(width)}  {Short(measure.Value)}{(measure.StandardError is { } error ? $" ± {Short(error)}" : "")}  95 % {Short(measure.Low)} … {Short(measure.High)}{(measure.Count != measures[0].Count ? $"  (n {measure.Count})" : "")}"));
        }
    }

    /// <summary>Shares with four digits, and what is larger with as many as matter.</summary>
    private static string Short(double value) => value.ToString(Math.Abs(value) is >= 1e6 or double.NaN ? "0.###e+0" : Math.Abs(value) >= 100 ? "0.0" : "0.0000", CultureInfo.InvariantCulture);
}
