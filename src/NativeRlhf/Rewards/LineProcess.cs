using System.Diagnostics;
using System.Text;

namespace NativeRlhf.Rewards;

/// <summary>Another program, kept running, that answers every line it reads with one line, in the same order.</summary>
public sealed class LineProcess : IDisposable
{
    private const int MostOfErrors = 2000;

    private readonly string _command;
    private readonly TimeSpan _timeout;
    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    /// <summary>Starts the program.</summary>
    /// <param name="command">A command line for the shell.</param>
    /// <param name="timeout">How long an answer may take; 60 s by default.</param>
    /// <exception cref="InputException">It cannot be started.</exception>
    public LineProcess(string command, TimeSpan? timeout = null)
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
            lock (_errors)
            {
                // What it said last is what tells; a program may talk all through a run of days.
                _errors.Append(line.Data).Append(' ');
                if (_errors.Length > MostOfErrors) _errors.Remove(0, _errors.Length - MostOfErrors);
            }
        };
        _process.BeginErrorReadLine();
    }

    /// <summary>Writes lines and reads the answers.</summary>
    /// <typeparam name="T">What an answer is read as.</typeparam>
    /// <param name="lines">The lines, without line breaks.</param>
    /// <param name="parse">Reads an answer. Its second value says what is wrong with it, or is null.</param>
    /// <param name="cancel">Checked before every answer.</param>
    /// <returns>One answer a line.</returns>
    /// <exception cref="InputException">An answer is wrong or takes too long, or the program has ended; the message has the line.</exception>
    public T[] Ask<T>(IReadOnlyList<string> lines, Func<string, (T Value, string? Problem)> parse, CancellationToken cancel = default)
    {
        var answers = new T[lines.Count];
        // Written by another thread: a program that answers at once could fill its pipe before all is written.
        var writing = Task.Run(async () =>
        {
            foreach (string line in lines) await _process.StandardInput.WriteAsync(line + "\n");
            await _process.StandardInput.FlushAsync();
        }, CancellationToken.None);
        for (int i = 0; i < answers.Length; i++)
        {
            cancel.ThrowIfCancellationRequested();
            var reading = _process.StandardOutput.ReadLineAsync(CancellationToken.None).AsTask();
            if (!reading.Wait(_timeout, CancellationToken.None)) throw Failure($"gave no answer within {_timeout.TotalSeconds} s", lines[i]);
            string answer = reading.Result ?? throw Failure("ended", lines[i]);
            (answers[i], string? problem) = parse(answer);
            if (problem is not null) throw Failure($"answered '{answer}', {problem}", lines[i]);
        }

        try
        {
            writing.Wait(_timeout, CancellationToken.None);
        }
        catch (AggregateException exception)
        {
            throw new InputException($"exec:{_command}: closed its input: {exception.InnerException!.Message}", exception);
        }

        return answers;
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

    private InputException Failure(string what, string line)
    {
        string errors;
        lock (_errors) errors = _errors.ToString().Trim();
        return new InputException($"exec:{_command}: {what}, at the line {line}{(errors.Length > 0 ? $" (it said: {errors})" : "")}");
    }
}
