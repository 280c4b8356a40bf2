namespace NativeRlhf.Configuration;

/// <summary>Which of the models that a run evaluated it ends with.</summary>
public enum ModelSelection
{
    /// <summary>The last one.</summary>
    Last,

    /// <summary>The one with the least loss on held-out rows.</summary>
    Loss,

    /// <summary>The one whose answers to the validation prompts score highest.</summary>
    Reward,
}
