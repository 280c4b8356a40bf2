using NativeRlhf.Kernels.Verification.Compilation;

namespace NativeRlhf.Kernels.Tests.Proving;

/// <summary>The counts of PTX, on texts small enough to be counted by hand.</summary>
public class PtxStatisticsTests
{
    private const string Module = """
        //  made by hand
        .version 8.0
        .target sm_80
        .address_size 64
        .shared .align 4 .b8 __shared_alloca0[1024];
        .extern .shared .align 16 .b8 __dyn_shared_alloca[];
        .extern .func (.param .b32 r) fma_rn (.param .b32 a);

        .visible .entry Kernel(
            .param .align 8 .b8 _p0[16],
            .param .b32 _p1
        )
        .maxntid 256, 1, 1
        {
            .reg .pred %p<3>;
            .reg .f32 %f<12>;
            .reg .b32 %r<5>;
            .reg .f32 first, second;
            .local .align 4 .b8 __local_depot0[8];
            .shared .align 16 .v4 .f32 tile[4];

            ld.param.b32 %r1, [_p1];
        L_0:
            setp.ge.s32 %p1, %r1, 5;   // bra here is a comment
            @%p1 bra L_1;
            @!%p2 bra.uni L_0;
            ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%r2];
            ld.shared.v4.f32 {%f5, %f6, %f7, %f8}, [%r3+16];
            fma.rn.f32 %f1, %f2, %f3, %f4;
            mul.f32 %f1, %f2, %f3;
            mul.lo.s32 %r1, %r1, %r1;
            mad.lo.s32 %r1, %r1, %r1, %r1;
            bar.sync 0;
            cp.async.ca.shared.global [%r1], [%r2], 16; cp.async.commit_group;
            ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r1, %r2, %r3, %r4}, [%r0];
            mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1, %f2, %f3, %f4}, {%r1, %r2, %r3, %r4}, {%r1, %r2}, {%f1, %f2, %f3, %f4};
            atom.global.add.u32 %r1, [%r2], 1;
            {
                .reg .b64 %rd<2>;
                st.local.v2.b16 [%r1], {%r2, %r3};
                call.uni (%f1), fma_rn, (%f2);
            }
            /* st.global.f32 [%r1], %f1;
            */
            st.global.b64 [%r1], %rd1;
            st.f32 [%r1], %f1;
        L_1: ret;
        }
        """;

    [Test]
    public void Declarations_are_added_up()
    {
        var statistics = PtxStatistics.Parse(Module);
        Assert.That(statistics.Registers, Is.EquivalentTo(new Dictionary<string, int> { ["pred"] = 3, ["f32"] = 14, ["b32"] = 5, ["b64"] = 2 }));
        Assert.That(statistics.SharedBytes, Is.EqualTo(1024 + 64));
        Assert.That(statistics.UsesDynamicShared);
        Assert.That(statistics.LocalBytes, Is.EqualTo(8));
    }

    [Test]
    public void Instructions_are_counted_by_kind()
    {
        var statistics = PtxStatistics.Parse(Module);
        Assert.That(statistics.Instructions, Is.EquivalentTo(new Dictionary<string, int>
        {
            ["ld.param.32"] = 1,
            ["other"] = 4,
            ["branch"] = 2,
            ["ld.global.128"] = 1,
            ["ld.shared.128"] = 1,
            ["fma"] = 1,
            ["muladd"] = 1,
            ["bar"] = 1,
            ["cp.async"] = 1,
            ["cp.async.group"] = 1,
            ["ldmatrix"] = 1,
            ["mma.sync"] = 1,
            ["atom"] = 1,
            ["st.local.32"] = 1,
            ["call"] = 1,
            ["st.global.64"] = 1,
            ["st.generic.32"] = 1,
        }));
        Assert.That(statistics.Count("ld"), Is.EqualTo(3));
        Assert.That(statistics.Total, Is.EqualTo(21));
    }

    [Test]
    public void Nothing_has_nothing() => Assert.That(PtxStatistics.Parse("").Total, Is.Zero);
}
