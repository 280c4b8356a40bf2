using System.Text.Json;

namespace NativeRlhf.Miniature;

/// <summary>The kinds of the paper's Table 1.</summary>
public enum InstructionKind
{
    /// <summary>Write something: 45.6 %.</summary>
    Generation,

    /// <summary>A question about the world: 12.4 %.</summary>
    OpenQa,

    /// <summary>Name several of something: 11.2 %.</summary>
    Brainstorming,

    /// <summary>A turn of a conversation, provocations among them: 8.4 %.</summary>
    Chat,

    /// <summary>Say a given text differently: 6.6 %.</summary>
    Rewriting,

    /// <summary>Say a given text in fewer words: 4.2 %.</summary>
    Summarising,

    /// <summary>Name the class of something: 3.5 %.</summary>
    Classification,

    /// <summary>What fits nowhere else: 3.5 %.</summary>
    Other,

    /// <summary>A question about a given text: 2.6 %.</summary>
    ClosedQa,

    /// <summary>Find something in a given text: 1.9 %.</summary>
    Extraction,
}

/// <summary>To which part of the data something belongs. No user and no prompt text is in two parts.</summary>
public enum Split
{
    /// <summary>For training.</summary>
    Train,

    /// <summary>For choosing settings and checkpoints.</summary>
    Validation,

    /// <summary>For the final measurement.</summary>
    Test,
}

/// <summary>What of an instruction was kept out of the usual data.</summary>
public enum HeldOut
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Its phrasing.</summary>
    Phrasing,

    /// <summary>The subject that it asks about.</summary>
    Fact,

    /// <summary>Its whole kind; see <see cref="InstructionOptions.HeldOutKind"/>.</summary>
    Kind,
}

/// <summary>What is asked, in a form that judge and demonstrator need not parse.</summary>
/// <param name="Form">Name of the task, for example <c>fact</c> or <c>story</c>.</param>
/// <param name="Topic">Of whom or what: a subject, a name, a category, or a sentence to be rewritten.</param>
/// <param name="Detail">What the task needs besides, for example the relation that is asked for.</param>
/// <param name="Text">The given text of closed-domain tasks, else empty.</param>
public sealed record Intent(string Form, string Topic, string Detail = "", string Text = "");

/// <summary>A prompt of a simulated user with everything that is known about it.</summary>
/// <param name="Prompt">The text that a model gets; ends with a line feed.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Intent">What is asked.</param>
/// <param name="Constraint">What is demanded besides.</param>
/// <param name="User">Who asks.</param>
/// <param name="Split">The part of the data.</param>
/// <param name="HeldOut">What of it was kept out of the usual data.</param>
public sealed record Instruction(
    string Prompt, InstructionKind Kind, Intent Intent, Constraint Constraint, int User, Split Split, HeldOut HeldOut)
{
    /// <summary>Whether the prompt provokes a rude answer.</summary>
    public bool IsProvoking => Intent.Form == Forms.Provocation.FormName;

    /// <summary>The row of a prompts file: <c>prompt</c> and the fields that <see cref="FromRow(string)"/> needs.</summary>
    /// <returns>One JSON object without line breaks.</returns>
    public string ToRow() => JsonRow.Write(WriteFields);

    /// <summary>The row of an SFT file: <c>prompt</c>, <c>completion</c> and the same fields.</summary>
    /// <param name="completion">A demonstration.</param>
    /// <returns>One JSON object without line breaks.</returns>
    public string ToDemonstrationRow(string completion) => JsonRow.Write(json =>
    {
        WriteFields(json);
        json.WriteString("completion", completion);
    });

    /// <summary>The row of a comparisons file: <c>prompt</c>, <c>completions</c>, <c>ranks</c> and the same fields.</summary>
    /// <param name="ranking">A labeler's ranking.</param>
    /// <returns>One JSON object without line breaks.</returns>
    public string ToComparisonRow(Ranking ranking) => JsonRow.Write(json =>
    {
        WriteFields(json);
        json.WriteStartArray("completions");
        foreach (string answer in ranking.Answers)
        {
            json.WriteStringValue(answer);
        }

        json.WriteEndArray();
        json.WriteStartArray("ranks");
        foreach (int rank in ranking.Ranks)
        {
            json.WriteNumberValue(rank);
        }

        json.WriteEndArray();
        json.WriteNumber("labeler", ranking.Labeler);
    });

    /// <summary>The row of a file of questions with a known truth and a known falsehood: the fields of <see cref="ToRow"/>, <c>truth</c> and <c>falsehood</c>.</summary>
    /// <param name="truth">A true answer.</param>
    /// <param name="falsehood">A false answer of the same form.</param>
    /// <returns>One JSON object without line breaks.</returns>
    public string ToQuestionRow(string truth, string falsehood) => JsonRow.Write(json =>
    {
        WriteFields(json);
        json.WriteString("truth", truth);
        json.WriteString("falsehood", falsehood);
    });

    /// <summary>Reads a row that this record wrote; fields that it does not know are passed over.</summary>
    /// <param name="row">One JSON object.</param>
    /// <returns>The instruction.</returns>
    /// <exception cref="FormatException">A field is missing or has a value that cannot be; the message names it.</exception>
    public static Instruction FromRow(string row)
    {
        try
        {
            using var document = JsonDocument.Parse(row);
            return FromRow(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new FormatException($"The row is not JSON: {e.Message}", e);
        }
    }

    /// <summary>Reads a row that this record wrote; fields that it does not know are passed over.</summary>
    /// <param name="row">A JSON object.</param>
    /// <returns>The instruction.</returns>
    /// <exception cref="FormatException">A field is missing or has a value that cannot be; the message names it.</exception>
    public static Instruction FromRow(JsonElement row) => new(
        Text(row, "prompt"),
        Choice<InstructionKind>(row, "kind"),
        new Intent(Text(row, "form"), Text(row, "topic"), Text(row, "detail"), Text(row, "text")),
        Constraint.Parse(Text(row, "constraint")),
        row.TryGetProperty("user", out JsonElement user) && user.ValueKind == JsonValueKind.Number && user.TryGetInt32(out int id)
            ? id
            : throw new FormatException("The row has no whole number \"user\"."),
        Choice<Split>(row, "split"),
        Choice<HeldOut>(row, "held_out"));

    private static string Text(JsonElement row, string field) =>
        row.ValueKind == JsonValueKind.Object && row.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new FormatException($"The row has no text \"{field}\", which rows of the small world have.");

    private static T Choice<T>(JsonElement row, string field) where T : struct, Enum
    {
        string text = Text(row, field);
        return Enum.TryParse(text, out T value) && value.ToString() == text
            ? value
            : throw new FormatException($"\"{field}\" is \"{text}\"; expected one of {string.Join(", ", Enum.GetNames<T>())}.");
    }

    private void WriteFields(Utf8JsonWriter json)
    {
        json.WriteString("prompt", Prompt);
        json.WriteString("kind", Kind.ToString());
        json.WriteString("form", Intent.Form);
        json.WriteString("topic", Intent.Topic);
        json.WriteString("detail", Intent.Detail);
        json.WriteString("text", Intent.Text);
        json.WriteString("constraint", Constraint.ToString());
        json.WriteNumber("user", User);
        json.WriteString("split", Split.ToString());
        json.WriteString("held_out", HeldOut.ToString());
    }
}
