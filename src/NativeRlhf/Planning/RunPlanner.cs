using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Training;

namespace NativeRlhf.Planning;

/// <summary>The models of a PPO run, as far as memory goes.</summary>
/// <param name="Policy">The policy's shape.</param>
/// <param name="Value">The value function's; null where there is none.</param>
/// <param name="Rewards">Those of the reward models; none where answers are scored by rules or commands.</param>
/// <param name="Reference">The reference's shape, where it is not the policy's; or null.</param>
/// <param name="SharesReference">Whether the reference is the policy's frozen base, so that it has no weights of its own.</param>
/// <param name="SharesValue">Whether the value function is an adapter over the policy's frozen base.</param>
public sealed record PpoShapes(GptConfig Policy, GptConfig? Value, IReadOnlyList<GptConfig> Rewards, GptConfig? Reference = null, bool SharesReference = false, bool SharesValue = false);

/// <summary>
/// Says what a run takes by rehearsing it: its models and its trainer are made by the constructors of the real run, on a device
/// where everything has a size and nothing has memory, and go through one step. What is planned cannot drift from what is done.
/// </summary>
public sealed class RunPlanner
{
    private readonly Func<int?, Stage, Trainer> _make;
    private readonly long _parameters;
    private readonly int _largest;

    /// <param name="make">Makes the trainer for a microBatchSize, or for that of the configuration.</param>
    /// <param name="parameters">The parameters of the model that the run is about.</param>
    /// <param name="largest">The largest microBatchSize that the configuration allows.</param>
    private RunPlanner(Func<int?, Stage, Trainer> make, long parameters, int largest) => (_make, _parameters, _largest) = (make, parameters, largest);

    /// <summary>A run of <see cref="LanguageModelTrainer"/>.</summary>
    /// <param name="configuration">Its configuration.</param>
    /// <param name="shape">The model's shape.</param>
    /// <param name="rows">The training rows.</param>
    /// <param name="evalRows">Held-out rows; may be empty.</param>
    /// <param name="others">What fine-tuning has besides, a reward excepted; or null.</param>
    /// <returns>The planner.</returns>
    public static RunPlanner LanguageModel(
        TrainerConfiguration configuration, GptConfig shape, IReadOnlyList<TokenRow> rows, IReadOnlyList<TokenRow> evalRows, FineTuning? others = null) => new(
        (microBatch, stage) => new LanguageModelTrainer(Rehearsed(configuration, microBatch), stage.Run, stage.Model(shape with { Precision = configuration.TrainedPrecision() }), rows, evalRows, others),
        Count(shape, hasScore: false), configuration.BatchSize);

    /// <summary>A run of <see cref="RewardTrainer"/>.</summary>
    /// <param name="configuration">Its configuration.</param>
    /// <param name="shape">The model's shape.</param>
    /// <param name="rows">The rankings.</param>
    /// <param name="evalRows">Held-out rankings; may be empty.</param>
    /// <param name="references">Answers whose scores are normalised; may be empty.</param>
    /// <returns>The planner.</returns>
    public static RunPlanner Reward(
        RewardConfiguration configuration, GptConfig shape, IReadOnlyList<RankedRow> rows, IReadOnlyList<RankedRow> evalRows, IReadOnlyList<TokenRow> references) => new(
        (microBatch, stage) => new RewardTrainer(
            Rehearsed(configuration, microBatch), stage.Run, [.. Enumerable.Range(0, configuration.Ensemble).Select(_ => stage.Model(shape with { Precision = configuration.TrainedPrecision() }, hasScore: true))], rows, evalRows, references),
        Count(shape, hasScore: true), configuration.BatchSize);

    /// <summary>A run of <see cref="DpoTrainer"/> whose policy begins as its reference.</summary>
    /// <param name="configuration">Its configuration.</param>
    /// <param name="shape">The policy's shape.</param>
    /// <param name="rows">The rankings.</param>
    /// <param name="evalRows">Held-out rankings; may be empty.</param>
    /// <returns>The planner.</returns>
    public static RunPlanner Dpo(DpoConfiguration configuration, GptConfig shape, IReadOnlyList<RankedRow> rows, IReadOnlyList<RankedRow> evalRows)
    {
        return new RunPlanner(Make, Count(shape, hasScore: false), configuration.BatchSize);

        Trainer Make(int? microBatch, Stage stage)
        {
            var policy = stage.Model(shape with { Precision = configuration.TrainedPrecision() });
            return new DpoTrainer(Rehearsed(configuration, microBatch), stage.Run, policy, policy, rows, evalRows);
        }
    }

    /// <summary>A run of <see cref="PpoTrainer"/>. Every answer is as long as it may be.</summary>
    /// <param name="configuration">Its configuration.</param>
    /// <param name="shapes">Its models.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="pretraining">Rows of pretraining text; empty where ptxCoef is 0.</param>
    /// <returns>The planner.</returns>
    public static RunPlanner Ppo(PpoConfiguration configuration, PpoShapes shapes, IReadOnlyList<EncodedPrompt> prompts, IReadOnlyList<TokenRow> pretraining)
    {
        return new RunPlanner(Make, Count(shapes.Policy, hasScore: false), configuration.MiniBatchSize);

        Trainer Make(int? microBatch, Stage stage)
        {
            var rehearsed = Rehearsed(configuration, microBatch);
            ModelPrecision trained = configuration.TrainedPrecision(), frozen = configuration.FrozenPrecision();
            var policy = stage.Model(shapes.Policy with { Precision = trained });
            var workspace = stage.Keep(PpoTrainer.PlanWorkspace(stage.Device, policy.Config, rehearsed, prompts, pretraining));
            foreach (var shape in shapes.Rewards)
            {
                var reward = shape with { Precision = frozen };
                stage.Model(reward, hasScore: true);
                if (!reward.HasSameShape(policy.Config)) stage.Keep(new Workspace(stage.Device, reward, workspace.Capacity, forBackward: false));
            }

            var reference = shapes.SharesReference ? stage.Keep(policy.Snapshot()) : stage.Model((shapes.Reference ?? shapes.Policy) with { Precision = frozen });
            Gpt? value = null;
            if (shapes.SharesValue)
            {
                value = stage.Keep(policy.Snapshot());
                Adapter.Attach(value, rehearsed.Adapter()!, stage.Run.Seed, withScore: true);
            }
            else if (shapes.Value is not null)
            {
                value = stage.Model(shapes.Value with { Precision = trained }, hasScore: true);
            }

            return new PpoTrainer(rehearsed, stage.Run, new PpoModels(policy, reference, value, stage.Keep(new RuleReward(_ => 0))), prompts, pretraining, workspace);
        }
    }

    /// <summary>Rehearses one step.</summary>
    /// <returns>What the run takes.</returns>
    /// <exception cref="InputException">The configuration asks for what the run cannot do.</exception>
    public RunPlan Plan()
    {
        using var stage = new Stage();
        var trainer = stage.Keep(_make(null, stage));
        var (memory, work) = (stage.Device.Memory, stage.Device.Work);
        var (flopsBefore, bytesBefore) = (work.Flops, work.Bytes); // of making the trainer
        trainer.Rehearse();
        return new RunPlan(_parameters, trainer.TrainedParameters, memory.Peak, memory.AtPeak, work.Flops - flopsBefore, work.Bytes - bytesBefore);
    }

    /// <summary>The largest microBatchSize with which the run fits into so much memory.</summary>
    /// <param name="bytes">The memory, in bytes.</param>
    /// <returns>At most the batch, or PPO's minibatch; 0 where even one row does not fit.</returns>
    public int LargestMicroBatch(long bytes)
    {
        int fits = 0, beyond = _largest + 1;
        while (beyond - fits > 1)
        {
            int middle = fits + ((beyond - fits) / 2);
            if (Fits(middle)) fits = middle;
            else beyond = middle;
        }

        return fits;

        bool Fits(int microBatch)
        {
            using var stage = new Stage();
            try
            {
                stage.Keep(_make(microBatch, stage));
                return stage.Device.Memory.Peak <= bytes;
            }
            catch (OverflowException)
            {
                return false; // A tensor would have more rows than an int counts.
            }
        }
    }

    private static T Rehearsed<T>(T configuration, int? microBatch)
        where T : TrainerConfiguration =>
        microBatch is null
            ? configuration with { Steps = 1, WarmupSteps = 0 }
            : configuration with { Steps = 1, WarmupSteps = 0, MicroBatchSize = microBatch, MicroBatchTokens = null };

    private static long Count(GptConfig shape, bool hasScore) => shape.Specs(hasScore).Sum(spec => spec.Length);

    /// <summary>A rehearsal device and what is made on it.</summary>
    private sealed class Stage : IDisposable
    {
        private readonly Stack<IDisposable> _kept = new();

        public ComputeDevice Device { get; } = ComputeDevice.OpenRehearsal();

        /// <summary>A run that writes nothing: one step does not.</summary>
        public TrainingRun Run { get; } = new(null!, 0, null);

        /// <summary>A model that never ends a text.</summary>
        public Gpt Model(GptConfig shape, bool hasScore = false) => Keep(new Gpt(Device, shape with { EosToken = null }, hasScore));

        public T Keep<T>(T item)
            where T : IDisposable
        {
            _kept.Push(item);
            return item;
        }

        public void Dispose()
        {
            while (_kept.TryPop(out var item)) item.Dispose();
            Device.Dispose();
        }
    }
}
