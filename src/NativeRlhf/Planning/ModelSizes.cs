using NativeRlhf.Model;

namespace NativeRlhf.Planning;

/// <summary>
/// The named sizes of GPT-2 (Radford et al. 2019) and GPT-3 (Brown et al. 2020, arXiv:2005.14165, table 2.1). Two rows of that
/// table do not multiply out and are read as others do: the XL has 16 heads of 128 (the table says 24), the 13B a width of 5120
/// (the table says 5140). GPT-3's sparse attention layers are dense here.
/// </summary>
public static class ModelSizes
{
    private static readonly Dictionary<string, GptConfig> Sizes = new()
    {
        ["gpt2"] = Size(12, 12, 768, 1024),
        ["gpt2-medium"] = Size(24, 16, 1024, 1024),
        ["gpt2-large"] = Size(36, 20, 1280, 1024),
        ["gpt2-xl"] = Size(48, 25, 1600, 1024),
        ["gpt3-125m"] = Size(12, 12, 768, 2048),
        ["gpt3-350m"] = Size(24, 16, 1024, 2048),
        ["gpt3-760m"] = Size(24, 16, 1536, 2048),
        ["gpt3-1.3b"] = Size(24, 16, 2048, 2048),
        ["gpt3-2.7b"] = Size(32, 32, 2560, 2048),
        ["gpt3-6.7b"] = Size(32, 32, 4096, 2048),
        ["gpt3-13b"] = Size(40, 40, 5120, 2048),
        ["gpt3-175b"] = Size(96, 96, 12288, 2048),
    };

    /// <summary>All names.</summary>
    public static IReadOnlyCollection<string> Names => Sizes.Keys;

    /// <summary>The shape of a name.</summary>
    /// <param name="name">A name.</param>
    /// <returns>The shape, with GPT-2's vocabulary of 50,257 tokens.</returns>
    /// <exception cref="InputException">There is no such size.</exception>
    public static GptConfig Named(string name) =>
        Sizes.TryGetValue(name, out var config) ? config : throw new InputException($"'{name}' is no size; sizes are {string.Join(", ", Names)}");

    private static GptConfig Size(int layers, int heads, int width, int positions) => new()
    {
        Layers = layers,
        Heads = heads,
        Width = width,
        Positions = positions,
        VocabularySize = 50257,
        Inner = 4 * width,
        BosToken = 50256,
        EosToken = 50256,
    };
}
