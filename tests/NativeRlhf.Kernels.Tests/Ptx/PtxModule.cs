using System.Globalization;
using System.Text.RegularExpressions;

namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>The type of a register or of an instruction: its kind (b, u, s, f, pred) and its bits.</summary>
public readonly record struct PtxType(char Kind, int Bits)
{
    public static PtxType Predicate => new('p', 1);

    public int Bytes => Bits / 8;

    public static PtxType? TryParse(string text) => text switch
    {
        "pred" => Predicate,
        "b8" or "u8" or "s8" or "b16" or "u16" or "s16" or "b32" or "u32" or "s32" or "b64" or "u64" or "s64" or "f32" or "f64" or "f16" =>
            new PtxType(text[0], int.Parse(text[1..], CultureInfo.InvariantCulture)),
        _ => null,
    };

    public override string ToString() => Kind == 'p' ? ".pred" : $".{Kind}{Bits}";
}

/// <summary>A register of the kernel: its place in the register file and its type.</summary>
public sealed record PtxRegister(string Name, PtxType Type, int Index);

/// <summary>One operand as it stands in the text.</summary>
public abstract record PtxOperand
{
    /// <summary>A register.</summary>
    public sealed record Register(PtxRegister Value) : PtxOperand;

    /// <summary>A number, or the name of something with an address.</summary>
    public sealed record Literal(string Text) : PtxOperand;

    /// <summary>An address in brackets: a register or a name, and an offset.</summary>
    public sealed record Address(PtxOperand Base, long Offset) : PtxOperand;

    /// <summary>Operands in braces.</summary>
    public sealed record Vector(IReadOnlyList<PtxOperand> Parts) : PtxOperand;

    /// <summary>Two destinations: <c>d|p</c>.</summary>
    public sealed record Pair(PtxOperand First, PtxOperand Second) : PtxOperand;
}

/// <summary>One instruction: its opcode with modifiers, its guard, its operands and where it stands.</summary>
public sealed record PtxInstruction(
    string Text, string Name, IReadOnlyList<string> Modifiers, PtxRegister? Guard, bool GuardIsNegated, IReadOnlyList<PtxOperand> Operands, int Line)
{
    public bool Has(string modifier) => Modifiers.Contains(modifier);

    public override string ToString() => $"line {Line}: {Text}";
}

/// <summary>A parameter of the kernel, or a piece of shared or local memory.</summary>
public sealed record PtxVariable(string Name, int Bytes, int Alignment, int Offset);

/// <summary>A kernel in PTX: the part of the language that a kernel compiler and inline PTX make use of.</summary>
public sealed class PtxKernel
{
    private static readonly Regex Comment = new(@"//[^\n]*|/\*.*?\*/", RegexOptions.Singleline);
    private static readonly Regex VariableText = new(@"^\.(?<space>param|shared|local)(?:\s+\.align\s+(?<align>\d+))?\s+\.(?<type>\w+)\s+(?<name>[\w$]+)(?:\[(?<size>\d*)\])?$");
    private static readonly Regex RegisterText = new(@"^(?<name>[%\w$]+?)(?:<(?<count>\d+)>)?$");

    private readonly Dictionary<string, PtxRegister> _registers = [];
    private readonly Dictionary<string, int> _labels = [];
    private readonly List<PtxInstruction> _code = [];
    private readonly List<PtxVariable> _parameters = [], _shared = [], _local = [];

    private PtxKernel()
    {
    }

    /// <summary>The instructions, in order.</summary>
    public IReadOnlyList<PtxInstruction> Code => _code;

    /// <summary>The parameters, in order.</summary>
    public IReadOnlyList<PtxVariable> Parameters => _parameters;

    /// <summary>Static shared memory; the dynamic part lies behind it.</summary>
    public IReadOnlyList<PtxVariable> Shared => _shared;

    /// <summary>Local memory of a thread.</summary>
    public IReadOnlyList<PtxVariable> Local => _local;

    /// <summary>The name of the dynamic shared memory, if there is any.</summary>
    public string? DynamicShared { get; private set; }

    /// <summary>The number of registers.</summary>
    public int RegisterCount => _registers.Count;

    /// <summary>The instruction that a label stands before.</summary>
    public int Target(string label) =>
        _labels.TryGetValue(label, out int place) ? place : throw new PtxException($"there is no label {label}");

    /// <summary>Reads the one kernel of a module.</summary>
    /// <param name="text">The module.</param>
    /// <returns>The kernel.</returns>
    /// <exception cref="PtxException">It does not keep to the language, or uses what is not known here.</exception>
    public static PtxKernel Parse(string text)
    {
        var kernel = new PtxKernel();
        text = Comment.Replace(text, match => new string('\n', match.Value.Count(c => c == '\n')));
        int entry = text.IndexOf(".entry", StringComparison.Ordinal);
        if (entry < 0) throw new PtxException("the module has no .entry");
        if (Regex.Match(text[..entry], @"\.extern\s+\.shared\s+\.align\s+\d+\s+\.b8\s+([\w$]+)\[\]") is { Success: true } dynamicShared)
            kernel.DynamicShared = dynamicShared.Groups[1].Value;
        int open = text.IndexOf('(', entry), close = text.IndexOf(')', entry), body = text.IndexOf('{', entry);
        if (open >= 0 && open < body)
        {
            foreach (string parameter in text[(open + 1)..close].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                kernel.Declare(Regex.Replace(parameter, @"\s+", " "));
        }

        int line = text[..body].Count(c => c == '\n') + 1, depth = 1, start = body + 1, startLine = line;
        for (int i = body + 1; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '\n') line++;
            if (c == '{') depth++;
            if (c == '}' && --depth == 0) return kernel;
            if (string.IsNullOrWhiteSpace(text[start..i])) startLine = line;
            if (c == ':' && depth == 1 && Regex.IsMatch(text[start..i], @"^\s*[\w$]+\s*$"))
            {
                kernel._labels.Add(text[start..i].Trim(), kernel._code.Count);
                start = i + 1;
            }
            else if (c == ';')
            {
                kernel.Statement(Regex.Replace(text[start..i].Trim(), @"\s+", " "), startLine);
                start = i + 1;
            }
        }

        throw new PtxException("the kernel's body does not end");
    }

    private void Statement(string text, int line)
    {
        if (text.StartsWith(".reg", StringComparison.Ordinal)) DeclareRegisters(text);
        else if (text.StartsWith(".local", StringComparison.Ordinal) || text.StartsWith(".shared", StringComparison.Ordinal)) Declare(text);
        else if (text.StartsWith('.')) throw new PtxException($"line {line}: {text}: unknown directive");
        else if (text.Length > 0) _code.Add(Instruction(text, line));
    }

    private void Declare(string text)
    {
        var match = VariableText.Match(text);
        if (!match.Success || PtxType.TryParse(match.Groups["type"].Value) is not { } type) throw new PtxException($"{text}: unknown declaration");
        var list = match.Groups["space"].Value switch { "param" => _parameters, "shared" => _shared, _ => _local };
        int bytes = type.Bytes * (match.Groups["size"].Success ? int.Parse(match.Groups["size"].Value, CultureInfo.InvariantCulture) : 1);
        int alignment = match.Groups["align"].Success ? int.Parse(match.Groups["align"].Value, CultureInfo.InvariantCulture) : type.Bytes;
        int end = list.Count == 0 ? 0 : list[^1].Offset + list[^1].Bytes;
        list.Add(new PtxVariable(match.Groups["name"].Value, bytes, alignment, (end + alignment - 1) / alignment * alignment));
    }

    private void DeclareRegisters(string text)
    {
        string[] parts = text.Split(' ', 3);
        if (parts.Length < 3 || PtxType.TryParse(parts[1].TrimStart('.')) is not { } type) throw new PtxException($"{text}: unknown register type");
        foreach (string item in parts[2].Split(',', StringSplitOptions.TrimEntries))
        {
            var match = RegisterText.Match(item);
            if (!match.Success) throw new PtxException($"{text}: not a register name");
            string name = match.Groups["name"].Value;
            if (!match.Groups["count"].Success)
            {
                Add(name);
                continue;
            }

            int count = int.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture);
            for (int i = 0; i < count; i++) Add(name + i.ToString(CultureInfo.InvariantCulture));
        }

        void Add(string name)
        {
            if (!_registers.TryAdd(name, new PtxRegister(name, type, _registers.Count))) throw new PtxException($"{text}: register {name} is declared twice");
        }
    }

    private PtxInstruction Instruction(string text, int line)
    {
        string rest = text;
        PtxRegister? guard = null;
        bool negated = false;
        if (rest.StartsWith('@'))
        {
            int space = rest.IndexOf(' ', StringComparison.Ordinal);
            string name = rest[1..space];
            negated = name.StartsWith('!');
            guard = Find(name.TrimStart('!'), line, text);
            if (guard.Type != PtxType.Predicate) throw new PtxException($"line {line}: {text}: the guard is no predicate");
            rest = rest[(space + 1)..].Trim();
        }

        int end = rest.IndexOf(' ', StringComparison.Ordinal);
        string opcode = end < 0 ? rest : rest[..end];
        string[] parts = opcode.Split('.');
        var operands = end < 0 ? [] : SplitTop(rest[end..]).Select(part => Operand(part, line, text, parts[0])).ToList();
        return new PtxInstruction(text, parts[0], parts[1..], guard, negated, operands, line);
    }

    private static IEnumerable<string> SplitTop(string text)
    {
        int depth = 0, start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is '{' or '[') depth++;
            if (text[i] is '}' or ']') depth--;
            if (text[i] != ',' || depth != 0) continue;
            yield return text[start..i].Trim();
            start = i + 1;
        }

        if (text[start..].Trim() is { Length: > 0 } last) yield return last;
    }

    private PtxOperand Operand(string text, int line, string whole, string opcode)
    {
        if (text.StartsWith('{')) return new PtxOperand.Vector([.. SplitTop(text[1..^1]).Select(part => Operand(part, line, whole, opcode))]);
        if (text.StartsWith('['))
        {
            var match = Regex.Match(text, @"^\[\s*(?<base>[%\w$.]+)\s*(?:(?<sign>[+-])\s*(?<offset>-?\w+))?\s*\]$");
            if (!match.Success) throw new PtxException($"line {line}: {whole}: unknown address {text}");
            long offset = match.Groups["offset"].Success ? (long)PtxLiteral.Integer(match.Groups["offset"].Value) : 0;
            return new PtxOperand.Address(Operand(match.Groups["base"].Value, line, whole, opcode), match.Groups["sign"].Value == "-" ? -offset : offset);
        }

        if (text.Split('|') is [{ } first, { } second]) return new PtxOperand.Pair(Operand(first.Trim(), line, whole, opcode), Operand(second.Trim(), line, whole, opcode));
        if (_registers.TryGetValue(text, out var register)) return new PtxOperand.Register(register);
        bool isNumber = char.IsAsciiDigit(text[0]) || text[0] == '-';
        bool isSpecial = text.StartsWith('%');
        bool isName = opcode is "bra" || text == DynamicShared || _shared.Concat(_local).Concat(_parameters).Any(v => v.Name == text);
        return isNumber || isSpecial || isName ? new PtxOperand.Literal(text) : throw new PtxException($"line {line}: {whole}: {text} is not declared");
    }

    private PtxRegister Find(string name, int line, string text) =>
        _registers.TryGetValue(name, out var register) ? register : throw new PtxException($"line {line}: {text}: register {name} is not declared");
}

/// <summary>Numbers in PTX.</summary>
public static class PtxLiteral
{
    /// <summary>An integer: decimal or hexadecimal, perhaps negative.</summary>
    public static ulong Integer(string text)
    {
        bool negative = text.StartsWith('-');
        string digits = text.TrimStart('-').TrimEnd('U');
        ulong value = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.Parse(digits[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : ulong.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        return negative ? (ulong)-(long)value : value;
    }

    /// <summary>The bits of a number as a type has them.</summary>
    public static ulong Bits(string text, PtxType type)
    {
        if (text.StartsWith("0f", StringComparison.OrdinalIgnoreCase) && text.Length == 10)
        {
            uint bits = uint.Parse(text[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            return type.Bits == 64 ? BitConverter.DoubleToUInt64Bits(BitConverter.UInt32BitsToSingle(bits)) : bits;
        }

        if (text.StartsWith("0d", StringComparison.OrdinalIgnoreCase) && text.Length == 18)
        {
            ulong bits = ulong.Parse(text[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            return type.Bits == 32 ? BitConverter.SingleToUInt32Bits((float)BitConverter.UInt64BitsToDouble(bits)) : bits;
        }

        if (text.Contains('.', StringComparison.Ordinal) && type.Kind == 'f')
        {
            double value = double.Parse(text, CultureInfo.InvariantCulture);
            return type.Bits == 32 ? BitConverter.SingleToUInt32Bits((float)value) : BitConverter.DoubleToUInt64Bits(value);
        }

        if (type.Kind == 'f') throw new PtxException($"{text} is no floating-point number");
        ulong integer = Integer(text);
        return type.Bits >= 64 ? integer : integer & ((1UL << type.Bits) - 1);
    }
}
