using System.Diagnostics;
using System.Text;

namespace NativeRlhf.Runner.Tests;

/// <summary>What a run of the console runner left.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record RunnerResult(int ExitCode, string Output, string Error)
{
    /// <summary>The lines of standard error.</summary>
    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>Runs the console runner as users do: as a process of its own.</summary>
internal static class RunnerProcess
{
    private static readonly string Assembly = Path.Combine(AppContext.BaseDirectory, "nativerlhf.dll");

    public static RunnerResult Run(string workingDirectory, params string[] arguments) => Run(workingDirectory, null, arguments);

    /// <param name="workingDirectory">Where it runs.</param>
    /// <param name="shellPrefix">What a shell does first (a limit, say), or null to start the runner directly.</param>
    /// <param name="arguments">The command line.</param>
    /// <param name="input">Standard input.</param>
    public static RunnerResult Run(string workingDirectory, string? shellPrefix, string[] arguments, string input = "")
    {
        using var process = Start(workingDirectory, shellPrefix, arguments, input);
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new RunnerResult(process.ExitCode, output, error.Result);
    }

    /// <summary>Starts the runner. Its output must be read.</summary>
    public static Process Start(string workingDirectory, string? shellPrefix, string[] arguments, string input = "")
    {
        string dotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        var start = shellPrefix is null
            ? new ProcessStartInfo(dotnet, [Assembly, .. arguments])
            : new ProcessStartInfo("/bin/sh", ["-c", $"{shellPrefix}; exec \"$@\"", "sh", dotnet, Assembly, .. arguments]);
        start.WorkingDirectory = workingDirectory;
        start.RedirectStandardOutput = start.RedirectStandardError = start.RedirectStandardInput = true;
        start.StandardOutputEncoding = start.StandardErrorEncoding = Encoding.UTF8;
        // A limit on file sizes would hit the memory that the runtime maps twice.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        var process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        return process;
    }
}
