using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>
/// Thirty-two lanes, each with its own place in the code. A step executes the instruction of the lanes that are furthest behind,
/// which brings together again what a branch has parted. Instructions that concern a whole warp wait for all lanes.
/// </summary>
internal sealed class PtxWarp
{
    private const ulong SharedWindow = 0x100_0000_0000, LocalWindow = 0x200_0000_0000;

    private readonly PtxBlock _block;
    private readonly PtxKernel _kernel;
    private readonly int _warp;
    private readonly int[] _pc = new int[32];
    private readonly ulong[] _registers;
    private readonly bool[] _isSet;
    private readonly byte[][] _local;
    private readonly List<(int Group, ulong Address, byte[] Bytes, PtxInstruction Instruction)>[] _copies = new List<(int, ulong, byte[], PtxInstruction)>[32];
    private readonly int[] _copyGroup = new int[32];
    private uint _alive, _waiting;

    public PtxWarp(PtxBlock block, int warp, int lanes)
    {
        _block = block;
        _kernel = block.Launch.Kernel;
        _warp = warp;
        _alive = lanes == 32 ? uint.MaxValue : (1u << lanes) - 1;
        _registers = new ulong[32 * _kernel.RegisterCount];
        _isSet = new bool[32 * _kernel.RegisterCount];
        int localBytes = _kernel.Local.Count == 0 ? 0 : _kernel.Local[^1].Offset + _kernel.Local[^1].Bytes;
        _local = [.. Enumerable.Range(0, 32).Select(_ => new byte[localBytes])];
        for (int lane = 0; lane < 32; lane++) _copies[lane] = [];
    }

    public bool IsDone => _alive == 0;

    /// <summary>Runs until all lanes are done or stand at a barrier.</summary>
    public void Run()
    {
        while ((_alive & ~_waiting) != 0)
        {
            uint held = _waiting;
            while (true)
            {
                // The lanes furthest behind, of those that are not held back by an instruction for which others have to come.
                uint free = _alive & ~held;
                if (free == 0) throw new PtxException($"{_kernel.Code[_pc[BitOperations.TrailingZeroCount(_alive & ~_waiting)]]}: lanes wait for each other for ever");
                int pc = int.MaxValue;
                uint mask = 0;
                for (int lane = 0; lane < 32; lane++)
                {
                    if ((free >> lane & 1) == 0 || _pc[lane] > pc) continue;
                    if (_pc[lane] < pc) mask = 0;
                    pc = _pc[lane];
                    mask |= 1u << lane;
                }

                var instruction = _kernel.Code[pc];
                if (NeedsAll(instruction) && mask != _alive)
                {
                    held |= mask;
                    continue;
                }

                Step(instruction, pc, mask);
                break;
            }
        }
    }

    /// <summary>All warps of the block have come to the barrier.</summary>
    public void PassBarrier()
    {
        for (int lane = 0; lane < 32; lane++)
        {
            if ((_waiting >> lane & 1) != 0) _pc[lane]++;
        }

        _waiting = 0;
    }

    private static bool NeedsAll(PtxInstruction instruction) =>
        instruction.Name is "mma" or "ldmatrix" or "shfl" || (instruction.Name == "bar" && instruction.Has("warp"));

    private void Step(PtxInstruction i, int pc, uint mask)
    {
        if (++_block.Steps > _block.Launch.StepLimit) throw new PtxException($"{i}: the block does not come to an end");
        uint active = mask;
        if (i.Guard is { } guard)
        {
            for (int lane = 0; lane < 32; lane++)
            {
                if ((mask >> lane & 1) != 0 && (Get(guard, lane, i) != 0) == i.GuardIsNegated) active &= ~(1u << lane);
            }
        }

        _block.Launch.CountOf(i).Executions++;
        if (i.Name == "bra")
        {
            int target = _kernel.Target(((PtxOperand.Literal)i.Operands[0]).Text);
            ForEach(mask, lane => _pc[lane] = (active >> lane & 1) != 0 ? target : pc + 1);
            return;
        }

        if (i.Name is "ret" or "exit")
        {
            ForEach(active, lane =>
            {
                if (_copies[lane].Count > 0) throw new PtxException($"{i}: a thread ends while its asynchronous copies are under way: {_copies[lane][0].Instruction}");
            });
            _alive &= ~active;
            ForEach(mask & ~active, lane => _pc[lane] = pc + 1);
            return;
        }

        if (i.Name is "bar" or "barrier" && !i.Has("warp"))
        {
            if (i.Guard is not null || !i.Has("sync")) throw new PtxException($"{i}: unknown kind of barrier");
            _waiting |= active;
            return;
        }

        if (active != 0) Execute(i, active);
        ForEach(mask, lane => _pc[lane] = pc + 1);
    }

    private void Execute(PtxInstruction i, uint mask)
    {
        switch (i.Name)
        {
            case "ld": Load(i, mask); break;
            case "st": Store(i, mask); break;
            case "mov": Move(i, mask); break;
            case "cvta": Convert(i, mask, Type(i), Type(i), _ => _, address => address + (i.Has("to") ? 0 - WindowOf(i) : WindowOf(i))); break;
            case "cvt": ConvertType(i, mask); break;
            case "setp": Compare(i, mask); break;
            case "selp": Select(i, mask); break;
            case "shfl": Shuffle(i, mask); break;
            case "cp": Copy(i, mask); break;
            case "ldmatrix": LoadMatrix(i); break;
            case "mma": MultiplyMatrices(i); break;
            case "atom" or "red": Atomic(i, mask); break;
            case "bar" or "membar" or "fence": break;
            default: Calculate(i, mask); break;
        }
    }

    private static void ForEach(uint mask, Action<int> action)
    {
        for (int lane = 0; lane < 32; lane++)
        {
            if ((mask >> lane & 1) != 0) action(lane);
        }
    }

    private static PtxType Type(PtxInstruction i, int fromEnd = 0)
    {
        for (int m = i.Modifiers.Count - 1; m >= 0; m--)
        {
            if (PtxType.TryParse(i.Modifiers[m]) is { } type && fromEnd-- == 0) return type;
        }

        throw new PtxException($"{i}: no type");
    }

    private static ulong WindowOf(PtxInstruction i) => i.Has("shared") ? SharedWindow : i.Has("local") ? LocalWindow : 0;

    // Registers and operands

    private ulong Get(PtxRegister register, int lane, PtxInstruction i)
    {
        int place = (register.Index * 32) + lane;
        return _isSet[place] ? _registers[place] : throw new PtxException($"{i}: lane {lane} of warp {_warp} reads register {register.Name}, which nothing has written");
    }

    private ulong Get(PtxOperand operand, PtxType type, int lane, PtxInstruction i, bool relaxed = false)
    {
        switch (operand)
        {
            case PtxOperand.Register { Value: { } register }:
                CheckType(register, type, i, relaxed);
                ulong value = Get(register, lane, i);
                return type.Bits < 64 ? value & ((1UL << type.Bits) - 1) : value;
            case PtxOperand.Literal { Text: { } text }:
                return char.IsAsciiDigit(text[0]) || text[0] == '-' ? PtxLiteral.Bits(text, type) : Named(text, lane, i);
            default:
                throw new PtxException($"{i}: unexpected operand");
        }
    }

    private void Set(PtxOperand operand, PtxType type, int lane, ulong value, PtxInstruction i, bool relaxed = false)
    {
        if (operand is not PtxOperand.Register { Value: { } register }) throw new PtxException($"{i}: the destination is no register");
        CheckType(register, type, i, relaxed);
        int place = (register.Index * 32) + lane;
        _registers[place] = register.Type.Bits < 64 ? value & ((1UL << register.Type.Bits) - 1) : value;
        _isSet[place] = true;
    }

    private static void CheckType(PtxRegister register, PtxType type, PtxInstruction i, bool relaxed)
    {
        bool sizes = relaxed ? register.Type.Bits >= type.Bits : register.Type.Bits == type.Bits;
        bool kinds = register.Type.Kind == 'b' || type.Kind == 'b' || register.Type.Kind == 'f' == (type.Kind == 'f') || relaxed;
        if (!sizes || !kinds || (register.Type.Kind == 'p') != (type.Kind == 'p')) throw new PtxException($"{i}: register {register.Name} is {register.Type}, not {type}");
    }

    private ulong Named(string name, int lane, PtxInstruction i)
    {
        var (threads, groups, index) = (_block.Launch.Threads, _block.Launch.Groups, _block.Index);
        int thread = (32 * _warp) + lane;
        long? special = name switch
        {
            "%tid.x" => thread % threads.X,
            "%tid.y" => thread / threads.X % threads.Y,
            "%tid.z" => thread / (threads.X * threads.Y),
            "%ntid.x" => threads.X,
            "%ntid.y" => threads.Y,
            "%ntid.z" => threads.Z,
            "%ctaid.x" => index.X,
            "%ctaid.y" => index.Y,
            "%ctaid.z" => index.Z,
            "%nctaid.x" => groups.X,
            "%nctaid.y" => groups.Y,
            "%nctaid.z" => groups.Z,
            "%laneid" => lane,
            "%warpid" => _warp,
            "%dynamic_smem_size" => _block.Launch.DynamicShared,
            "WARP_SZ" => 32,
            _ => null,
        };
        if (special is { } value) return (ulong)value;
        if (name == _kernel.DynamicShared) return (ulong)_block.Launch.StaticShared;
        if (_kernel.Shared.FirstOrDefault(v => v.Name == name) is { } shared) return (ulong)shared.Offset;
        if (_kernel.Local.FirstOrDefault(v => v.Name == name) is { } local) return (ulong)local.Offset;
        throw new PtxException($"{i}: {name} is not known");
    }

    private ulong AddressOf(PtxOperand operand, int lane, PtxInstruction i)
    {
        if (operand is not PtxOperand.Address { Base: { } place, Offset: { } offset }) throw new PtxException($"{i}: no address");
        ulong address = place is PtxOperand.Register { Value: { } register } ? Get(register, lane, i) : Get(place, new PtxType('u', 64), lane, i);
        return address + (ulong)offset;
    }

    // Moving data

    private static string SpaceOf(PtxInstruction i) => i.Modifiers.FirstOrDefault(m => m is "param" or "global" or "shared" or "local") ?? "generic";

    private static IReadOnlyList<PtxOperand> Parts(PtxOperand operand) => operand is PtxOperand.Vector { Parts: { } parts } ? parts : [operand];

    private void Load(PtxInstruction i, uint mask)
    {
        var type = Type(i);
        var targets = Parts(i.Operands[0]);
        string space = SpaceOf(i);
        int bytes = type.Bytes * targets.Count;
        CheckVector(i, targets.Count);
        if (space == "param")
        {
            var address = (PtxOperand.Address)i.Operands[1];
            var parameter = _kernel.Parameters.FirstOrDefault(p => p.Name == ((PtxOperand.Literal)address.Base).Text) ?? throw new PtxException($"{i}: no such parameter");
            ForEach(mask, lane => Put(_block.Launch.Parameters.AsSpan(parameter.Offset + (int)address.Offset, bytes), lane));
            return;
        }

        Span<ulong> shared = stackalloc ulong[32];
        uint sharedLanes = 0;
        for (int lane = 0; lane < 32; lane++)
        {
            if ((mask >> lane & 1) == 0) continue;
            var (where, address) = Resolve(space, AddressOf(i.Operands[1], lane, i));
            if (where == "shared")
            {
                (shared[lane], sharedLanes) = (address, sharedLanes | (1u << lane));
                Put(_block.Shared.Read(address, bytes, _warp, i), lane);
            }
            else
            {
                Put(where == "local" ? Local(address, bytes, lane, i) : _block.Launch.Memory.Access(address, bytes, i), lane);
            }
        }

        CountBanks(i, shared, sharedLanes, bytes);

        void Put(ReadOnlySpan<byte> content, int lane)
        {
            for (int t = 0; t < targets.Count; t++)
            {
                ulong value = Bits(content.Slice(t * type.Bytes, type.Bytes));
                if (type.Kind == 's') value = (ulong)Signed(value, type.Bits);
                Set(targets[t], type, lane, value, i, relaxed: true);
            }
        }
    }

    private void Store(PtxInstruction i, uint mask)
    {
        var type = Type(i);
        var sources = Parts(i.Operands[1]);
        string space = SpaceOf(i);
        int bytes = type.Bytes * sources.Count;
        CheckVector(i, sources.Count);
        Span<ulong> shared = stackalloc ulong[32];
        Span<byte> content = stackalloc byte[bytes];
        uint sharedLanes = 0;
        for (int lane = 0; lane < 32; lane++)
        {
            if ((mask >> lane & 1) == 0) continue;
            for (int s = 0; s < sources.Count; s++) Bytes(content.Slice(s * type.Bytes, type.Bytes), Get(sources[s], type, lane, i, relaxed: true));
            var (where, address) = Resolve(space, AddressOf(i.Operands[0], lane, i));
            if (where == "shared")
            {
                (shared[lane], sharedLanes) = (address, sharedLanes | (1u << lane));
                _block.Shared.Write(address, content, _warp, i);
            }
            else
            {
                content.CopyTo(where == "local" ? Local(address, bytes, lane, i) : _block.Launch.Memory.Access(address, bytes, i));
            }
        }

        CountBanks(i, shared, sharedLanes, bytes);
    }

    private static void CheckVector(PtxInstruction i, int count)
    {
        int declared = i.Has("v2") ? 2 : i.Has("v4") ? 4 : 1;
        if (declared != count) throw new PtxException($"{i}: {count} registers for a vector of {declared}");
    }

    private static (string Space, ulong Address) Resolve(string space, ulong address) =>
        space != "generic" ? (space, address)
        : address >= LocalWindow && address < LocalWindow + (1 << 24) ? ("local", address - LocalWindow)
        : address >= SharedWindow && address < SharedWindow + (1 << 24) ? ("shared", address - SharedWindow)
        : ("global", address);

    private Span<byte> Local(ulong address, int bytes, int lane, PtxInstruction i) =>
        address + (ulong)bytes <= (ulong)_local[lane].Length ? _local[lane].AsSpan((int)address, bytes) : throw new PtxException($"{i}: local address {address} is outside");

    private static ulong Bits(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        1 => bytes[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
    };

    private static void Bytes(Span<byte> bytes, ulong value)
    {
        for (int b = 0; b < bytes.Length; b++) bytes[b] = (byte)(value >> (8 * b));
    }

    private void Atomic(PtxInstruction i, uint mask)
    {
        var type = Type(i);
        bool hasResult = i.Name == "atom";
        int first = hasResult ? 1 : 0;
        if (type.Kind == 'f') throw new PtxException($"{i}: an atomic on floats gives other bits each time");
        ForEach(mask, lane =>
        {
            var (space, address) = Resolve(SpaceOf(i), AddressOf(i.Operands[first], lane, i));
            if (space != "global") throw new PtxException($"{i}: only global memory has atomics here");
            var cell = _block.Launch.Memory.Access(address, type.Bytes, i);
            ulong old = Bits(cell), operand = Get(i.Operands[first + 1], type, lane, i);
            ulong value = i.Has("add") ? old + operand
                : i.Has("exch") ? operand
                : i.Has("cas") ? (old == operand ? Get(i.Operands[first + 2], type, lane, i) : old)
                : throw new PtxException($"{i}: unknown atomic");
            Bytes(cell, value);
            if (hasResult) Set(i.Operands[0], type, lane, old, i);
        });
    }

    private void Copy(PtxInstruction i, uint mask)
    {
        if (i.Has("commit_group"))
        {
            ForEach(mask, lane => _copyGroup[lane]++);
        }
        else if (i.Has("wait_group") || i.Has("wait_all"))
        {
            int pending = i.Has("wait_all") ? 0 : (int)PtxLiteral.Integer(((PtxOperand.Literal)i.Operands[0]).Text);
            ForEach(mask, lane =>
            {
                int last = i.Has("wait_all") ? int.MaxValue : _copyGroup[lane] - pending;
                foreach (var copy in _copies[lane].Where(c => c.Group < last)) _block.Shared.EndCopy(copy.Address, copy.Bytes, _warp, copy.Instruction);
                _copies[lane].RemoveAll(c => c.Group < last);
            });
        }
        else
        {
            int bytes = (int)PtxLiteral.Integer(((PtxOperand.Literal)i.Operands[2]).Text);
            if (bytes is not (4 or 8 or 16) || (i.Has("cg") && bytes != 16)) throw new PtxException($"{i}: {bytes} bytes cannot be copied so");
            Span<ulong> shared = stackalloc ulong[32];
            for (int lane = 0; lane < 32; lane++)
            {
                if ((mask >> lane & 1) == 0) continue;
                int read = i.Operands.Count > 3 ? (int)Get(i.Operands[3], new PtxType('u', 32), lane, i) : bytes;
                if (read < 0 || read > bytes) throw new PtxException($"{i}: {read} of {bytes} bytes are to be read");
                ulong source = AddressOf(i.Operands[1], lane, i), target = AddressOf(i.Operands[0], lane, i);
                if (source % (ulong)bytes != 0) throw new PtxException($"{i}: address 0x{source:x} is not a multiple of {bytes}");
                byte[] content = new byte[bytes];
                for (int b = 0; b < read; b++) content[b] = _block.Launch.Memory.Access(source + (ulong)b, 1, i)[0];
                _block.Shared.BeginCopy(target, bytes, _warp, i);
                _copies[lane].Add((_copyGroup[lane], target, content, i));
                shared[lane] = target;
            }

            CountBanks(i, shared, mask, bytes);
        }
    }

    // The 32 banks of 4 bytes serve 128 bytes at once: all lanes where each has 4 bytes, a quarter of them where each has 16.
    private void CountBanks(PtxInstruction i, ReadOnlySpan<ulong> addresses, uint mask, int bytes)
    {
        if (mask == 0) return;
        var count = _block.Launch.CountOf(i);
        int lanes = 32 / Math.Max(1, bytes / 4);
        Span<ulong> words = stackalloc ulong[32];
        Span<int> perBank = stackalloc int[32];
        for (int first = 0; first < 32; first += lanes)
        {
            int found = 0;
            perBank.Clear();
            for (int lane = first; lane < first + lanes; lane++)
            {
                if ((mask >> lane & 1) == 0) continue;
                for (ulong word = addresses[lane] / 4; word <= (addresses[lane] + (ulong)bytes - 1) / 4; word++)
                {
                    if (words[..found].Contains(word)) continue;
                    words[found++] = word;
                    perBank[(int)(word % 32)]++;
                }
            }

            if (found == 0) continue;
            count.Phases++;
            int turns = 0;
            foreach (int bank in perBank) turns = Math.Max(turns, bank);
            count.Turns += turns;
        }
    }

    // Arithmetic

    private static long Signed(ulong value, int bits) => (long)(value << (64 - bits)) >> (64 - bits);

    private static float Single(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    private static ulong Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    private void Move(PtxInstruction i, uint mask)
    {
        var type = Type(i);
        if (i.Operands[1] is PtxOperand.Vector { Parts: { } parts })
        {
            var part = new PtxType('b', type.Bits / parts.Count);
            ForEach(mask, lane =>
            {
                ulong value = 0;
                for (int p = 0; p < parts.Count; p++) value |= Get(parts[p], part, lane, i) << (p * part.Bits);
                Set(i.Operands[0], type, lane, value, i);
            });
        }
        else if (i.Operands[0] is PtxOperand.Vector { Parts: { } targets })
        {
            var part = new PtxType('b', type.Bits / targets.Count);
            ForEach(mask, lane =>
            {
                ulong value = Get(i.Operands[1], type, lane, i);
                for (int p = 0; p < targets.Count; p++) Set(targets[p], part, lane, value >> (p * part.Bits), i);
            });
        }
        else
        {
            ForEach(mask, lane => Set(i.Operands[0], type, lane, Get(i.Operands[1], type, lane, i), i));
        }
    }

    private void Convert(PtxInstruction i, uint mask, PtxType to, PtxType from, Func<ulong, ulong> read, Func<ulong, ulong> convert) =>
        ForEach(mask, lane => Set(i.Operands[0], to, lane, convert(read(Get(i.Operands[1], from, lane, i, relaxed: true))), i, relaxed: true));

    private void ConvertType(PtxInstruction i, uint mask)
    {
        if (i.Has("bf16x2"))
        {
            if (!i.Has("rn")) throw new PtxException($"{i}: no rounding");
            var single = new PtxType('f', 32);
            ForEach(mask, lane => Set(
                i.Operands[0], new PtxType('b', 32), lane,
                ((ulong)TensorOps.ToBFloat16(Single(Get(i.Operands[1], single, lane, i))) << 16) | TensorOps.ToBFloat16(Single(Get(i.Operands[2], single, lane, i))), i));
            return;
        }

        if (i.Has("bf16"))
        {
            ForEach(mask, lane => Set(i.Operands[0], new PtxType('b', 16), lane, TensorOps.ToBFloat16(Single(Get(i.Operands[1], new PtxType('f', 32), lane, i))), i));
            return;
        }

        if (i.Has("tf32"))
        {
            if (!i.Has("rna")) throw new PtxException($"{i}: no rounding");
            ForEach(mask, lane => Set(i.Operands[0], new PtxType('b', 32), lane, TensorOps.ToTf32((uint)Get(i.Operands[1], new PtxType('f', 32), lane, i)), i));
            return;
        }

        PtxType from = Type(i), to = Type(i, 1);
        ForEach(mask, lane =>
        {
            ulong bits = Get(i.Operands[1], from, lane, i, relaxed: true);
            double number = from switch { ('f', 32) => Single(bits), ('f', 64) => BitConverter.UInt64BitsToDouble(bits), ('s', _) => Signed(bits, from.Bits), _ => bits };
            ulong value = (from.Kind, to.Kind) switch
            {
                ('f', 'f') => to.Bits == 32 ? Bits((float)number) : BitConverter.DoubleToUInt64Bits(number),
                ('f', 's') => (ulong)(long)Math.Clamp(Rounded(number), -Math.ScaleB(1, to.Bits - 1), Math.ScaleB(1, to.Bits - 1) - 1),
                ('f', _) => (ulong)Math.Clamp(Rounded(number), 0, Math.ScaleB(1, to.Bits) - 1),
                (_, 'f') => to.Bits == 32 ? Bits(from.Kind == 's' ? Signed(bits, from.Bits) : bits) : BitConverter.DoubleToUInt64Bits(number),
                ('s', _) => (ulong)Signed(bits, from.Bits),
                _ => bits,
            };
            Set(i.Operands[0], to, lane, value, i, relaxed: true);
        });

        double Rounded(double x) => i.Has("rzi") ? Math.Truncate(x) : i.Has("rni") ? Math.Round(x, MidpointRounding.ToEven) : i.Has("rmi") ? Math.Floor(x) : i.Has("rpi") ? Math.Ceiling(x) : throw new PtxException($"{i}: no rounding");
    }

    private void Compare(PtxInstruction i, uint mask)
    {
        var type = Type(i);
        string relation = i.Modifiers[0];
        ForEach(mask, lane =>
        {
            ulong a = Get(i.Operands[1], type, lane, i), b = Get(i.Operands[2], type, lane, i);
            int order;
            bool unordered = false;
            if (type.Kind == 'f')
            {
                double x = type.Bits == 32 ? Single(a) : BitConverter.UInt64BitsToDouble(a), y = type.Bits == 32 ? Single(b) : BitConverter.UInt64BitsToDouble(b);
                unordered = double.IsNaN(x) || double.IsNaN(y);
                order = x < y ? -1 : x > y ? 1 : 0;
            }
            else
            {
                order = type.Kind == 's' ? Signed(a, type.Bits).CompareTo(Signed(b, type.Bits)) : a.CompareTo(b);
            }

            bool orUnordered = type.Kind == 'f' && relation.Length == 3 && relation.EndsWith('u');
            bool result = unordered
                ? orUnordered || relation == "nan"
                : (orUnordered ? relation[..2] : relation) switch
                {
                    "eq" => order == 0,
                    "ne" => order != 0,
                    "lt" or "lo" => order < 0,
                    "le" or "ls" => order <= 0,
                    "gt" or "hi" => order > 0,
                    "ge" or "hs" => order >= 0,
                    "num" => true,
                    "nan" => false,
                    _ => throw new PtxException($"{i}: unknown relation"),
                };
            if (i.Operands[0] is PtxOperand.Pair pair)
            {
                Set(pair.First, PtxType.Predicate, lane, result ? 1UL : 0, i);
                Set(pair.Second, PtxType.Predicate, lane, result ? 0UL : 1, i);
            }
            else
            {
                Set(i.Operands[0], PtxType.Predicate, lane, result ? 1UL : 0, i);
            }
        });
    }

    private void Select(PtxInstruction i, uint mask)
    {
        var type = Type(i);
        ForEach(mask, lane => Set(
            i.Operands[0], type, lane, Get(Get(i.Operands[3], PtxType.Predicate, lane, i) != 0 ? i.Operands[1] : i.Operands[2], type, lane, i), i));
    }

    private void Shuffle(PtxInstruction i, uint mask)
    {
        var type = new PtxType('b', 32);
        PtxOperand target = i.Operands[0] is PtxOperand.Pair pair ? pair.First : i.Operands[0];
        ulong[] values = new ulong[32], results = new ulong[32];
        bool[] inRange = new bool[32];
        ForEach(mask, lane => values[lane] = Get(i.Operands[1], type, lane, i));
        ForEach(mask, lane =>
        {
            int b = (int)Get(i.Operands[2], type, lane, i), c = (int)Get(i.Operands[3], type, lane, i);
            int segment = (c >> 8) & 31, clamp = c & 31, max = (lane & segment) | (clamp & ~segment), min = lane & segment;
            int source = i.Modifiers[1] switch
            {
                "bfly" => lane ^ b,
                "down" => lane + b,
                "up" => lane - b,
                "idx" => min | (b & ~segment),
                _ => throw new PtxException($"{i}: unknown shuffle"),
            };
            inRange[lane] = i.Modifiers[1] == "up" ? source >= max : source <= max;
            if (!inRange[lane]) source = lane;
            if ((mask >> source & 1) == 0) throw new PtxException($"{i}: lane {lane} asks lane {source}, which is not there");
            results[lane] = values[source];
        });
        ForEach(mask, lane =>
        {
            Set(target, type, lane, results[lane], i);
            if (i.Operands[0] is PtxOperand.Pair both) Set(both.Second, PtxType.Predicate, lane, inRange[lane] ? 1UL : 0, i);
        });
    }

    private void Calculate(PtxInstruction i, uint mask)
    {
        var type = i.Modifiers is [.., "pred"] ? PtxType.Predicate : Type(i);
        int count = i.Operands.Count - 1;
        bool wide = i.Has("wide");
        var result = wide ? new PtxType(type.Kind, 2 * type.Bits) : i.Name is "popc" or "clz" ? new PtxType('u', 32) : type;
        Span<ulong> x = stackalloc ulong[4];
        for (int lane = 0; lane < 32; lane++)
        {
            if ((mask >> lane & 1) == 0) continue;
            for (int o = 0; o < count; o++)
            {
                var operandType = (i.Name is "shl" or "shr" && o == 1) || i.Name is "bfe" && o > 0 ? new PtxType('u', 32) : wide && o == 2 ? result : type;
                x[o] = Get(i.Operands[o + 1], operandType, lane, i);
            }

            ulong value = type.Kind == 'f' ? type.Bits == 32 ? Bits((float)Float(i, Single(x[0]), Single(x[1]), Single(x[2]))) : BitConverter.DoubleToUInt64Bits(Float(i, D(x[0]), D(x[1]), D(x[2]))) : Integer(i, type, x[0], x[1], x[2]);
            Set(i.Operands[0], result, lane, value, i);
        }

        static double D(ulong bits) => BitConverter.UInt64BitsToDouble(bits);
    }

    // In double: the sum, the product and the quotient of two floats round to the same float as when calculated directly.
    private static double Float(PtxInstruction i, double a, double b, double c) => i.Name switch
    {
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "div" => a / b,
        "fma" or "mad" => Type(i).Bits == 32 ? MathF.FusedMultiplyAdd((float)a, (float)b, (float)c) : Math.FusedMultiplyAdd(a, b, c),
        "max" => double.IsNaN(a) ? b : double.IsNaN(b) ? a : Math.Max(a, b),
        "min" => double.IsNaN(a) ? b : double.IsNaN(b) ? a : Math.Min(a, b),
        "neg" => -a,
        "abs" => Math.Abs(a),
        "sqrt" => Math.Sqrt(a),
        "rsqrt" => 1 / Math.Sqrt(a),
        "rcp" => 1 / a,
        "ex2" => Math.Pow(2, a),
        "lg2" => Math.Log2(a),
        "tanh" => Math.Tanh(a),
        "sin" => Math.Sin(a),
        "cos" => Math.Cos(a),
        _ => throw new PtxException($"{i}: unknown instruction"),
    };

    private static ulong Integer(PtxInstruction i, PtxType type, ulong a, ulong b, ulong c)
    {
        bool signed = type.Kind == 's';
        long sa = Signed(a, type.Bits), sb = Signed(b, type.Bits);
        return i.Name switch
        {
            "add" => a + b,
            "sub" => a - b,
            "mul" or "mad" => Product(i, type, a, b) + (i.Name == "mad" ? c : 0),
            "div" => b == 0 ? throw new PtxException($"{i}: divides by zero") : signed ? (ulong)(sa / sb) : a / b,
            "rem" => b == 0 ? throw new PtxException($"{i}: divides by zero") : signed ? (ulong)(sa % sb) : a % b,
            "min" => signed ? (ulong)Math.Min(sa, sb) : Math.Min(a, b),
            "max" => signed ? (ulong)Math.Max(sa, sb) : Math.Max(a, b),
            "neg" => 0 - a,
            "abs" => (ulong)Math.Abs(sa),
            "not" => type.Kind == 'p' ? a ^ 1 : ~a,
            "and" => a & b,
            "or" => a | b,
            "xor" => a ^ b,
            "shl" => b >= (ulong)type.Bits ? 0 : a << (int)b,
            "shr" => signed ? (ulong)(sa >> (int)Math.Min(b, 63)) : b >= (ulong)type.Bits ? 0 : a >> (int)b,
            "popc" => (ulong)BitOperations.PopCount(a),
            "clz" => (ulong)(BitOperations.LeadingZeroCount(a) - (64 - type.Bits)),
            "bfe" => (a >> (int)b) & ((1UL << (int)c) - 1),
            _ => throw new PtxException($"{i}: unknown instruction"),
        };
    }

    private static ulong Product(PtxInstruction i, PtxType type, ulong a, ulong b)
    {
        if (i.Has("wide")) return type.Kind == 's' ? (ulong)(Signed(a, type.Bits) * Signed(b, type.Bits)) : a * b;
        if (!i.Has("hi")) return i.Has("lo") ? a * b : throw new PtxException($"{i}: which half of the product?");
        Int128 product = type.Kind == 's' ? (Int128)Signed(a, type.Bits) * Signed(b, type.Bits) : (Int128)((UInt128)a * b);
        return (ulong)(product >> type.Bits);
    }

    // Matrices of a warp

    private void LoadMatrix(PtxInstruction i)
    {
        var targets = Parts(i.Operands[0]);
        int matrices = i.Has("x4") ? 4 : i.Has("x2") ? 2 : i.Has("x1") ? 1 : throw new PtxException($"{i}: how many matrices?");
        if (targets.Count != matrices || !i.Has("m8n8") || !i.Has("b16") || !i.Has("aligned")) throw new PtxException($"{i}: unknown form");
        if (_alive != uint.MaxValue) throw new PtxException($"{i}: the warp is not complete");
        Span<ulong> addresses = stackalloc ulong[32];
        for (int lane = 0; lane < 8 * matrices; lane++)
        {
            var (space, address) = Resolve(SpaceOf(i), AddressOf(i.Operands[1], lane, i));
            if (space != "shared") throw new PtxException($"{i}: the address is not in shared memory");
            addresses[lane] = address;
        }

        var rows = new ushort[8 * matrices][];
        for (int row = 0; row < rows.Length; row++) rows[row] = MemoryMarshal.Cast<byte, ushort>(_block.Shared.Read(addresses[row], 16, _warp, i)).ToArray();
        for (int m = 0; m < matrices; m++)
        {
            for (int lane = 0; lane < 32; lane++) Set(targets[m], new PtxType('b', 32), lane, TensorOps.LoadedPair(rows.AsSpan(8 * m, 8), lane, i.Has("trans")), i);
        }

        CountBanks(i, addresses, matrices == 4 ? uint.MaxValue : (1u << (8 * matrices)) - 1, 16);
    }

    private void MultiplyMatrices(PtxInstruction i)
    {
        if (_alive != uint.MaxValue) throw new PtxException($"{i}: the warp is not complete");
        string form = string.Join('.', i.Modifiers);
        bool half = form == "sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32";
        if (!half && form != "sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32") throw new PtxException($"{i}: unknown form");
        var (d, a, b, c) = (Parts(i.Operands[0]), Parts(i.Operands[1]), Parts(i.Operands[2]), Parts(i.Operands[3]));
        if (d.Count != 4 || a.Count != 4 || b.Count != 2 || c.Count != 4) throw new PtxException($"{i}: wrong number of registers");
        uint[] left = Registers(a, 'b'), right = Registers(b, 'b');
        // What a device makes of float32 that was not converted is not defined.
        if (!half && left.Concat(right).Any(value => (value & 0x1fff) != 0)) throw new PtxException($"{i}: an operand was not rounded to tf32");
        float[] result = TensorOps.Multiply(half, left, right, Registers(c, 'f'));
        for (int r = 0; r < 4; r++)
        {
            for (int lane = 0; lane < 32; lane++) Set(d[r], new PtxType('f', 32), lane, Bits(result[(r * 32) + lane]), i);
        }

        uint[] Registers(IReadOnlyList<PtxOperand> operands, char kind)
        {
            var values = new uint[32 * operands.Count];
            for (int r = 0; r < operands.Count; r++)
            {
                for (int lane = 0; lane < 32; lane++) values[(r * 32) + lane] = (uint)Get(operands[r], new PtxType(kind, 32), lane, i);
            }

            return values;
        }
    }
}
