using System.Diagnostics;
using System.Text.Json;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Optimization;

namespace NativeRlhf.Training;

/// <summary>What a checkpoint holds besides tensors. Everything random is a function of seed and step, so this is little.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Tokens">Tokens so far.</param>
/// <param name="Seconds">Seconds so far.</param>
/// <param name="KlCoefficient">β of PPO's KL controller; 0 elsewhere.</param>
/// <param name="Updates">Optimizer updates done; PPO has several in a step.</param>
public sealed record TrainerState(int Step, long Tokens, double Seconds, double KlCoefficient = 0, int Updates = 0);

/// <summary>
/// The loop that all trainers share: step, evaluate, log, checkpoint, final model. What a step is stands in each trainer's
/// own file.
/// </summary>
public abstract class Trainer : IDisposable
{
    private const string StateName = "trainer.json", AdapterFolder = "adapter";

    private readonly List<IDisposable> _owned = [];
    private readonly List<(string Folder, Gpt Model, AdamWOptimizer Optimizer)> _trained = [];
    private readonly RowOrder _order;
    private readonly LearningRateSchedule _schedule;

    /// <summary>Plans a run.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="run">Where the run writes, its seed and its tokenizer.</param>
    /// <param name="rows">The number of training rows.</param>
    /// <exception cref="InputException">The configuration asks for what this device or run cannot do.</exception>
    private protected Trainer(TrainerConfiguration configuration, TrainingRun run, int rows)
    {
        Configuration = configuration;
        Run = run;
        TotalSteps = configuration.TotalSteps(rows);
        _schedule = configuration.Schedule(rows);
        _order = new RowOrder(run.Seed, rows, configuration.Shuffle);
    }

    /// <summary>The steps of the whole run.</summary>
    public long TotalSteps { get; }

    /// <summary>The configuration.</summary>
    protected TrainerConfiguration Configuration { get; }

    /// <summary>Where the run writes, its seed and its tokenizer.</summary>
    protected TrainingRun Run { get; }

    /// <summary>Trains to the end, from the start or from the latest checkpoint.</summary>
    /// <returns>The metrics of the last step, with the last evaluation.</returns>
    /// <exception cref="OperationCanceledException">The run was interrupted; a checkpoint was written.</exception>
    /// <exception cref="NotFiniteNumberException">
    /// A loss or gradient is not finite: the message names the op and the tensor where that began. The weights are those before the update, the
    /// latest checkpoint is intact.
    /// </exception>
    public Metrics Train()
    {
        var state = Run.Resume ? Restore() : new TrainerState(0, 0, 0);
        var last = new Metrics();
        var clock = Stopwatch.StartNew();
        long tokens = state.Tokens;
        for (int step = state.Step; step < TotalSteps; step++)
        {
            double started = clock.Elapsed.TotalSeconds, learningRate = _schedule.At(step);
            var metrics = new Metrics { ["wall_seconds"] = 0, ["tokens"] = 0, ["tokens_per_second"] = 0, ["learning_rate"] = learningRate };
            Replayable(step, () => Step(step, learningRate, metrics));
            double seconds = clock.Elapsed.TotalSeconds;
            tokens += metrics.Tokens;
            metrics["wall_seconds"] = Math.Round(state.Seconds + seconds, 3);
            metrics["tokens"] = tokens;
            metrics["tokens_per_second"] = Math.Round(metrics.Tokens / (seconds - started), 1);

            int done = step + 1;
            bool isLast = done == TotalSteps;
            if (isLast || (Configuration.EvalEvery > 0 && done % Configuration.EvalEvery == 0)) Replayable(step, () => EvaluateFinite(metrics));
            if (metrics.Sample is { } sample) Run.Directory.AppendSample(done, sample);
            Run.Directory.AppendMetrics(done, metrics.Values);
            Run.OnStep?.Invoke(new StepReport(done, TotalSteps, metrics));
            bool interrupted = Run.Cancel.IsCancellationRequested && !isLast;
            if (interrupted || (!isLast && Configuration.CheckpointEvery > 0 && done % Configuration.CheckpointEvery == 0))
                Checkpoint(new TrainerState(done, tokens, state.Seconds + clock.Elapsed.TotalSeconds, KlCoefficient, _trained[0].Optimizer.Steps));
            if (interrupted) Run.Cancel.ThrowIfCancellationRequested();
            last = metrics;
        }

        Run.Directory.SaveFinal(WriteFinal);
        return last;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
        GC.SuppressFinalize(this);
    }

    /// <summary>The parameters that are trained, in all models of the run.</summary>
    internal long TrainedParameters => _trained.Sum(trained => trained.Optimizer.Gradients.Count);

    /// <summary>One step on a rehearsal device, where it counts its work and changes nothing.</summary>
    internal void Rehearse() => Step(0, 0, new Metrics());

    /// <summary>Keeps something that is disposed with the trainer.</summary>
    private protected T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }

    /// <summary>Gives a model that this run trains a new adapter, if the configuration asks for one and the model has none.</summary>
    /// <param name="model">The model.</param>
    /// <param name="seed">The seed of a new adapter; null for that of the run.</param>
    /// <returns>The same model.</returns>
    /// <exception cref="InputException">The model has an adapter of another kind.</exception>
    private protected Gpt Adapt(Gpt model, ulong? seed = null)
    {
        if (Configuration.Adapter() is not { } settings) return model;
        if (model.Adapter is null) Adapter.Attach(model, settings, seed ?? Run.Seed);
        else if (Describe(model.Adapter.Settings) != Describe(settings)) throw new InputException($"the model's adapter has {Describe(model.Adapter.Settings)}, but the configuration asks for {Describe(settings)}; leave loraRank out to train it as it is");
        return model;

        static string Describe(AdapterSettings adapter) => FormattableString.Invariant($"rank {adapter.Rank}, alpha {adapter.Alpha} and targets {string.Join(',', adapter.Targets)}");
    }

    /// <summary>
    /// The optimizer of a model that this run trains. The first one is what the run is about; all are in its checkpoints.
    /// </summary>
    /// <param name="model">The model, trained in place.</param>
    /// <param name="trains">Which of its parameters are trained.</param>
    /// <param name="folder">Its folder in a checkpoint; empty for the first one.</param>
    private protected AdamWOptimizer Optimize(Gpt model, Func<TensorSpec, bool> trains, string folder = "")
    {
        if (model.Config.Precision.Operands() != Configuration.TrainedPrecision().Operands())
            throw new InputException($"precision: the configuration asks for {Configuration.TrainedPrecision().Operands().ToString().ToLowerInvariant()}, but the model was loaded for {model.Config.Precision.Operands().ToString().ToLowerInvariant()}");
        var optimizer = Own(new AdamWOptimizer(model, new AdamWSettings(
            Configuration.Beta1, Configuration.Beta2, Configuration.Epsilon, Configuration.WeightDecay, Configuration.GradientClip, Configuration.AdamForm, Run.Seed), trains));
        _trained.Add((folder, model, optimizer));
        return optimizer;
    }

    /// <summary>What a language model trains: everything but the scalar head.</summary>
    private protected static bool IsLanguage(TensorSpec spec) => spec.Name != "score.weight";

    /// <summary>What a reward or value model trains: everything but a vocabulary head of its own.</summary>
    private protected static bool IsScalar(TensorSpec spec) => !spec.Name.StartsWith("lm_head.", StringComparison.Ordinal);

    /// <summary>β of the KL controller, for the checkpoint.</summary>
    protected virtual double KlCoefficient => 0;

    /// <summary>One training step.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="learningRate">Its learning rate.</param>
    /// <param name="metrics">Receives its metrics and the tokens that it ran.</param>
    protected abstract void Step(int step, double learningRate, Metrics metrics);

    /// <summary>Measures on held-out rows, if there are any.</summary>
    /// <param name="metrics">Receives the results.</param>
    protected abstract void Evaluate(Metrics metrics);

    /// <summary>Writes all tensors of an exact resume.</summary>
    /// <param name="folder">An empty folder.</param>
    protected virtual void WriteState(string folder)
    {
        foreach (var (name, model, optimizer) in _trained)
        {
            string path = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
            if (model.Adapter is null) ModelDirectory.WriteFiles(path, model, Run.Tokenizer);
            else AdapterDirectory.WriteFiles(path, model); // The base is as it was.
            OptimizerState.Write(path, optimizer, model.Device);
        }
    }

    /// <summary>Reads what <see cref="WriteState"/> wrote.</summary>
    /// <param name="folder">A checkpoint.</param>
    /// <param name="state">What the checkpoint holds besides tensors.</param>
    protected virtual void ReadState(string folder, TrainerState state)
    {
        foreach (var (name, model, optimizer) in _trained)
        {
            string path = Path.Combine(folder, name);
            if (model.Adapter is null) ModelDirectory.ReadParameters(Path.Combine(path, SafeTensorsSet.FileName), model.Weights, model.Device);
            else AdapterDirectory.ReadFiles(path, model);
            OptimizerState.Read(path, optimizer, model.Device, state.Updates);
        }
    }

    /// <summary>Writes what the run ends with: the trained model.</summary>
    /// <param name="folder">An empty folder.</param>
    protected virtual void WriteFinal(string folder) => WriteModel(folder);

    /// <summary>Writes the model that the run is about: an adapter merged into it, and once more by itself in a folder of its own.</summary>
    /// <param name="folder">An empty folder.</param>
    /// <param name="average">What is written in place of what was trained, of its layout; or null.</param>
    /// <param name="model">Another model that is trained; null for the first.</param>
    /// <param name="config">What is written in place of its configuration; or null.</param>
    private protected void WriteModel(string folder, GptParameters? average = null, Gpt? model = null, GptConfig? config = null)
    {
        model ??= _trained[0].Model;
        ModelDirectory.WriteFiles(folder, model, Run.Tokenizer, average, config);
        if (model.Adapter is not null) AdapterDirectory.WriteFiles(Directory.CreateDirectory(Path.Combine(folder, AdapterFolder)).FullName, model, average);
    }

    /// <summary>
    /// Runs something that can be run again with the same result until it has changed a weight. Where it finds a number that is not
    /// finite, it is run again with all ops watched, to say where that began, and the run ends.
    /// </summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="work">A step, an update or an evaluation; throws <see cref="NonFiniteException"/> before it changes a weight.</param>
    private protected void Replayable(int step, Action work)
    {
        try
        {
            work();
        }
        catch (NonFiniteException symptom) when (!Watch.IsOn)
        {
            string message = $"step {step + 1}: {symptom.Message}; {Origin(work)}. The update was not made; "
                + $"{(Run.Directory.Latest is { } checkpoint ? $"the latest checkpoint is {checkpoint.Path}" : "there is no checkpoint")}; begin again with a lower learningRate or gradientClip";
            Run.Directory.Log(message);
            throw new NotFiniteNumberException(message, symptom);
        }
    }

    /// <summary>The number, if it is finite.</summary>
    /// <param name="name">What it is.</param>
    /// <param name="value">The number.</param>
    /// <exception cref="NonFiniteException">It is not.</exception>
    private protected static double Finite(string name, double value) =>
        double.IsFinite(value) ? value : throw new NonFiniteException(FormattableString.Invariant($"{name} is {value}"));

    /// <summary>The rows of a step, batchSize of them, in file order or in an order drawn anew in every epoch.</summary>
    private protected void DrawBatch<T>(IReadOnlyList<T> rows, int step, T[] batch, RowOrder? order = null) => Draw(rows, (long)step * batch.Length, batch, order);

    /// <summary>Rows from a position of the run on.</summary>
    private protected void Draw<T>(IReadOnlyList<T> rows, long first, Span<T> drawn, RowOrder? order = null)
    {
        for (int i = 0; i < drawn.Length; i++) drawn[i] = rows[(order ?? _order)[first + i]];
    }

    /// <summary>The rows that the run draws at least once: all, unless it ends within the first epoch.</summary>
    private protected IEnumerable<T> Drawn<T>(IReadOnlyList<T> rows) =>
        Enumerable.Range(0, (int)Math.Min(rows.Count, TotalSteps * Configuration.BatchSize)).Select(i => rows[_order[i]]);

    /// <summary>How batches are cut: with room for the longest row, and for no more tokens than a batch can have.</summary>
    private protected MicroBatches PlanMicroBatches(int longestRow) => Configuration.PlanMicroBatches(longestRow, Configuration.BatchSize);

    private string Origin(Action work)
    {
        using var watch = Watch.Begin(_trained[0].Model.Device);
        try
        {
            work();
        }
        catch (NonFiniteException origin)
        {
            return $"in a replay {origin.Message}";
        }

        return "a replay stayed finite, so that the machine itself is to be doubted";
    }

    private void EvaluateFinite(Metrics metrics)
    {
        Evaluate(metrics);
        foreach (var (name, value) in metrics.Values) Finite(name, value);
    }

    private void Checkpoint(TrainerState state) => Run.Directory.SaveCheckpoint(state.Step, Configuration.KeepCheckpoints, folder =>
    {
        WriteState(folder);
        AtomicFile.WriteText(Path.Combine(folder, StateName), JsonSerializer.Serialize(state));
    });

    private TrainerState Restore()
    {
        if (Run.Directory.Latest is not { } checkpoint)
        {
            Run.Directory.RewindTo(0);
            return new TrainerState(0, 0, 0);
        }

        string file = Path.Combine(checkpoint.Path, StateName);
        TrainerState state;
        try
        {
            state = JsonSerializer.Deserialize<TrainerState>(File.ReadAllText(file)) ?? throw new InputException($"{file}: is empty; remove the checkpoint to resume from the one before");
        }
        catch (Exception exception) when (exception is JsonException or IOException)
        {
            throw new InputException($"{file}: cannot be read; remove the checkpoint to resume from the one before", exception);
        }

        ReadState(checkpoint.Path, state);
        Run.Directory.RewindTo(state.Step);
        return state;
    }
}
