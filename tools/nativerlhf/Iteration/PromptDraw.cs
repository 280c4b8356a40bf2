using NativeRlhf.Configuration;
using NativeRlhf.Data;

namespace NativeRlhf.Runner.Iteration;

/// <summary>
/// Which prompts are answered in which round: those whose comparisons are held out are always of the same share of all prompts; of both
/// kinds rounds go through all in random order, and then again in another.
/// </summary>
internal sealed class PromptDraw
{
    private readonly IReadOnlyList<PromptRow> _prompts;
    private readonly int[] _heldOut, _train;
    private readonly int _heldOutPerRound, _trainPerRound;
    private readonly ulong _seed;

    /// <exception cref="InputException">There are too few prompts.</exception>
    public PromptDraw(IReadOnlyList<PromptRow> prompts, IterationPlan plan, ulong seed)
    {
        _prompts = prompts;
        _seed = seed;
        if (prompts.Count == 0) throw new InputException($"{plan.Prompts[0]}: holds no prompt");
        if (plan.PromptsPerRound > prompts.Count) throw new InputException($"promptsPerRound is {plan.PromptsPerRound}, but there are {prompts.Count} prompts; lower it, or leave it out for all");
        int held = Share(prompts.Count);
        if (held == prompts.Count) throw new InputException($"heldOut is {FormattableString.Invariant($"{plan.HeldOut}")}, which leaves none of {prompts.Count} prompts to train on; lower it");
        var order = new RowOrder(seed, prompts.Count, shuffle: true, Kernels.Device.RandomPurpose.Data);
        int[] all = [.. Enumerable.Range(0, prompts.Count).Select(i => order[i])];
        (_heldOut, _train) = (all[..held], all[held..]);
        int perRound = plan.PromptsPerRound ?? prompts.Count;
        _heldOutPerRound = Math.Min(held, Share(perRound));
        _trainPerRound = perRound - _heldOutPerRound;
        if (_trainPerRound < 1) throw new InputException($"promptsPerRound is {perRound}, all of which would be held out; raise it, or lower heldOut");

        int Share(int count) => (int)Math.Round(plan.HeldOut * count, MidpointRounding.AwayFromZero);
    }

    /// <summary>The prompts of a round, from 1, held-out ones first.</summary>
    public (PromptRow[] Rows, int HeldOut) OfRound(int round) =>
        ([.. Drawn(_heldOut, _heldOutPerRound, round), .. Drawn(_train, _trainPerRound, round)], _heldOutPerRound);

    private IEnumerable<PromptRow> Drawn(int[] pool, int count, int round)
    {
        if (count == 0) return [];
        var order = new RowOrder(_seed, pool.Length, shuffle: true);
        return Enumerable.Range(0, count).Select(i => _prompts[pool[order[((long)(round - 1) * count) + i]]]);
    }
}
