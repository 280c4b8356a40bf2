using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;

namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>One instruction of a method's code.</summary>
/// <param name="Offset">Where it starts, in bytes from the start of the code.</param>
/// <param name="OpCode">The operation.</param>
/// <param name="Operand">The member, type or text that it names; null where it names none.</param>
public readonly record struct IlInstruction(int Offset, OpCode OpCode, object? Operand);

/// <summary>Reads the code of methods, with generic parameters replaced by what the method was made for.</summary>
public static class IlReader
{
    private static readonly Dictionary<ushort, OpCode> OpCodesByValue = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(opCode => (ushort)opCode.Value);

    /// <summary>The instructions of a method, none if it has no code.</summary>
    public static List<IlInstruction> Read(MethodBase method)
    {
        var instructions = new List<IlInstruction>();
        byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (int i = 0; i < code.Length;)
        {
            int offset = i;
            ushort value = code[i++];
            if (value == 0xfe)
                value = (ushort)(0xfe00 | code[i++]);
            OpCode opCode = OpCodesByValue[value];
            int size = OperandSize(opCode, code.AsSpan(i));
            object? operand = IsToken(opCode)
                ? Resolve(method, opCode, BinaryPrimitives.ReadInt32LittleEndian(code.AsSpan(i)))
                : null;
            instructions.Add(new IlInstruction(offset, opCode, operand));
            i += size;
        }

        return instructions;
    }

    private static int OperandSize(OpCode opCode, ReadOnlySpan<byte> operand) =>
        opCode.OperandType switch
        {
            OperandType.InlineNone => 0,
            OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
            OperandType.InlineVar => 2,
            OperandType.InlineI8 or OperandType.InlineR => 8,
            OperandType.InlineSwitch => 4 + (4 * BinaryPrimitives.ReadInt32LittleEndian(operand)),
            _ => 4,
        };

    private static bool IsToken(OpCode opCode) =>
        opCode.OperandType is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok
            or OperandType.InlineType or OperandType.InlineString;

    private static object? Resolve(MethodBase method, OpCode opCode, int token)
    {
        if (opCode.OperandType == OperandType.InlineString)
            return method.Module.ResolveString(token);
        Type[]? typeArguments = method.DeclaringType?.GetGenericArguments();
        Type[]? methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        return method.Module.ResolveMember(token, typeArguments, methodArguments);
    }
}
