namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>The machine that executes PTX: its arithmetic, its fragment layouts, and that it complains of what it should.</summary>
[TestFixture]
public sealed class PtxMachineTests
{
    private static PtxKernel Kernel(string body, string registers = "") => PtxKernel.Parse(
        ".version 8.0\n.target sm_80\n.extern .shared .align 16 .b8 dynamic[];\n.visible .entry K(.param .b64 out) {\n" +
        ".reg .b64 o; .reg .b32 r<20>; .reg .f32 f<8>; .reg .pred p<4>; " + registers + "\nld.param.u64 o, [out];\nmov.u32 r0, %tid.x;\n" + body + "\nret;\n}");

    private static T[] Run<T>(string body, int count, int threads = 32, int shared = 4096, string registers = "")
        where T : unmanaged
    {
        var memory = new PtxGlobalMemory();
        ulong at = memory.Add<T>(new T[count]);
        new PtxLaunch(Kernel(body, registers), memory, (1, 1, 1), (threads, 1, 1), shared) { StepLimit = 10_000 }.Run(PtxLaunch.Value(at));
        return memory.Read<T>(at);
    }

    private const string StoreResult = "mad.wide.u32 o, r0, 4, o; st.global.b32 [o], r1;";

    [Test]
    public void Lanes_take_their_own_branches_and_meet_again()
    {
        const string body = "mov.b32 r1, 0; mov.b32 r2, 0;\nAgain:\nsetp.ge.s32 p0, r2, r0; @p0 bra Done; add.s32 r1, r1, r2; add.s32 r2, r2, 1; bra Again;\nDone:\nshfl.sync.bfly.b32 r1, r1, 1, 31, -1; " + StoreResult;
        Assert.That(Run<int>(body, 32), Is.EqualTo(Enumerable.Range(0, 32).Select(lane => (lane ^ 1) * ((lane ^ 1) - 1) / 2)));
    }

    [Test]
    public void Asynchronous_copy_is_there_after_its_wait_and_not_before()
    {
        const string copy = "shl.b32 r2, r0, 4; cvt.u64.u32 x, r2; and.b64 x, x, 63; add.u64 x, o, x; cp.async.cg.shared.global [r2], [x], 16; cp.async.commit_group; ";
        const string read = "ld.shared.b32 r1, [r2];";
        Assert.That(() => Run<int>(copy + read, 64, registers: ".reg .b64 x;"), Throws.TypeOf<PtxException>().With.Message.Contains("not been waited for"));
        Assert.That(() => Run<int>(copy + "cp.async.wait_group 1; " + read, 64, registers: ".reg .b64 x;"), Throws.TypeOf<PtxException>());
        Assert.That(() => Run<int>(copy + "cp.async.wait_group 0; " + read, 64, registers: ".reg .b64 x;"), Throws.Nothing);
    }

    [TestCase("ld.shared.b32 r1, [r2];", "nothing has written")]
    [TestCase("mov.b32 r2, 4094; st.shared.b32 [r2], r0;", "not a multiple of 4")]
    [TestCase("mov.b32 r2, 4096; st.shared.b32 [r2], r0;", "outside")]
    [TestCase("add.s32 r1, r5, 1;", "r5, which nothing has written")]
    [TestCase("ld.global.f64 f0, [o];", "f0 is .f32")]
    [TestCase("add.f32 r1, f0, f1;", "is")]
    [TestCase("st.global.b32 [o+4096], r0;", "outside of all buffers")]
    [TestCase("Loop:\nbra Loop;", "does not come to an end")]
    [TestCase("setp.lt.u32 p0, r0, 16; @p0 bra Away; bar.warp.sync -1;\nAway:\n", "")]
    public void What_a_device_would_not_forgive_is_an_error(string body, string message)
    {
        if (message.Length == 0) Assert.That(() => Run<int>("shl.b32 r2, r0, 2; " + body, 32), Throws.Nothing);
        else Assert.That(() => Run<int>("shl.b32 r2, r0, 2; " + body, 32), Throws.TypeOf<PtxException>().With.Message.Contains(message));
    }

    [Test]
    public void Warps_that_touch_a_word_need_a_barrier_between()
    {
        const string write = "shl.b32 r2, r0, 2; st.shared.b32 [r2], r0; ", read = "xor.b32 r3, r2, 128; ld.shared.b32 r1, [r3]; " + StoreResult;
        Assert.That(() => Run<int>(write + read, 64, threads: 64), Throws.TypeOf<PtxException>());
        Assert.That(Run<int>(write + "bar.sync 0; " + read, 64, threads: 64), Is.EqualTo(Enumerable.Range(0, 64).Select(t => t ^ 32)));
        Assert.That(() => Run<int>(write + "bar.sync 0; " + read + "st.shared.b32 [r2], r1;", 64, threads: 64), Throws.TypeOf<PtxException>().With.Message.Contains("race"));
    }

    [TestCase(4, 1)]
    [TestCase(8, 2)]
    [TestCase(128, 32)]
    public void Lanes_that_meet_in_a_bank_take_turns(int stride, int ways)
    {
        var memory = new PtxGlobalMemory();
        var launch = new PtxLaunch(Kernel($"mul.lo.s32 r2, r0, {stride}; st.shared.b32 [r2], r0;"), memory, (1, 1, 1), (32, 1, 1), 4096);
        launch.Run(PtxLaunch.Value(memory.Add<int>([0])));
        Assert.That(launch.Count("st.shared").Ways, Is.EqualTo(ways));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Fragments_of_mma_make_a_plain_product(bool half)
    {
        int inner = half ? 16 : 8;
        var random = new Random(3);
        float[] a = [.. Enumerable.Range(0, 16 * inner).Select(_ => (float)random.Next(-8, 9))], b = [.. Enumerable.Range(0, inner * 8).Select(_ => (float)random.Next(-8, 9))];
        var (left, right) = (new uint[128], new uint[64]);
        for (int lane = 0; lane < 32; lane++)
        {
            // Written out from the tables of the PTX ISA.
            int g = lane >> 2, t = lane & 3;
            for (int r = 0; r < 4; r++) left[(32 * r) + lane] = half ? Pair(a, ((g + (r is 1 or 3 ? 8 : 0)) * 16) + (2 * t) + (r >= 2 ? 8 : 0), 1) : Bits(a[((g + (r is 1 or 3 ? 8 : 0)) * 8) + t + (r >= 2 ? 4 : 0)]);
            for (int r = 0; r < 2; r++) right[(32 * r) + lane] = half ? Pair(b, (((2 * t) + (8 * r)) * 8) + g, 8) : Bits(b[((t + (4 * r)) * 8) + g]);
        }

        float[] d = TensorOps.Multiply(half, left, right, new uint[128]);
        for (int lane = 0; lane < 32; lane++)
        {
            for (int r = 0; r < 4; r++)
            {
                int row = (lane >> 2) + (r >= 2 ? 8 : 0), col = (2 * (lane & 3)) + (r & 1);
                Assert.That(d[(32 * r) + lane], Is.EqualTo(Enumerable.Range(0, inner).Sum(k => a[(row * inner) + k] * b[(k * 8) + col])));
            }
        }

        static uint Bits(float x) => BitConverter.SingleToUInt32Bits(x);
        static uint Pair(float[] x, int place, int step) => TensorOps.ToBFloat16(x[place]) | ((uint)TensorOps.ToBFloat16(x[place + step]) << 16);
    }

    [Test]
    public void Rounding_to_tf32_keeps_10_bits_of_mantissa()
    {
        // In units of the last bit that is kept: ties go away from zero, all else to the nearest.
        const float Unit = 1f / 1024;
        (float From, float To)[] cases =
        [
            (1, 1), (1 + (0.5f * Unit), 1 + Unit), (-1 - (0.5f * Unit), -1 - Unit), (1 + (0.49f * Unit), 1), (1 + (1.5f * Unit), 1 + (2 * Unit)), (1 + (0.51f * Unit), 1 + Unit),
            (2 - (0.25f * Unit), 2), (-0.0f, -0.0f), (float.MaxValue, float.PositiveInfinity), (float.NegativeInfinity, float.NegativeInfinity), (float.NaN, float.NaN), (3e-39f, 3e-39f),
        ];
        foreach (var (from, to) in cases)
        {
            float[] rounded = Run<float>($"mov.b32 r2, 0x{BitConverter.SingleToUInt32Bits(from):x8}; cvt.rna.tf32.f32 r1, r2; " + StoreResult, 32);
            Assert.That(rounded, Is.All.EqualTo(to).Within(Math.Abs(to) < 1e-30f ? 1e-41f : 0), $"{from}");
        }
    }

    [Test]
    public void Mma_of_float32_that_was_not_rounded_is_an_error()
    {
        const string registers = ".reg .b32 x<6>;", load = "mov.f32 f0, 0f3F800001; mov.f32 f1, 0f00000000; ";
        const string multiply = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {f2,f3,f4,f5},{x0,x0,x0,x0},{x1,x1},{f1,f1,f1,f1}; mov.b32 r1, f2; " + StoreResult;
        Assert.That(() => Run<float>(load + "mov.b32 x0, f0; cvt.rna.tf32.f32 x1, f0; " + multiply, 32, registers: registers), Throws.TypeOf<PtxException>().With.Message.Contains("not rounded to tf32"));
        Assert.That(Run<float>(load + "cvt.rna.tf32.f32 x0, f0; cvt.rna.tf32.f32 x1, f0; " + multiply, 32, registers: registers), Is.All.EqualTo(8));
    }

    [Test]
    public void Ldmatrix_gives_fragments_of_tf32_where_the_inner_dimension_lies_along_the_rows()
    {
        // Word w of row r of a 16 × 8 matrix of 4-byte elements holds 8r + w; rows of 32 bytes, two matrices beside each other, two below.
        const string fill = "mul.lo.u32 r2, r0, 16; shl.b32 r3, r0, 2; add.s32 r4, r3, 1; add.s32 r5, r3, 2; add.s32 r6, r3, 3; st.shared.v4.b32 [r2], {r3,r4,r5,r6}; bar.warp.sync -1; ";
        const string place = "and.b32 r7, r0, 15; shl.b32 r7, r7, 5; shr.u32 r8, r0, 4; shl.b32 r8, r8, 4; add.s32 r7, r7, r8; ";
        for (int register = 0; register < 4; register++)
        {
            string body = fill + place + $"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {{r9,r10,r11,r12}}, [r7]; mov.b32 r1, r{9 + register}; " + StoreResult;
            // The table of the PTX ISA for a of m16n8k8: row g or g + 8, column t or t + 4.
            Assert.That(Run<int>(body, 32), Is.EqualTo(Enumerable.Range(0, 32).Select(lane => (8 * ((lane >> 2) + (register is 1 or 3 ? 8 : 0))) + (lane & 3) + (register >= 2 ? 4 : 0))));
        }
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Ldmatrix_gives_each_lane_two_neighbours_of_its_row_or_column(bool transposed)
    {
        string trans = transposed ? ".trans" : "";
        string body = "shl.b32 r2, r0, 2; mul.lo.u32 r3, r0, 65536; mul.lo.u32 r4, r0, 2; or.b32 r3, r3, 65536; mad.lo.u32 r3, r0, 65536, 65536; mad.lo.u32 r3, r0, 65536, r3; "
            + "mul.lo.u32 r3, r0, 131072; or.b32 r3, r3, 65536; or.b32 r3, r3, r4; st.shared.b32 [r2], r3; bar.warp.sync -1; and.b32 r5, r0, 7; shl.b32 r5, r5, 4; "
            + $"ldmatrix.sync.aligned.m8n8.x1{trans}.shared.b16 {{r1}}, [r5]; " + StoreResult;
        // Element (row, col) of the 8 × 8 matrix is 8·row + col.
        Assert.That(Run<uint>(body, 32), Is.EqualTo(Enumerable.Range(0, 32).Select(lane =>
        {
            int g = lane / 4, t = lane % 4, first = transposed ? (16 * t) + g : (8 * g) + (2 * t), second = first + (transposed ? 8 : 1);
            return (uint)(first | (second << 16));
        })));
    }
}
