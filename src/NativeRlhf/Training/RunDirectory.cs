using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;

namespace NativeRlhf.Training;

/// <summary>A checkpoint of a run.</summary>
/// <param name="Step">How many steps had been done when it was written.</param>
/// <param name="Path">Its folder.</param>
public readonly record struct RunCheckpoint(long Step, string Path);

/// <summary>
/// The folder of one training run: <c>config.json</c>, <c>metrics.jsonl</c>, <c>samples.jsonl</c>, <c>log.txt</c>,
/// <c>checkpoints/step-000100/</c> and, at the end, <c>final/</c>. Files and folders appear complete or not at all; the line files grow by whole
/// lines. One process at a time uses it, which a lock on the file <c>.lock</c> sees to.
/// </summary>
/// <remarks>Not safe for use by several threads at once.</remarks>
public sealed class RunDirectory : IDisposable
{
    private const string LockName = ".lock";
    private const string StepPrefix = "step-";

    // What the error of a file that is locked by another process is called.
    private const int WouldBlockOnLinux = 11;
    private const int WouldBlockOnMac = 35;
    private const int SharingViolationOnWindows = unchecked((int)0x80070020);

    private static readonly JsonWriterOptions LineOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions FileOptions = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly FileStream _lock;
    private readonly LineFile _metrics;
    private readonly LineFile _samples;
    private readonly LineFile _log;

    // The line being written; its memory is used again for the next one.
    private readonly ArrayBufferWriter<byte> _line = new(1024);
    private readonly Utf8JsonWriter _json;

    private RunDirectory(string path, FileStream lockFile)
    {
        Path = path;
        _lock = lockFile;
        _metrics = new LineFile(File("metrics.jsonl"));
        _samples = new LineFile(File("samples.jsonl"));
        _log = new LineFile(File("log.txt"));
        _json = new Utf8JsonWriter(_line, LineOptions);
    }

    /// <summary>The folder as the user named it.</summary>
    public string Path { get; }

    /// <summary>The resolved configuration, with versions, device and seed.</summary>
    public string ConfigurationPath => File("config.json");

    /// <summary>The folder of the trained model.</summary>
    public string FinalPath => File("final");

    /// <summary>Whether the run went to its end: <c>final/</c> is there.</summary>
    public bool IsFinished => Directory.Exists(FinalPath);

    /// <summary>The checkpoint with the most steps, or null if there is none.</summary>
    public RunCheckpoint? Latest => Checkpoints is [.., var last] ? last : null;

    /// <summary>All checkpoints, by step.</summary>
    public IReadOnlyList<RunCheckpoint> Checkpoints
    {
        get
        {
            string folder = File("checkpoints");
            if (!Directory.Exists(folder))
                return [];
            return
            [
                .. Directory.EnumerateDirectories(folder, StepPrefix + "*")
                    .Select(path => (Path: path, Number: System.IO.Path.GetFileName(path)[StepPrefix.Length..]))
                    .Where(entry => long.TryParse(entry.Number, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                    .Select(entry => new RunCheckpoint(long.Parse(entry.Number, CultureInfo.InvariantCulture), entry.Path))
                    .OrderBy(checkpoint => checkpoint.Step),
            ];
        }
    }

    /// <summary>Begins a run or opens one to be continued.</summary>
    /// <param name="path">The folder: <c>--out</c>.</param>
    /// <param name="resume">Whether a run is continued: <c>--resume</c>.</param>
    /// <returns>The folder, to be disposed of.</returns>
    /// <exception cref="InputException">See <see cref="Create"/> and <see cref="Resume"/>.</exception>
    public static RunDirectory Open(string path, bool resume) => resume ? Resume(path) : Create(path);

    /// <summary>Begins a run in a folder that does not exist or is empty.</summary>
    /// <param name="path">The folder.</param>
    /// <returns>The folder, to be disposed of.</returns>
    /// <exception cref="InputException">Something is there already, or another process uses it.</exception>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public static RunDirectory Create(string path)
    {
        if (System.IO.File.Exists(path))
            throw new InputException($"{path}: is a file; choose another --out");
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any(entry => System.IO.Path.GetFileName(entry) != LockName))
            throw new InputException($"{path}: the folder exists and is not empty; choose another --out, or continue its run with --resume");
        return new RunDirectory(path, Lock(path));
    }

    /// <summary>
    /// Opens a run to be continued, and clears away what a killed process left unfinished. Training goes on from
    /// <see cref="Latest"/>, or from the start if there is no checkpoint; either way <see cref="RewindTo"/> comes first.
    /// </summary>
    /// <param name="path">The folder.</param>
    /// <returns>The folder, to be disposed of.</returns>
    /// <exception cref="InputException">No run is there, or another process uses it.</exception>
    public static RunDirectory Resume(string path)
    {
        if (!System.IO.File.Exists(System.IO.Path.Combine(path, "config.json")))
            throw new InputException($"{path}: there is no run to resume (no config.json); leave out --resume to begin one");
        var run = new RunDirectory(path, Lock(path));
        AtomicDirectory.Recover(run.FinalPath);
        AtomicFile.RemoveLeftovers(path);
        if (Directory.Exists(run.File("checkpoints")))
            AtomicFile.RemoveLeftovers(run.File("checkpoints"));
        return run;
    }

    /// <summary>
    /// Cuts <c>metrics.jsonl</c> and <c>samples.jsonl</c> back to what had been written when so many steps were done, so that the continued
    /// run adds the lines that the uninterrupted one would have. A last line that was written in part goes too.
    /// </summary>
    /// <param name="step">The step of the checkpoint from which training goes on, 0 for the start.</param>
    /// <exception cref="InputException">A line is no object with a step; the message names it.</exception>
    public void RewindTo(long step)
    {
        _metrics.RewindTo(step);
        _samples.RewindTo(step);
    }

    /// <summary>Writes <c>config.json</c>.</summary>
    /// <param name="configuration">The resolved configuration, with versions, device and seed.</param>
    public void WriteConfiguration(JsonObject configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        AtomicFile.WriteText(ConfigurationPath, configuration.ToJsonString(FileOptions) + "\n");
    }

    /// <summary>Reads <c>config.json</c> of a run that is continued.</summary>
    /// <returns>The object.</returns>
    /// <exception cref="InputException">The file is absent or no JSON object.</exception>
    public JsonObject ReadConfiguration()
    {
        try
        {
            return JsonNode.Parse(System.IO.File.ReadAllText(ConfigurationPath)) as JsonObject
                ?? throw new InputException($"{ConfigurationPath}: must be a JSON object");
        }
        catch (JsonException e)
        {
            throw InputException.At(ConfigurationPath, (e.LineNumber ?? 0) + 1, "not valid JSON", e);
        }
        catch (IOException e)
        {
            throw new InputException($"{ConfigurationPath}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>
    /// Appends a line to <c>metrics.jsonl</c>: <c>step</c>, then the metrics in the order given, numbers in the shortest form that reads back the
    /// same. A metric that is not finite means that training has diverged: it is written as the string <c>"NaN"</c>,
    /// <c>"Infinity"</c> or <c>"-Infinity"</c>, because JSON has no such numbers, and the run stops. What has no value in a
    /// step is left out.
    /// </summary>
    /// <param name="step">How many steps are done, this one included.</param>
    /// <param name="metrics">Names and values.</param>
    /// <exception cref="NotFiniteNumberException">A metric is not finite; the line was written.</exception>
    /// <exception cref="IOException">The line could not be written; the file is as it was.</exception>
    public void AppendMetrics(long step, IReadOnlyList<KeyValuePair<string, double>> metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        KeyValuePair<string, double>? notFinite = null;
        BeginLine(step);
        for (int i = 0; i < metrics.Count; i++)
        {
            (string name, double value) = metrics[i];
            if (double.IsFinite(value))
                _json.WriteNumber(name, value);
            else
            {
                _json.WriteString(name, value.ToString(CultureInfo.InvariantCulture));
                notFinite ??= new(name, value);
            }
        }
        _metrics.Append(EndLine());
        if (notFinite is var (metric, bad))
            throw new NotFiniteNumberException(FormattableString.Invariant($"step {step}: {metric} is {bad}: training has diverged; begin again with a lower learningRate or gradientClip"), bad);
    }

    /// <summary>Appends a line to <c>samples.jsonl</c>: <c>step</c>, then the fields of the sample.</summary>
    /// <param name="step">How many steps are done.</param>
    /// <param name="sample">Prompt, completion, score and the like.</param>
    /// <exception cref="IOException">The line could not be written; the file is as it was.</exception>
    public void AppendSample(long step, JsonObject sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        BeginLine(step);
        foreach ((string name, JsonNode? value) in sample)
        {
            if (name == "step")
                continue;
            _json.WritePropertyName(name);
            if (value is null)
                _json.WriteNullValue();
            else
                value.WriteTo(_json);
        }
        _samples.Append(EndLine());
    }

    /// <summary>Appends a line with the time to <c>log.txt</c>.</summary>
    /// <param name="message">What happened.</param>
    /// <exception cref="IOException">The line could not be written; the file is as it was.</exception>
    public void Log(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        string time = DateTime.Now.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        _log.Append(Encoding.UTF8.GetBytes($"{time} {message.ReplaceLineEndings(" ")}\n"));
    }

    /// <summary>
    /// Writes a checkpoint and removes the oldest ones beyond the number to keep. Metrics and samples are synced first, so that a
    /// checkpoint never knows of more steps than they do.
    /// </summary>
    /// <param name="step">How many steps are done.</param>
    /// <param name="keep">How many checkpoints stay, ≥ 1.</param>
    /// <param name="fill">Writes everything that an exact resume needs into the empty folder that it is given.</param>
    /// <exception cref="IOException">It could not be written (no space, say); earlier checkpoints are unharmed.</exception>
    public void SaveCheckpoint(long step, int keep, Action<string> fill)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        SyncLines();
        AtomicDirectory.Write(System.IO.Path.Combine(File("checkpoints"), StepPrefix + step.ToString("D6", CultureInfo.InvariantCulture)), fill);
        foreach (RunCheckpoint old in Checkpoints.SkipLast(keep))
            AtomicDirectory.Delete(old.Path);
    }

    /// <summary>Writes <c>final/</c>, a model directory.</summary>
    /// <param name="fill">Writes the model into the empty folder that it is given.</param>
    /// <exception cref="IOException">It could not be written (no space, say).</exception>
    public void SaveFinal(Action<string> fill)
    {
        SyncLines();
        AtomicDirectory.Write(FinalPath, fill);
    }

    /// <summary>Closes the files and gives the folder free.</summary>
    public void Dispose()
    {
        _metrics.Dispose();
        _samples.Dispose();
        _log.Dispose();
        _json.Dispose();
        _lock.Dispose();
    }

    private void SyncLines()
    {
        _metrics.Sync();
        _samples.Sync();
        DiskSync.Folder(Path);
    }

    private string File(string name) => System.IO.Path.Combine(Path, name);

    private static FileStream Lock(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path}: the folder cannot be made: {e.Message}", e);
        }
        try
        {
            // The lock ends with the process, however that ends. The file stays: were it deleted, a second process could hold the
            // lock of the deleted file and a third that of a new one.
            return new FileStream(System.IO.Path.Combine(path, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.HResult is WouldBlockOnLinux or WouldBlockOnMac or SharingViolationOnWindows)
        {
            throw new InputException($"{path}: another run is using this folder; wait for it or choose another --out", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path}: the folder cannot be written to: {e.Message}", e);
        }
    }

    private void BeginLine(long step)
    {
        _line.ResetWrittenCount();
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteNumber("step", step);
    }

    private ReadOnlySpan<byte> EndLine()
    {
        _json.WriteEndObject();
        _json.Flush();
        _line.Write("\n"u8);
        return _line.WrittenSpan;
    }

    /// <summary>A file that grows by whole lines; it is made with its first line.</summary>
    private sealed class LineFile(string path) : IDisposable
    {
        private FileStream? _stream;

        public void Append(ReadOnlySpan<byte> line)
        {
            try
            {
                _stream ??= new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
                long length = _stream.Seek(0, SeekOrigin.End);
                try
                {
                    _stream.Write(line);
                }
                catch (IOException)
                {
                    // No space for all of it: half a line must not stay.
                    _stream.SetLength(length);
                    throw;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new IOException($"{path}: could not be written: {e.Message}", e);
            }
        }

        public void Sync() => _stream?.Flush(flushToDisk: true);

        public void RewindTo(long step)
        {
            if (!System.IO.File.Exists(path))
                return;
            using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
            long kept = 0;
            long number = 0;
            var line = new ArrayBufferWriter<byte>();
            Span<byte> buffer = stackalloc byte[4096];
            for (int count; (count = stream.Read(buffer)) > 0;)
            {
                for (ReadOnlySpan<byte> rest = buffer[..count]; !rest.IsEmpty;)
                {
                    int end = rest.IndexOf((byte)'\n');
                    line.Write(end < 0 ? rest : rest[..end]);
                    if (end < 0)
                        break;
                    number++;
                    if (StepOf(line.WrittenMemory, number) > step)
                    {
                        stream.SetLength(kept);
                        return;
                    }
                    kept += line.WrittenCount + 1;
                    line.ResetWrittenCount();
                    rest = rest[(end + 1)..];
                }
            }
            stream.SetLength(kept);
        }

        public void Dispose() => _stream?.Dispose();

        private long StepOf(ReadOnlyMemory<byte> line, long number)
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(line);
                if (document.RootElement.ValueKind == JsonValueKind.Object
                    && document.RootElement.TryGetProperty("step", out JsonElement step)
                    && step.ValueKind == JsonValueKind.Number
                    && step.TryGetInt64(out long value))
                    return value;
            }
            catch (JsonException)
            {
            }
            throw InputException.At(path, number, "not a line of this run (a JSON object with a 'step'); repair or remove the file to resume");
        }
    }
}
