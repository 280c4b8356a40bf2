using System.Globalization;
using System.Text.RegularExpressions;

namespace NativeRlhf.Kernels.Verification.Compilation;

/// <summary>
/// What a PTX module declares and does. Registers are those of PTX, which are virtual: the driver's assembler gives them places later,
/// so that their number says how much a kernel names, not what it occupies.
/// </summary>
/// <param name="Registers">Virtual registers by type, <c>f32</c>, <c>b32</c>, <c>b64</c>, <c>pred</c>, …</param>
/// <param name="SharedBytes">Shared memory that is declared with a size.</param>
/// <param name="UsesDynamicShared">Whether the launch says how much shared memory there is.</param>
/// <param name="LocalBytes">Local memory: what should have been registers, and lies in slow memory.</param>
/// <param name="Instructions">
/// Instructions by kind: <c>fma</c>, <c>muladd</c> (multiplications and additions of floats, which the driver contracts), <c>mma.sync</c>, <c>ldmatrix</c>, <c>cp.async</c>, <c>bar</c>, <c>atom</c>, <c>branch</c>,
/// <c>call</c>; loads and stores by space and width in bits, as in <c>ld.global.128</c>; <c>other</c>.
/// </param>
public sealed partial record PtxStatistics(
    IReadOnlyDictionary<string, int> Registers, int SharedBytes, bool UsesDynamicShared, int LocalBytes, IReadOnlyDictionary<string, int> Instructions)
{
    /// <summary>The number of instructions.</summary>
    public int Total => Instructions.Values.Sum();

    /// <summary>The instructions of all kinds that begin so.</summary>
    /// <param name="kind">A kind, or its begin: <c>ld.global</c>.</param>
    /// <returns>How many there are.</returns>
    public int Count(string kind) =>
        Instructions.Where(entry => entry.Key == kind || entry.Key.StartsWith(kind + ".", StringComparison.Ordinal)).Sum(entry => entry.Value);

    /// <summary>Reads a module.</summary>
    /// <param name="text">PTX.</param>
    /// <returns>Its statistics.</returns>
    public static PtxStatistics Parse(string text)
    {
        var registers = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var instructions = new SortedDictionary<string, int>(StringComparer.Ordinal);
        int shared = 0, local = 0, depth = 0;
        bool isDynamic = false;
        foreach (string statement in Statements(Comment().Replace(text, " ")))
        {
            if (statement == "{") depth++;
            else if (statement == "}") depth--;
            else if (Register().Match(statement) is { Success: true } register)
            {
                int count = register.Groups[2].Value.Split(',').Sum(name => Range().Match(name) is { Success: true } range ? Number(range.Groups[1].Value) : 1);
                registers[register.Groups[1].Value] = registers.GetValueOrDefault(register.Groups[1].Value) + count;
            }
            else if (Memory().Match(statement) is { Success: true } memory)
            {
                string extents = memory.Groups["extents"].Value;
                int lanes = memory.Groups["lanes"] is { Success: true } vector ? Number(vector.Value) : 1;
                int bytes = Extent().Matches(extents).Aggregate(lanes * Bits(memory.Groups["type"].Value) / 8, (size, extent) => size * (extent.Groups[1].Value.Length == 0 ? 0 : Number(extent.Groups[1].Value)));
                if (memory.Groups[1].Value == "local") local += bytes;
                else if (bytes == 0) isDynamic = true;
                else shared += bytes;
            }
            else if (depth > 0 && Kind(statement) is { } kind)
            {
                instructions[kind] = instructions.GetValueOrDefault(kind) + 1;
            }
        }

        return new PtxStatistics(registers, shared, isDynamic, local, instructions);
    }

    /// <summary>The text between semicolons, without labels; braces of blocks alone, those of operands not.</summary>
    private static IEnumerable<string> Statements(string text)
    {
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char letter = text[i];
            if (letter is '{' or '}')
            {
                string before = Label().Replace(text[start..i], "").Trim();
                // A vector of operands, {%f1, %f2}, stands inside of a statement; a block follows a statement or a heading.
                if (before.Length > 0 && !Heading().IsMatch(before)) continue;
                yield return letter.ToString();
                start = i + 1;
            }
            else if (letter == ';')
            {
                string statement = Label().Replace(text[start..i], "").Trim();
                if (statement.Length > 0) yield return statement;
                start = i + 1;
            }
        }
    }

    private static string? Kind(string statement)
    {
        string[] words = Predicate().Replace(statement, "").Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0 || !char.IsLetter(words[0][0])) return null;
        string[] parts = words[0].Split('.');
        return parts[0] switch
        {
            "fma" => "fma",
            "mad" when IsFloat(parts) => "fma",
            "mul" or "add" or "sub" when IsFloat(parts) => "muladd",
            "mma" or "wmma" => "mma.sync",
            "ldmatrix" or "stmatrix" => "ldmatrix",
            "cp" when parts.Contains("commit_group") || parts.Contains("wait_group") || parts.Contains("wait_all") => "cp.async.group",
            "cp" => "cp.async",
            "bar" or "barrier" => "bar",
            "atom" or "red" => "atom",
            "bra" or "brx" => "branch",
            "call" => "call",
            "ld" or "ldu" or "st" => $"{parts[0][..2]}.{Space(parts)}.{Width(parts)}",
            _ => "other",
        };
    }

    private static bool IsFloat(string[] parts) => parts[^1] is "f32" or "f64" or "f16" or "f16x2" or "bf16" or "bf16x2";

    private static string Space(string[] parts) => parts.FirstOrDefault(part => part is "global" or "shared" or "local" or "param" or "const") ?? parts.FirstOrDefault(part => part.StartsWith("shared", StringComparison.Ordinal)) switch
    {
        null => "generic",
        _ => "shared",
    };

    private static int Width(string[] parts) => Bits(parts[^1]) * (parts.Contains("v4") ? 4 : parts.Contains("v2") ? 2 : 1);

    private static int Bits(string type) => type == "pred" ? 1 : int.TryParse(type.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int bits) ? bits : 0;

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^\.reg\s+(?:\.v[24]\s+)?\.(\w+)\s+(.*)$", RegexOptions.Singleline)]
    private static partial Regex Register();

    [GeneratedRegex(@"<(\d+)>")]
    private static partial Regex Range();

    [GeneratedRegex(@"(?:^|\s)\.(shared|local)\s+(?:\.align\s+\d+\s+)?(?:\.v(?<lanes>[24])\s+)?\.(?<type>\w+)\s+[\w$%]+(?<extents>(?:\[\d*\])*)$")]
    private static partial Regex Memory();

    [GeneratedRegex(@"\[(\d*)\]")]
    private static partial Regex Extent();

    [GeneratedRegex(@"^(?:\s*[\w$%]+:)+")]
    private static partial Regex Label();

    [GeneratedRegex(@"^@!?[\w$%]+\s+")]
    private static partial Regex Predicate();

    [GeneratedRegex(@"\.(?:entry|func)\b")]
    private static partial Regex Heading();
}
