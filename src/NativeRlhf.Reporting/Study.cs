using System.Text.Json;
using System.Text.Json.Serialization;
using NativeRlhf.Checkpoints;

namespace NativeRlhf.Reporting;

/// <summary>
/// What a study of several models measured, ready to be shown: figures, tables, claims and samples. Who measures writes
/// it as <c>study.json</c>; a report shows it and computes nothing.
/// </summary>
/// <param name="Title">What was studied.</param>
/// <param name="Introduction">Paragraphs of plain text: what it is, and what the reader must know to judge it.</param>
/// <param name="Claims">The table of claims.</param>
/// <param name="Figures">Charts, in the order in which they are shown.</param>
/// <param name="Tables">Tables.</param>
/// <param name="Samples">Answers side by side.</param>
public sealed record Study(
    string Title,
    IReadOnlyList<string> Introduction,
    IReadOnlyList<Claim> Claims,
    IReadOnlyList<Figure> Figures,
    IReadOnlyList<DataTable> Tables,
    IReadOnlyList<SampleSet> Samples)
{
    /// <summary>The file's name in a study's folder.</summary>
    public const string FileName = "study.json";

    private static readonly JsonSerializerOptions Format = new(JsonStyle.Indented)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Reads a study.</summary>
    /// <param name="file">The path of a <c>study.json</c>.</param>
    /// <exception cref="InputException">There is no such file, or it is no study.</exception>
    public static Study Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<Study>(File.ReadAllText(file), Format) ?? throw new InputException($"{file}: a study is a JSON object; this is null");
        }
        catch (JsonException e)
        {
            throw InputException.At(file, (e.LineNumber ?? 0) + 1, $"this is no study: {e.Message.Split(" Path:")[0]}");
        }
        catch (IOException e)
        {
            throw new InputException($"{file}: {e.Message}");
        }
    }

    /// <summary>Writes the study, complete or not at all.</summary>
    /// <param name="file">The path of the file.</param>
    public void Write(string file) => AtomicFile.WriteText(file, JsonSerializer.Serialize(this, Format) + "\n");
}

/// <summary>One claim, and what became of it.</summary>
/// <param name="Source">What the source says, and where (a figure or section).</param>
/// <param name="Here">The counterpart that was measured.</param>
/// <param name="Measured">The numbers, with their intervals.</param>
/// <param name="Verdict">Whether it holds.</param>
public sealed record Claim(string Source, string Here, string Measured, Verdict Verdict);

/// <summary>Whether a claim holds.</summary>
public enum Verdict
{
    /// <summary>It holds.</summary>
    Holds,

    /// <summary>It does not.</summary>
    DoesNotHold,

    /// <summary>The study did not measure it.</summary>
    NotMeasured,
}

/// <summary>How a figure draws its points.</summary>
public enum FigureKind
{
    /// <summary>Lines over a numeric axis, with a band or bars for the intervals.</summary>
    Lines,

    /// <summary>Groups of bars over named categories, with intervals.</summary>
    Bars,
}

/// <summary>A chart.</summary>
/// <param name="Id">A short name, unique in the study: the anchor of the figure.</param>
/// <param name="Title">Its title.</param>
/// <param name="Caption">What it shows, and what of it was expected.</param>
/// <param name="Kind">How it is drawn.</param>
/// <param name="X">The horizontal axis.</param>
/// <param name="Y">The vertical axis.</param>
/// <param name="Series">What is drawn.</param>
public sealed record Figure(string Id, string Title, string Caption, FigureKind Kind, Axis X, Axis Y, IReadOnlyList<Series> Series);

/// <summary>An axis.</summary>
/// <param name="Label">What it shows.</param>
/// <param name="Unit">In which unit; null for none. <c>%</c> shows fractions as per cent.</param>
/// <param name="Logarithmic">Whether it is logarithmic.</param>
/// <param name="Reference">A value that is marked by a line (50 % of a win rate), or null.</param>
public sealed record Axis(string Label, string? Unit = null, bool Logarithmic = false, double? Reference = null);

/// <summary>One line, or one bar of every group.</summary>
/// <param name="Name">As in the legend.</param>
/// <param name="Points">Its points, in the order in which they are joined.</param>
public sealed record Series(string Name, IReadOnlyList<Point> Points);

/// <summary>A measured point.</summary>
/// <param name="Y">The value.</param>
/// <param name="X">Where on a numeric axis; of no meaning where there are categories.</param>
/// <param name="Category">Which group of bars; null on a numeric axis.</param>
/// <param name="Low">Lower end of the interval, or null.</param>
/// <param name="High">Upper end, or null.</param>
public sealed record Point(double Y, double X = 0, string? Category = null, double? Low = null, double? High = null);

/// <summary>A table.</summary>
/// <param name="Title">Its title.</param>
/// <param name="Columns">The heads of the columns.</param>
/// <param name="Rows">The cells, as many in each row as there are columns.</param>
public sealed record DataTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>Answers of several models to the same prompts.</summary>
/// <param name="Title">What the samples show, and how they were chosen.</param>
/// <param name="Samples">The prompts with their answers.</param>
public sealed record SampleSet(string Title, IReadOnlyList<Sample> Samples);

/// <summary>A prompt and what models answer.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Answers">The answers.</param>
public sealed record Sample(string Prompt, IReadOnlyList<SampleAnswer> Answers);

/// <summary>An answer.</summary>
/// <param name="Model">Whose it is.</param>
/// <param name="Text">The text.</param>
/// <param name="Note">What is said of it: a score, a mark; or null.</param>
public sealed record SampleAnswer(string Model, string Text, string? Note = null);
