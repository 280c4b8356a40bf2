using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace NativeRlhf.Rewards;

/// <summary>
/// A reward from another program, kept running: it reads one JSON object a line, <c>{"prompt", "completion", …fields of the
/// prompt's row}</c>, and answers one number a line in the same order.
/// </summary>
public sealed class CommandReward : IReward
{
    private readonly string _command;
    private readonly TimeSpan _timeout;
    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    /// <summary>Starts the program.</summary>
    /// <param name="command">A command line for the shell.</param>
    /// <param name="timeout">How long an answer may take; 60 s by default.</param>
    /// <exception cref="InputException">It cannot be started.</exception>
    public CommandReward(string command, TimeSpan? timeout = null)
    {
        _command = command;
        _timeout = timeout ?? TimeSpan.FromSeconds(60);
        bool isWindows = OperatingSystem.IsWindows();
        var start = new ProcessStartInfo(isWindows ? "cmd.exe" : "/bin/sh", [isWindows ? "/c" : "-c", command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = Encoding.UTF8,
        };
        _process = Process.Start(start) ?? throw new InputException($"exec:{command}: cannot be started");
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors) _errors.Append(line.Data).Append(' ');
        };
        _process.BeginErrorReadLine();
    }

    /// <inheritdoc/>
    /// <exception cref="InputException">An answer is not a number or takes too long, or the program has ended; the message has the line.</exception>
    public double[] Score(IReadOnlyList<RewardRequest> requests, Action<string, double>? report = null)
    {
        double[] scores = new double[requests.Count];
        string[] lines = [.. requests.Select(Line)];
        // Written by another thread: a program that answers at once could fill its pipe before all is written.
        var writing = Task.Run(async () =>
        {
            foreach (string line in lines) await _process.StandardInput.WriteAsync(line + "\n");
            await _process.StandardInput.FlushAsync();
        });
        for (int i = 0; i < scores.Length; i++)
        {
            var reading = _process.StandardOutput.ReadLineAsync();
            if (!reading.Wait(_timeout)) throw Failure($"gave no answer within {_timeout.TotalSeconds} s", lines[i]);
            string answer = reading.Result ?? throw Failure("ended", lines[i]);
            if (!double.TryParse(answer, NumberStyles.Float, CultureInfo.InvariantCulture, out scores[i]) || !double.IsFinite(scores[i]))
                throw Failure($"answered '{answer}', which is not a number", lines[i]);
        }

        try
        {
            writing.Wait(_timeout);
        }
        catch (AggregateException exception)
        {
            throw new InputException($"exec:{_command}: closed its input: {exception.InnerException!.Message}", exception);
        }

        return scores;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
            if (!_process.WaitForExit(TimeSpan.FromSeconds(2))) _process.Kill(entireProcessTree: true);
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException)
        {
            // It has ended already.
        }

        _process.Dispose();
    }

    private static string Line(RewardRequest request)
    {
        var json = new JsonObject { ["prompt"] = request.Prompt, ["completion"] = request.Completion };
        // A row of demonstrations has a completion of its own, which must not stand in for the sampled one.
        foreach (var (key, value) in request.Fields)
        {
            if (!json.ContainsKey(key)) json[key] = value?.DeepClone();
        }

        return json.ToJsonString(JsonStyle.Line);
    }

    private InputException Failure(string what, string line)
    {
        string errors;
        lock (_errors) errors = _errors.ToString().Trim();
        return new InputException($"exec:{_command}: {what}, at the line {line}{(errors.Length > 0 ? $" (it said: {errors})" : "")}");
    }
}
