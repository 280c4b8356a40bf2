using System.Text.Json.Nodes;

namespace NativeRlhf.Planning;

/// <summary>What a run takes, known before anything is allocated.</summary>
/// <param name="Parameters">The parameters of the model that the run is about.</param>
/// <param name="TrainedParameters">Those that are trained, in all models of the run.</param>
/// <param name="Bytes">The most device memory at once, in bytes.</param>
/// <param name="BytesByPurpose">Its parts: weights, gradients, moments, activations and so on.</param>
/// <param name="Flops">
/// Floating-point operations of one step, of matrix products and attention, two for every multiplication with its addition.
/// </param>
/// <param name="Traffic">Bytes that the operations of one step read and write, each operand once.</param>
public sealed record RunPlan(long Parameters, long TrainedParameters, long Bytes, IReadOnlyDictionary<string, long> BytesByPurpose, double Flops, double Traffic)
{
    /// <summary>A number of bytes as people read it.</summary>
    /// <param name="bytes">The number.</param>
    /// <returns>As in <c>1.50 GiB</c>.</returns>
    public static string Format(double bytes)
    {
        string[] units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        int unit = 0;
        for (; bytes >= 1024 && unit < units.Length - 1; unit++) bytes /= 1024;
        return FormattableString.Invariant($"{bytes:0.##} {units[unit]}");
    }

    /// <summary>The memory on one line, the largest part first.</summary>
    /// <returns>As in <c>2.31 GiB: moments 0.93 GiB, weights 0.46 GiB</c>.</returns>
    public string MemoryLine() =>
        $"{Format(Bytes)}: {string.Join(", ", BytesByPurpose.OrderByDescending(part => part.Value).Select(part => $"{part.Key} {Format(part.Value)}"))}";

    /// <summary>The work of a step on one line.</summary>
    /// <returns>As in <c>1.24 TFLOP, 31.40 GiB read and written</c>.</returns>
    public string WorkLine() => FormattableString.Invariant($"{Flops / 1e12:0.######} TFLOP, {Format(Traffic)} read and written");

    /// <summary>The plan as a JSON object.</summary>
    /// <returns>A new object: <c>parameters, trained_parameters, bytes, bytes_by_purpose, flops_per_step, bytes_per_step</c>.</returns>
    public JsonObject ToJson() => new()
    {
        ["parameters"] = Parameters,
        ["trained_parameters"] = TrainedParameters,
        ["bytes"] = Bytes,
        ["bytes_by_purpose"] = new JsonObject(BytesByPurpose.Select(part => KeyValuePair.Create(part.Key, (JsonNode?)part.Value))),
        ["flops_per_step"] = Flops,
        ["bytes_per_step"] = Traffic,
    };
}
