using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;
using NativeRlhf.Optimization;

namespace NativeRlhf.Configuration;

/// <summary>
/// What all trainers have in common. Property names are the keys of a configuration file, with a small first letter;
/// values of enumerations are written in lower case. The defaults given here are those of <see cref="PretrainConfiguration"/>
/// where its documentation, or that of another trainer, does not name its own.
/// </summary>
public abstract record TrainerConfiguration : ConfigurationRecord
{
    /// <summary>Tokens of a micro-batch where neither rows nor tokens are configured.</summary>
    private const int DefaultMicroBatchTokens = 2048;

    /// <summary>Optimizer steps of the run; null (the default) derives them from <see cref="Epochs"/>, over which it wins.</summary>
    [Bounds(1)]
    public int? Steps { get; init; }

    /// <summary>How often every row is drawn, also a fraction; the run has ⌈epochs · rows / batchSize⌉ steps. Default 1.</summary>
    [Bounds(0, AboveMinimum = true)]
    public double Epochs { get; init; } = 1;

    /// <summary>Rows per optimizer step (windows, demonstrations; prompts, for rankings). Default 32.</summary>
    [Bounds(1)]
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Rows that are run at once; gradients are accumulated over them. It decides memory and never the result beyond rounding.
    /// Null (the default) lets the trainer choose.
    /// </summary>
    [Bounds(1)]
    public int? MicroBatchSize { get; init; }

    /// <summary>
    /// The most tokens that are run at once: rows are packed up to this budget, and a longer one is run alone. Like
    /// <see cref="MicroBatchSize"/>, beside which it may stand, it decides memory only. Null (the default) lets the trainer choose.
    /// </summary>
    [Bounds(1)]
    public int? MicroBatchTokens { get; init; }

    /// <summary>
    /// Whether the backward pass runs every layer forward again, so that of its activations only the residual stream is kept
    /// (gradient checkpointing). It takes a fraction of the memory, up to a quarter more time, and never changes the result.
    /// Default false.
    /// </summary>
    public bool Recompute { get; init; }

    /// <summary>The learning rate after warm-up. Default 6e-4.</summary>
    [Bounds(0, 1)]
    public double LearningRate { get; init; } = 6e-4;

    /// <summary>How the learning rate goes on after warm-up: constant, linear or cosine. Default cosine.</summary>
    public LearningRateShape LearningRateSchedule { get; init; } = LearningRateShape.Cosine;

    /// <summary>Where linear and cosine schedules end, as a fraction of <see cref="LearningRate"/>. Default 0.1.</summary>
    [Bounds(0, 1)]
    public double FinalLearningRateFraction { get; init; } = 0.1;

    /// <summary>Steps over which the learning rate rises to its peak. Default 0.</summary>
    [Bounds(0)]
    public int WarmupSteps { get; init; }

    /// <summary>Adam's β₁, the decay of the mean of the gradient. Default 0.9.</summary>
    [Bounds(0, 1, BelowMaximum = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Adam's β₂, the decay of the mean of its square. Default 0.95, as in GPT-3 and InstructGPT.</summary>
    [Bounds(0, 1, BelowMaximum = true)]
    public double Beta2 { get; init; } = 0.95;

    /// <summary>Adam's ε. Default 1e-8.</summary>
    [Bounds(0, 1, AboveMinimum = true)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>
    /// Where ε is added: after the bias correction of the second moment (pytorch, the default) or before it (tensorflow, the form of the
    /// original RLHF code).
    /// </summary>
    public AdamForm AdamForm { get; init; } = AdamForm.PyTorch;

    /// <summary>
    /// Decoupled weight decay (AdamW) of tensors of two dimensions, embeddings included, as a fraction of the learning rate.
    /// Default 0.1.
    /// </summary>
    [Bounds(0)]
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>The largest global norm of a batch's gradient, to which greater ones are scaled; 0 is off. Default 1.</summary>
    [Bounds(0)]
    public double GradientClip { get; init; } = 1;

    /// <summary>The probability with which an activation is dropped in training. Default 0.</summary>
    [Bounds(0, 1, BelowMaximum = true)]
    public double Dropout { get; init; }

    /// <summary>
    /// The most tokens of a row; in pretraining the tokens that a window predicts, so that it holds one more. Null (the
    /// default) is the model's context, <c>n_positions</c>.
    /// </summary>
    [Bounds(1)]
    public int? MaxLength { get; init; }

    /// <summary>Whether rows are drawn in random order, anew in each epoch; otherwise in file order. Default true.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Steps between evaluations on held-out data; 0 evaluates at the end only. Default 100.</summary>
    [Bounds(0)]
    public int EvalEvery { get; init; } = 100;

    /// <summary>Steps between checkpoints; 0 writes one only when a run is interrupted. Default 100.</summary>
    [Bounds(0)]
    public int CheckpointEvery { get; init; } = 100;

    /// <summary>How many of the latest checkpoints stay. Default 2.</summary>
    [Bounds(1)]
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Operands of matrix products: float32 (the default) or bfloat16, on devices that have it.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>
    /// With precision bfloat16, whether trained weights are kept in float32 beside the bfloat16 copy that is computed with. Without
    /// (false), matrices are kept in bfloat16 alone and updates are rounded stochastically: 4 bytes a parameter less, and noisier.
    /// Default true.
    /// </summary>
    public bool MasterWeights { get; init; } = true;

    /// <summary>
    /// r, the rank of a low-rank adapter (LoRA; Hu et al. 2021): the weights W (in, out) of every layer's linear maps are
    /// frozen, and beside them A (r, in) and B (out, r) are trained, W + α/r·(B·A)ᵀ. Gradients, Adam's moments and checkpoints
    /// are then of the adapter (and of the scalar head of a reward or value model) alone. 0 (the default) trains all weights.
    /// </summary>
    [Bounds(0, 65536)]
    public int LoraRank { get; init; }

    /// <summary>α of the adapter: what its factors add counts α/r. Null (the default) is r, a factor of 1.</summary>
    [Bounds(0, AboveMinimum = true)]
    public double? LoraAlpha { get; init; }

    /// <summary>
    /// The linear maps that have an adapter, with commas between them: <c>attn.c_attn</c>, <c>attn.c_proj</c>, <c>mlp.c_fc</c>,
    /// <c>mlp.c_proj</c>; <c>c_proj</c> stands for both of that name, <c>all-linear</c> (the default) for all four.
    /// </summary>
    public string LoraTargets { get; init; } = "all-linear";

    /// <summary>The adapter that is asked for.</summary>
    /// <returns>Its settings; null where all weights are trained.</returns>
    public AdapterSettings? Adapter() =>
        LoraRank == 0 ? null : new AdapterSettings(LoraRank, LoraAlpha ?? LoraRank, Model.Adapter.FindTargets(TargetNames).Targets);

    /// <summary>How a model is loaded that this run trains, or whose frozen weights it trains an adapter over.</summary>
    /// <returns>The precision of its weights.</returns>
    public ModelPrecision TrainedPrecision() =>
        Precision == Precision.Float32 ? ModelPrecision.Float32 : MasterWeights && LoraRank == 0 ? ModelPrecision.Mixed : ModelPrecision.BFloat16;

    /// <summary>How a model is loaded that this run does not train: a reference or a reward model.</summary>
    /// <returns>The precision of its weights.</returns>
    public ModelPrecision FrozenPrecision() => Precision == Precision.Float32 ? ModelPrecision.Float32 : ModelPrecision.BFloat16;

    /// <summary>How batches are cut: with room for the longest row, and for no more tokens than a batch can have.</summary>
    /// <param name="longestRow">The tokens of the longest row.</param>
    /// <param name="mostRows">The most rows of a batch.</param>
    /// <returns>What bounds a micro-batch; its tokens are what memory is planned for.</returns>
    public MicroBatches PlanMicroBatches(int longestRow, int mostRows)
    {
        long budget = Math.Max(longestRow, MicroBatchTokens ?? (MicroBatchSize is null ? DefaultMicroBatchTokens : int.MaxValue));
        return new MicroBatches(MicroBatchSize ?? 0, (int)Math.Min(budget, (long)longestRow * Math.Min(mostRows, MicroBatchSize ?? int.MaxValue)));
    }

    /// <summary>How many optimizer steps a run over so many rows has.</summary>
    /// <param name="rows">Rows of the training data, ≥ 1.</param>
    /// <returns><see cref="Steps"/>, or ⌈epochs · rows / batchSize⌉.</returns>
    public virtual long TotalSteps(long rows) => Steps ?? AtLeastOne(Epochs * rows / BatchSize);

    /// <summary>The learning rate of every step of a run over so many rows.</summary>
    /// <param name="rows">Rows of the training data, ≥ 1.</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="InputException">The run is not longer than its warm-up.</exception>
    public LearningRateSchedule Schedule(long rows)
    {
        long steps = TotalSteps(rows);
        if (WarmupSteps > 0 && WarmupSteps >= steps)
            throw new InputException($"warmupSteps is {WarmupSteps} and the run has {steps} steps; shorten the warm-up or lengthen the run");
        return new LearningRateSchedule(LearningRateSchedule, LearningRate, steps, WarmupSteps, FinalLearningRateFraction);
    }

    /// <inheritdoc/>
    public override IEnumerable<ConfigurationProblem> Problems()
    {
        foreach (ConfigurationProblem problem in base.Problems())
            yield return problem;
        if (MicroBatchSize > BatchSize)
            yield return new("microBatchSize", $"microBatchSize is {MicroBatchSize} and batchSize {BatchSize}; it must not be larger");
        if (Steps is { } steps && WarmupSteps > 0 && WarmupSteps >= steps)
            yield return new("warmupSteps", $"warmupSteps is {WarmupSteps} and steps {steps}; it must be smaller");
        if (Model.Adapter.FindTargets(TargetNames).Unknown is { } unknown)
            yield return new("loraTargets", $"loraTargets has '{unknown}'; known are {string.Join(", ", Model.Adapter.AllTargets)} and all-linear");
    }

    private string[] TargetNames => LoraTargets.Split(',', StringSplitOptions.TrimEntries);

    /// <summary>A number of steps, rounded up to at least one.</summary>
    /// <param name="steps">The number before rounding.</param>
    /// <returns>A whole number.</returns>
    private protected static long AtLeastOne(double steps) => Math.Max(1, (long)Math.Ceiling(steps));
}
