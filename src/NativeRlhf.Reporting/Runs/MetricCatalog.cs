namespace NativeRlhf.Reporting.Runs;

/// <summary>A metric in a chart.</summary>
/// <param name="Metric">Its name in metrics.jsonl.</param>
/// <param name="Series">What it is called beside the others of the chart.</param>
/// <param name="Title">The chart's title where it stands alone.</param>
internal sealed record ChartedMetric(string Metric, string Series, string Title);

/// <summary>What is drawn in one chart, of those metrics that a run has.</summary>
/// <param name="Title">The title where several of its metrics are shown.</param>
/// <param name="Unit">The unit of the vertical axis, or null.</param>
/// <param name="Metrics">The metrics, the most important first.</param>
internal sealed record MetricChart(string Title, string? Unit, params ChartedMetric[] Metrics)
{
    /// <summary>Whether the axis is logarithmic where the values span more than two powers of ten.</summary>
    public bool MayBeLogarithmic { get; init; }

    /// <summary>A value that is marked, or null.</summary>
    public double? Reference { get; init; }

    /// <summary>All metrics whose names begin so belong here too, by the rest of their names; null for none.</summary>
    public string? Prefix { get; init; }
}

/// <summary>Which metrics are drawn, in which order and how. What is not here is drawn too, under its own name, after these.</summary>
internal static class MetricCatalog
{
    /// <summary>The charts.</summary>
    public static readonly MetricChart[] Charts =
    [
        new("Score", null, new("objective/scores", "sampled answers", "Score"), new("objective/scores_best", "those kept", "Score of the answers kept"), new("eval/scores", "most probable answers", "Score of the most probable answers")),
        new("Scores of single rewards", null) { Prefix = "objective/scores/" },
        new("Score less the KL penalty", null, new ChartedMetric("objective/rlhf_reward", "reward", "Score less the KL penalty")),
        new("KL to the reference", "nats", new("objective/kl", "sampled", "KL to the reference"), new("objective/kl_k3", "k3 estimator", "KL to the reference, k3 estimator")),
        new("KL coefficient β", null, new ChartedMetric("objective/kl_coef", "β", "KL coefficient β")),
        new("Entropy", "nats", new ChartedMetric("objective/entropy", "entropy", "Entropy of the policy")),
        new("Disagreement of the ensemble", null, new("objective/score_std", "sampled answers", "Disagreement of the ensemble"), new("eval/score_std", "held out", "Disagreement on held-out answers")),
        new("Loss", "nats", new("loss", "training", "Loss"), new("eval/loss", "held out", "Held-out loss")),
        new("Loss by source", "nats", new("loss/sft", "demonstrations", "Loss on demonstrations"), new("loss/ptx", "pretraining text", "Loss on pretraining text")),
        new("Accuracy", "%", new("accuracy", "training", "Accuracy"), new("eval/accuracy", "held out", "Held-out accuracy")) { Reference = 0.5 },
        new("Held-out accuracy by labeler", "%") { Prefix = "eval/accuracy/", Reference = 0.5 },
        new("Margin between scores", null, new ChartedMetric("margin", "margin", "Margin between scores")),
        new("Calibration error", null, new ChartedMetric("eval/calibration_error", "held out", "Calibration error")),
        new("Accuracy of implicit rewards", "%", new("rewards/accuracies", "training", "Accuracy of implicit rewards"), new("eval/rewards/accuracies", "held out", "Held-out accuracy of implicit rewards")) { Reference = 0.5 },
        new("Margin of implicit rewards", null, new("rewards/margins", "training", "Margin of implicit rewards"), new("eval/rewards/margins", "held out", "Held-out margin of implicit rewards")),
        new("Implicit rewards", null, new("rewards/chosen", "chosen", "Implicit reward of chosen answers"), new("rewards/rejected", "rejected", "Implicit reward of rejected answers")),
        new("Log-probability of answers", "nats", new("logps/chosen", "chosen", "Log-probability of chosen answers"), new("logps/rejected", "rejected", "Log-probability of rejected answers")),
        new("Length of answers", "tokens", new ChartedMetric("response/length", "length", "Length of answers")),
        new("Answers that end", "%", new ChartedMetric("response/eos_fraction", "ended", "Answers that end")),
        new("Clipped tokens", "%", new("policy/clipfrac", "policy", "Clipped tokens, policy"), new("value/clipfrac", "value function", "Clipped tokens, value function")),
        new("KL of an update", "nats", new ChartedMetric("policy/approxkl", "approximate KL", "KL of an update")) { MayBeLogarithmic = true },
        new("Ratio to the sampling policy", null, new ChartedMetric("policy/ratio", "mean ratio", "Ratio to the sampling policy")) { Reference = 1 },
        new("Policy loss", null, new ChartedMetric("loss/policy", "policy", "Policy loss")),
        new("Value loss", null, new ChartedMetric("loss/value", "value", "Value loss")) { MayBeLogarithmic = true },
        new("KL penalty in the loss", null, new ChartedMetric("loss/kl", "KL", "KL penalty in the loss")),
        new("Gradient norm", null, new ChartedMetric("grad_norm", "before clipping", "Gradient norm before clipping")) { MayBeLogarithmic = true },
        new("Learning rate", null, new ChartedMetric("learning_rate", "rate", "Learning rate")),
        new("Speed", "tokens/s", new ChartedMetric("tokens_per_second", "tokens per second", "Speed")),
    ];

    /// <summary>The metrics that a summary shows, the most important first, and what they are called there.</summary>
    public static readonly ChartedMetric[] Summary =
    [
        new("eval/scores", "", "Eval score"),
        new("objective/scores", "", "Score"),
        new("objective/kl", "", "KL"),
        new("eval/loss", "", "Held-out loss"),
        new("loss", "", "Loss"),
        new("eval/accuracy", "", "Held-out accuracy"),
        new("accuracy", "", "Accuracy"),
        new("eval/rewards/accuracies", "", "Held-out accuracy"),
        new("rewards/accuracies", "", "Accuracy"),
        new("objective/entropy", "", "Entropy"),
        new("response/length", "", "Answer length"),
    ];

    /// <summary>Metrics that count or time and are shown in other ways.</summary>
    public static bool IsCounter(string metric) => metric is "wall_seconds" or "tokens" || metric.StartsWith("time/", StringComparison.Ordinal);

    /// <summary>The smoothing of a metric's curve: none for what is set and not measured.</summary>
    /// <param name="metric">Its name: the id of its figure.</param>
    /// <param name="weight">The weight for all others.</param>
    public static double Smoothing(string metric, double weight) => metric is "learning_rate" or "objective/kl_coef" ? 0 : weight;

    /// <summary>Whether a metric is a share, shown as per cent.</summary>
    public static bool IsShare(string metric) => Charts.Any(chart => chart.Unit == "%" && chart.Metrics.Any(entry => entry.Metric == metric));
}
