using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Rewards;

namespace NativeRlhf.Feedback;

/// <summary>
/// Another program as critic or reviser, kept running. It reads one JSON object a line, <c>{"task", "input", "prompt", "completion",
/// "critique", "principle", "request"}</c>, where task is <c>critique</c> or <c>revision</c> and input the filled template, and answers
/// <c>{"critique": …}</c> or <c>{"revision": …}</c>, one line each in the same order. Its texts are taken as they are.
/// </summary>
/// <param name="command">A command line for the shell.</param>
/// <param name="timeout">How long an answer may take; 60 s by default.</param>
/// <exception cref="InputException">The program cannot be started.</exception>
public sealed class CommandWriter(string command, TimeSpan? timeout = null) : IWriter
{
    private readonly LineProcess _process = new(command, timeout);

    /// <inheritdoc/>
    /// <exception cref="InputException">An answer is not what is expected or takes too long, or the program has ended; the message has the line.</exception>
    public string[] Write(IReadOnlyList<WritingRequest> requests, uint firstStream = 0, CancellationToken cancel = default)
    {
        if (requests.Count == 0) return [];
        string task = requests[0].Task;
        return _process.Ask<string>([.. requests.Select(Line)], answer => Parse(answer, task), cancel);
    }

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    private static string Line(WritingRequest request)
    {
        var line = new JsonObject
        {
            ["task"] = request.Task,
            ["input"] = request.Input,
            ["prompt"] = request.Prompt,
            ["completion"] = request.Completion,
        };
        if (request.Critique is not null) line["critique"] = request.Critique;
        line["principle"] = request.Principle;
        line["request"] = request.Request;
        return line.ToJsonString(JsonStyle.Line);
    }

    private static (string, string?) Parse(string answer, string task)
    {
        string problem = $"which is not {{\"{task}\": \"text\"}}";
        try
        {
            using var document = JsonDocument.Parse(answer);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(task, out var text) && text.ValueKind == JsonValueKind.String
                ? (text.GetString()!, null)
                : ("", problem);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return ("", problem);
        }
    }
}
