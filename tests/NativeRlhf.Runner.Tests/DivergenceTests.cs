using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace NativeRlhf.Runner.Tests;

/// <summary>A run whose numbers go wrong ends with exit code 1 and one line that says where that began.</summary>
[TestFixture]
public sealed class DivergenceTests
{
    [Test]
    public void AnOverflowIsNamed()
    {
        using var workspace = TinyWorkspace.WithModel();
        Fill(workspace.Path("model/model.safetensors"), "h.0.mlp.c_fc.weight", 3e38f);
        var result = workspace.Run("pretrain", "--model", "model", "--data", "text.txt", "--set", "steps=3", "--out", "run");
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(1));
            Assert.That(result.ErrorLines.Single(), Does.Match(
                @"^nativerlhf: step 1: loss is NaN; in a replay MatMul\.Forward at h\.0\.mlp\.c_fc\.weight wrote -?(Infinity|NaN) to y = h\.0\.mlp\.c_fc \(\d+, 64\), row \d+, column \d+\. The update was not made; there is no checkpoint"));
            Assert.That(Directory.Exists(workspace.Path("run/final")), Is.False);
            Assert.That(File.ReadAllText(workspace.Path("run/log.txt")), Does.Contain("h.0.mlp.c_fc"));
        });
    }

    /// <summary>Overwrites a tensor of a safetensors file: 8 bytes, the length of the header; the header; the values.</summary>
    private static void Fill(string path, string tensor, float value)
    {
        byte[] file = File.ReadAllBytes(path);
        int header = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        using var json = JsonDocument.Parse(file.AsMemory(8, header));
        var entry = json.RootElement.EnumerateObject().Single(entry => entry.Name.EndsWith(tensor, StringComparison.Ordinal)).Value.GetProperty("data_offsets");
        int begin = entry[0].GetInt32(), end = entry[1].GetInt32();
        MemoryMarshal.Cast<byte, float>(file.AsSpan(8 + header + begin, end - begin)).Fill(value);
        File.WriteAllBytes(path, file);
    }
}
