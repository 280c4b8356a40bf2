using NativeRlhf.Data;

namespace NativeRlhf.Training;

/// <summary>
/// Answers and what is known of their tokens, packed one answer after another: of a whole step, or of a minibatch of it.
/// </summary>
/// <param name="answers">How many answers.</param>
/// <param name="longest">The most tokens of an answer.</param>
internal sealed class Experience(int answers, int longest)
{
    /// <summary>offsets (answers + 1): the first token of every answer, and the number of tokens</summary>
    private readonly int[] _offsets = new int[answers + 1];

    /// <summary>The answers, each after its prompt.</summary>
    public TokenRow[] Rows { get; } = new TokenRow[answers];

    /// <summary>log π under the policy that sampled, by the forward pass that training uses.</summary>
    public float[] LogProbs { get; } = new float[answers * longest];

    /// <summary>log π_ref, for a KL penalty in the loss.</summary>
    public float[] RefLogProbs { get; } = new float[answers * longest];

    /// <summary>The weight of every token in the KL penalty of the loss: β times its share in the mean; of a minibatch.</summary>
    public float[] KlWeights { get; } = new float[answers * longest];

    /// <summary>The value function's; zeros where there is none.</summary>
    public float[] Values { get; } = new float[answers * longest];

    /// <summary>What is to be gained by choosing the token.</summary>
    public float[] Advantages { get; } = new float[answers * longest];

    /// <summary>What the value function is to predict.</summary>
    public float[] Returns { get; } = new float[answers * longest];

    /// <summary>The answer tokens of all answers.</summary>
    public int Tokens => _offsets[^1];

    /// <summary>Where the tokens of some answers lie.</summary>
    public (int Start, int Count) TokensOf(int answer, int count) => (_offsets[answer], _offsets[answer + count] - _offsets[answer]);

    /// <summary>Sets an answer; those before it are set.</summary>
    public void SetRow(int answer, TokenRow row)
    {
        Rows[answer] = row;
        _offsets[answer + 1] = _offsets[answer] + row.Counted;
    }

    /// <summary>Becomes a minibatch of the answers of a step.</summary>
    public void Select(Experience all, ReadOnlySpan<int> which)
    {
        for (int i = 0; i < which.Length; i++)
        {
            SetRow(i, all.Rows[which[i]]);
            int source = all._offsets[which[i]], destination = _offsets[i], count = Rows[i].Counted;
            Array.Copy(all.LogProbs, source, LogProbs, destination, count);
            Array.Copy(all.RefLogProbs, source, RefLogProbs, destination, count);
            Array.Copy(all.Values, source, Values, destination, count);
            Array.Copy(all.Advantages, source, Advantages, destination, count);
            Array.Copy(all.Returns, source, Returns, destination, count);
        }
    }
}
