using System.Diagnostics;
using System.Numerics;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using NativeRlhf.Kernels.Device;
using KernelGroup = ILGPU.Group;

namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>
/// Walks the code of a kernel and of everything that it calls, as the kernel compiler does, and finds what that
/// compiler cannot translate. It knows no more than the code: a kernel that passes can still be wrong.
/// </summary>
public sealed class KernelLegality
{
    // What the package translates; everything else of these types it would have to compile from the framework's code.
    private static readonly HashSet<string> MathFunctions =
    [
        "Abs", "Acos", "Asin", "Atan", "Atan2", "Ceiling", "Cos", "Cosh", "Exp", "Floor", "Log", "Log10", "Max", "Min",
        "Pow", "Sin", "Sinh", "Sqrt", "Tan", "Tanh",
    ];

    private static readonly HashSet<string> BitFunctions = ["LeadingZeroCount", "PopCount", "TrailingZeroCount"];
    private static readonly HashSet<string> FloatTests = ["IsNaN", "IsInfinity", "IsFinite"];

    private static readonly HashSet<string> BitConversions =
        ["DoubleToInt64Bits", "Int64BitsToDouble", "SingleToInt32Bits", "Int32BitsToSingle"];

    private static readonly HashSet<string> InterlockedFunctions =
        ["Add", "And", "CompareExchange", "Decrement", "Exchange", "Increment", "Or"];

    private static readonly HashSet<string> ViewFunctions = ["Cast", "AsDense", "VariableView"];
    private static readonly HashSet<string> HostFunctionsOfViews = ["ToString", "GetHashCode", "Equals"];

    private readonly MethodInfo kernel;
    private readonly Grouping grouping;
    private readonly List<KernelViolation> violations = [];
    private readonly HashSet<MethodBase> visited = [];
    private readonly List<MethodBase> chain = [];

    private KernelLegality(MethodInfo kernel, Grouping grouping)
    {
        this.kernel = kernel;
        this.grouping = grouping;
    }

    /// <summary>All violations of a kernel, at the first place of each.</summary>
    public static IReadOnlyList<KernelViolation> Check(MethodInfo kernel, Grouping grouping) =>
        new KernelLegality(kernel, grouping).Run().violations;

    /// <summary>The methods that a kernel consists of: itself and what it calls in our assemblies.</summary>
    public static IReadOnlyCollection<MethodBase> Closure(MethodInfo kernel) =>
        new KernelLegality(kernel, Grouping.Explicit).Run().visited;

    private KernelLegality Run()
    {
        chain.Add(kernel);
        CheckSignature();
        chain.Clear();
        Visit(kernel);
        return this;
    }

    private void CheckSignature()
    {
        if (!kernel.IsStatic || kernel.ReturnType != typeof(void) || kernel.ContainsGenericParameters)
            Report(KernelRule.Signature, -1, "a kernel is a static method without result and without open type parameters");
        ParameterInfo[] parameters = kernel.GetParameters();
        bool takesIndex = parameters.Length > 0 && KernelTypes.IsIndex(parameters[0].ParameterType);
        if (takesIndex != (grouping == Grouping.Implicit))
            Report(KernelRule.Signature, -1, "an implicitly grouped kernel takes an index first, an explicitly grouped one takes none");
        foreach (ParameterInfo parameter in parameters)
        {
            Type type = parameter.ParameterType;
            if (type.IsByRef)
                Report(KernelRule.KernelParameter, -1, $"{parameter.Name} is passed by reference");
            else if (KernelTypes.Problem(type) is { } problem)
                Report(KernelRule.KernelParameter, -1, $"{parameter.Name} of type {type.Name} ({problem})");
            else if (HoldsBoolOrChar(type))
                Report(KernelRule.KernelParameter, -1, $"{parameter.Name} of type {type.Name} is or holds a bool or char, whose size differs between host and device");
        }
    }

    private static bool HoldsBoolOrChar(Type type) =>
        type == typeof(bool) || type == typeof(char)
        || (!type.IsPrimitive && !type.IsEnum && !KernelTypes.IsIlgpu(type)
            && type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                .Any(field => HoldsBoolOrChar(field.FieldType)));

    private void Visit(MethodBase method)
    {
        if (!visited.Add(method))
            return;
        chain.Add(method);
        if (method.GetMethodBody() is { } body)
        {
            CheckTypes(method, body);
            if (body.ExceptionHandlingClauses.Count > 0)
                Report(KernelRule.Exception, body.ExceptionHandlingClauses[0].TryOffset, "try");
            CheckCode(IlReader.Read(method));
        }
        else
        {
            Report(KernelRule.ForeignCall, -1, $"{method.Name} has no code of ours");
        }

        chain.RemoveAt(chain.Count - 1);
    }

    private void CheckTypes(MethodBase method, MethodBody body)
    {
        if (method != kernel)
        {
            foreach (ParameterInfo parameter in method.GetParameters())
                CheckType(parameter.ParameterType, -1, $"parameter {parameter.Name}");
        }

        if (method is MethodInfo function)
            CheckType(function.ReturnType, -1, "result");
        foreach (LocalVariableInfo local in body.LocalVariables)
        {
            if (local.IsPinned)
                Report(KernelRule.Pinning, -1, $"local {local.LocalIndex} is pinned");
            else
                CheckType(local.LocalType, -1, $"local {local.LocalIndex}");
        }
    }

    private void CheckType(Type type, int offset, string where)
    {
        if (KernelTypes.Problem(type) is { } rule)
            Report(rule, offset, $"{where} of type {type.Name}");
    }

    private void CheckCode(List<IlInstruction> code)
    {
        bool takesText = code.Any(instruction => instruction.Operand is MethodBase { DeclaringType: { } type } && TakesText(type));
        Type? constrained = null;
        foreach (IlInstruction instruction in code)
        {
            (int offset, OpCode opCode, object? operand) = instruction;
            switch (opCode.Name)
            {
                case "constrained.":
                    constrained = (Type)operand!;
                    continue;
                case "call" or "callvirt":
                    CheckCall(offset, (MethodBase)operand!, opCode == OpCodes.Callvirt, constrained);
                    break;
                case "newobj":
                    CheckNew(offset, (ConstructorInfo)operand!);
                    break;
                case "ldfld" or "ldflda" or "stfld":
                    CheckType(((FieldInfo)operand!).DeclaringType!, offset, $"field {((FieldInfo)operand).Name}");
                    break;
                case "ldsfld" or "ldsflda" or "stsfld":
                    CheckStaticField(offset, opCode, (FieldInfo)operand!);
                    break;
                case "ldstr":
                    if (!takesText)
                        Report(KernelRule.String, offset, $"\"{operand}\"");
                    break;
                case "initobj" or "ldobj" or "stobj" or "cpobj" or "sizeof":
                    CheckType((Type)operand!, offset, opCode.Name);
                    break;
                default:
                    if (RuleOf(opCode) is { } rule)
                        Report(rule, offset, operand is MemberInfo member ? $"{opCode.Name} {member.Name}" : opCode.Name!);
                    break;
            }

            constrained = null;
        }
    }

    private static KernelRule? RuleOf(OpCode opCode) =>
        opCode.Name switch
        {
            "newarr" or "ldlen" => KernelRule.Array,
            "box" or "unbox" or "unbox.any" => KernelRule.Boxing,
            "castclass" or "isinst" or "ldnull" or "ldtoken" => KernelRule.ReferenceType,
            "throw" or "rethrow" => KernelRule.Exception,
            "ldftn" or "ldvirtftn" or "calli" => KernelRule.Delegate,
            "localloc" => KernelRule.StackAllocation,
            "cpblk" or "initblk" or "unaligned." => KernelRule.Pointer,
            "arglist" or "ckfinite" or "jmp" or "mkrefany" or "refanytype" or "refanyval" => KernelRule.UnsupportedInstruction,
            { } name when name.StartsWith("ldelem", StringComparison.Ordinal) || name.StartsWith("stelem", StringComparison.Ordinal) =>
                KernelRule.Array,
            _ => null,
        };

    private void CheckNew(int offset, ConstructorInfo constructor)
    {
        Type type = constructor.DeclaringType!;
        if (typeof(Delegate).IsAssignableFrom(type))
            Report(KernelRule.Delegate, offset, $"new {type.Name}");
        else if (typeof(Exception).IsAssignableFrom(type))
            Report(KernelRule.Exception, offset, $"new {type.Name}");
        else if (!type.IsValueType)
            Report(KernelRule.NewObject, offset, $"new {type.Name}");
        else
            CheckCall(offset, constructor, isVirtual: false, constrained: null);
    }

    private void CheckStaticField(int offset, OpCode opCode, FieldInfo field)
    {
        if (typeof(Delegate).IsAssignableFrom(field.FieldType))
            Report(KernelRule.Delegate, offset, $"{opCode.Name} {field.Name}");
        else if (!field.IsInitOnly || opCode != OpCodes.Ldsfld || KernelTypes.Problem(field.FieldType) is not null)
            Report(KernelRule.StaticField, offset, $"{opCode.Name} {field.DeclaringType?.Name}.{field.Name}");
    }

    private void CheckCall(int offset, MethodBase target, bool isVirtual, Type? constrained)
    {
        if (constrained is not null && target is MethodInfo { IsVirtual: true } method)
        {
            if (Implementation(method, constrained) is not { } implementation)
            {
                Report(
                    KernelTypes.IsIlgpu(constrained) || constrained.IsPrimitive ? KernelRule.GenericMath : KernelRule.VirtualCall,
                    offset,
                    $"{method.DeclaringType?.Name}.{method.Name} of {constrained.Name}");
                return;
            }

            target = implementation;
        }
        else if (target.IsAbstract || (isVirtual && target is { IsVirtual: true, IsFinal: false, DeclaringType.IsSealed: false }))
        {
            Report(KernelRule.VirtualCall, offset, $"{target.DeclaringType?.Name}.{target.Name}");
            return;
        }

        Type type = target.DeclaringType!;
        if (KernelTypes.IsIlgpu(type))
        {
            CheckIlgpuCall(offset, target, type);
        }
        else if (IsOurs(type))
        {
            if (chain.Contains(target))
                Report(KernelRule.Recursion, offset, $"{type.Name}.{target.Name}");
            else
                Visit(target);
        }
        else if (FrameworkProblem(target, type) is { } rule)
        {
            Report(rule, offset, $"{type.Name}.{target.Name}");
        }
    }

    // A structure's own implementation of an interface that its user knows at compile time; ours alone.
    private static MethodInfo? Implementation(MethodInfo method, Type constrained)
    {
        if (!constrained.IsValueType || !IsOurs(constrained) || method.DeclaringType is not { IsInterface: true } contract)
            return null;
        InterfaceMapping map = constrained.GetInterfaceMap(contract);
        MethodInfo definition = method.IsGenericMethod ? method.GetGenericMethodDefinition() : method;
        int index = Array.IndexOf(map.InterfaceMethods, definition);
        if (index < 0 || map.TargetMethods[index].DeclaringType != constrained)
            return null;
        MethodInfo target = map.TargetMethods[index];
        return method.IsGenericMethod ? target.MakeGenericMethod(method.GetGenericArguments()) : target;
    }

    private void CheckIlgpuCall(int offset, MethodBase target, Type type)
    {
        string name = $"{type.Name}.{target.Name}";
        if (grouping == Grouping.Implicit && type == typeof(SharedMemory))
            Report(KernelRule.SharedMemoryInImplicitKernel, offset, name);
        else if (grouping == Grouping.Implicit && (type == typeof(KernelGroup) || type == typeof(Grid) || type == typeof(Warp)))
            Report(KernelRule.GroupInImplicitKernel, offset, name);
        else if (type.Name == "IntrinsicMath" && target.Name == "CopySign")
            Report(KernelRule.CopySign, offset, name);
        else if (type == typeof(ArrayViewExtensions) && (ViewFunctions.Contains(target.Name) || target.Name.StartsWith("AlignTo", StringComparison.Ordinal) || target.Name.StartsWith("AsAligned", StringComparison.Ordinal)))
            return;
        else if (type == typeof(Accelerator) && target.Name == "get_CurrentType")
            return;
        else if (!KernelTypes.IsKernelApi(type) || HostFunctionsOfViews.Contains(target.Name))
            Report(KernelRule.HostApi, offset, name);
    }

    private static KernelRule? FrameworkProblem(MethodBase target, Type type)
    {
        if (type == typeof(Math) || type == typeof(MathF))
        {
            bool numbers = target.GetParameters().All(p => p.ParameterType.IsPrimitive && p.ParameterType != typeof(nint) && p.ParameterType != typeof(nuint));
            return target.Name switch
            {
                "FusedMultiplyAdd" => KernelRule.FusedMultiplyAdd,
                "CopySign" => KernelRule.CopySign,
                _ => numbers && MathFunctions.Contains(target.Name) ? null : KernelRule.ForeignCall,
            };
        }

        bool allowed =
            (type == typeof(BitOperations) && BitFunctions.Contains(target.Name))
            || (type == typeof(BitConverter) && BitConversions.Contains(target.Name))
            || ((type == typeof(float) || type == typeof(double)) && FloatTests.Contains(target.Name))
            || (type == typeof(Interlocked) && InterlockedFunctions.Contains(target.Name))
            || (KernelTypes.IsTuple(type) && target.IsConstructor)
            || type == typeof(Debug);
        if (allowed)
            return null;
        if (type == typeof(Unsafe) || type == typeof(MemoryMarshal) || type == typeof(Marshal) || type == typeof(NativeMemory))
            return KernelRule.Unsafe;
        if (KernelTypes.IsSimd(type))
            return KernelRule.SimdVector;
        if (type == typeof(string) || type == typeof(DefaultInterpolatedStringHandler))
            return KernelRule.String;
        if (type.IsByRefLike)
            return KernelRule.Span;
        if (typeof(Delegate).IsAssignableFrom(type))
            return KernelRule.Delegate;
        if (typeof(Exception).IsAssignableFrom(type))
            return KernelRule.Exception;
        return type.IsGenericType && type.IsInterface ? KernelRule.GenericMath : KernelRule.ForeignCall;
    }

    private static bool TakesText(Type type) => type == typeof(CudaAsm) || type == typeof(Debug);

    private static bool IsOurs(Type type) =>
        type.Assembly.GetName().Name is { } name && name.StartsWith("NativeRlhf.", StringComparison.Ordinal) && !KernelTypes.IsIlgpu(type);

    private void Report(KernelRule rule, int offset, string detail) =>
        violations.Add(new KernelViolation(rule, [.. chain], offset, detail));
}
