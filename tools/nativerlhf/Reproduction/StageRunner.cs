using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;

namespace NativeRlhf.Runner.Reproduction;

/// <summary>
/// Runs a plan of stages in a folder. The result of each is a folder that appears complete or not at all, with
/// <c>stage.json</c> beside what it wrote; one whose key is that of the plan is not run again. A stage works in
/// <c>.partial/</c>, where an interrupted one is found and continued.
/// </summary>
/// <param name="folder">The folder of the study.</param>
/// <param name="seed">The seed of everything random.</param>
/// <param name="say">Gets a line for each stage.</param>
/// <param name="cancel">Ends the plan between two stages.</param>
/// <exception cref="InputException">Another process is at work in the folder.</exception>
internal sealed class StageRunner(string folder, ulong seed, Action<string> say, CancellationToken cancel) : IDisposable
{
    /// <summary>The file that tells what a folder is the result of.</summary>
    public const string FileName = "stage.json";

    private const string PartialFolder = ".partial", LockName = ".lock";

    private static readonly JsonSerializerOptions Format = new(JsonStyle.Indented)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectRequiredConstructorParameters = true,
    };

    private const double UsualSpeed = 1e11, UsualSeconds = 30;

    private readonly Dictionary<string, (double Cost, double Seconds)> _measured = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly FileStream _exclusive = Lock(folder);

    /// <summary>Lets other processes work in the folder.</summary>
    public void Dispose() => _exclusive.Dispose();

    /// <summary>Runs what is not done.</summary>
    /// <param name="stages">All stages, inputs before what reads them.</param>
    /// <returns>How many stages ran.</returns>
    /// <exception cref="InputException">What is done was done with another seed, and would be replaced.</exception>
    public int Run(IReadOnlyList<Stage> stages)
    {
        foreach (var stage in stages)
        {
            string done = Path.Combine(folder, stage.Name);
            if (Read(done)?.Seed is { } other && other != seed)
                throw new InputException($"{done}: was made with --seed {other} and would be replaced; go on with that seed, or choose another --out");
        }

        string[] keys = [.. stages.Select(stage => stage.Key(seed))];
        bool[] cached = [.. stages.Select((stage, i) => IsDone(stage, keys[i]))];
        for (int i = 0; i < stages.Count; i++)
        {
            cancel.ThrowIfCancellationRequested();
            string number = string.Create(CultureInfo.InvariantCulture, $"[{i + 1,2}/{stages.Count}] {stages[i].Name,-24}");
            if (cached[i])
            {
                say($"{number}   cached");
                continue;
            }

            double seconds = Run(stages[i], keys[i]);
            Measured(stages[i], seconds);
            var left = TimeSpan.FromSeconds(stages.Skip(i + 1).Where((_, j) => !cached[i + 1 + j]).Sum(Estimate));
            say(string.Create(CultureInfo.InvariantCulture, $"{number} {seconds,6:0.0} s   elapsed {_clock.Elapsed:hh\\:mm\\:ss}   ETA {left:hh\\:mm\\:ss}"));
        }

        return cached.Count(isCached => !isCached);
    }

    /// <summary>
    /// The seconds that a stage will take: its cost times what stages of its kind took for theirs. While none of its kind is measured, times
    /// what all stages took, to which half a minute at a usual speed is added, so that the first small stages do not decide alone.
    /// </summary>
    internal double Estimate(Stage stage)
    {
        var (cost, seconds) = _measured.TryGetValue(stage.Kind, out var kind) && kind.Cost > 0
            ? kind
            : (_measured.Values.Sum(m => m.Cost) + (UsualSeconds * UsualSpeed), _measured.Values.Sum(m => m.Seconds) + UsualSeconds);
        return stage.Cost * seconds / cost;
    }

    private double Run(Stage stage, string key)
    {
        string partial = Path.Combine(folder, PartialFolder, stage.Name.Replace('/', '-')), keyFile = Path.Combine(partial, FileName), target = Path.Combine(folder, stage.Name);
        if (Directory.Exists(partial) && Read(partial)?.Key != key) Directory.Delete(partial, recursive: true);
        double before = Read(partial)?.Seconds ?? 0;
        if (!Directory.Exists(partial)) WriteState(0, isDone: false);
        var clock = Stopwatch.StartNew();
        if (Read(partial)?.Done != true)
        {
            try
            {
                stage.Run(partial);
            }
            catch
            {
                WriteState(before + clock.Elapsed.TotalSeconds, isDone: false);
                throw;
            }

            WriteState(before + clock.Elapsed.TotalSeconds, isDone: true);
        }

        if (Directory.Exists(target)) AtomicDirectory.Delete(target);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        Directory.Move(partial, target);
        return before + clock.Elapsed.TotalSeconds;

        void WriteState(double seconds, bool isDone) => AtomicFile.WriteText(keyFile, JsonSerializer.Serialize(
            new State(stage.Name, key, stage.Version, seed, stage.Settings, [.. stage.Inputs.Select(input => input.Name)], Math.Round(seconds, 3), isDone), Format) + "\n");
    }

    private bool IsDone(Stage stage, string key)
    {
        if (Read(Path.Combine(folder, stage.Name)) is not { } state || state.Key != key) return false;
        Measured(stage, state.Seconds);
        return true;
    }

    private void Measured(Stage stage, double seconds)
    {
        var (cost, before) = _measured.GetValueOrDefault(stage.Kind);
        _measured[stage.Kind] = (cost + stage.Cost, before + seconds);
    }

    private static State? Read(string stageFolder)
    {
        string file = Path.Combine(stageFolder, FileName);
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<State>(File.ReadAllText(file), Format) : null;
        }
        catch (JsonException)
        {
            // Not what this program wrote: the stage runs again.
            return null;
        }
    }

    private static FileStream Lock(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new InputException($"{folder}: another process is at work here; wait for it, or choose another --out", exception);
        }
    }

    /// <summary>What <c>stage.json</c> says.</summary>
    private sealed record State(string Name, string Key, int Version, ulong Seed, JsonObject Settings, IReadOnlyList<string> Inputs, double Seconds, bool Done);
}
