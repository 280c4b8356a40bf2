namespace NativeRlhf.Configuration;

/// <summary>Where the scores of a reward model are put after training, by the scores of reference answers.</summary>
public enum Normalization
{
    /// <summary>Where training left them; the pairwise loss knows differences only.</summary>
    None,

    /// <summary>A bias: reference answers score 0 on average (Ouyang et al. 2022).</summary>
    Bias,

    /// <summary>A gain and a bias: reference answers have mean 0 and standard deviation 1 (Ziegler et al. 2019).</summary>
    Unit,
}
