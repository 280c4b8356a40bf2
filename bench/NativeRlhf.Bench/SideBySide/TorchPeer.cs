using System.Diagnostics;
using System.Globalization;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>PyTorch in a process of its own, which waits between requests and computes nothing then.</summary>
internal sealed class TorchPeer : IDisposable
{
    private readonly Process _process;

    private TorchPeer(Process process, string version)
    {
        _process = process;
        Version = version;
    }

    /// <summary>PyTorch's version.</summary>
    public string Version { get; }

    /// <summary>Starts the peer.</summary>
    /// <param name="python">The interpreter.</param>
    /// <param name="threads">The threads that it shall use.</param>
    /// <returns>The peer, or null where the interpreter or PyTorch is absent.</returns>
    public static TorchPeer? TryStart(string python, int threads)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "peers", "gpt_torch.py");
        try
        {
            var process = Process.Start(new ProcessStartInfo(python, [script, threads.ToString(CultureInfo.InvariantCulture)])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginErrorReadLine();
            return process.StandardOutput.ReadLine() is { } version ? new TorchPeer(process, version) : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>Sends a request and waits for its seconds.</summary>
    public double Request(string request)
    {
        _process.StandardInput.WriteLine(request);
        _process.StandardInput.Flush();
        return _process.StandardOutput.ReadLine() is { } answer
            ? double.Parse(answer, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"PyTorch ended during \"{request}\"");
    }

    /// <summary>Its resident memory at most, in bytes.</summary>
    public long PeakMemory
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
