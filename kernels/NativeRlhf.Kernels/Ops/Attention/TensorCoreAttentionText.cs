using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Inline PTX of attention on tensor cores, on the registers of <see cref="TensorCore"/> and some of its own. A warp has sixteen rows; of
/// them a lane has rows g and g + 8 (g = l / 4), and two columns, 2t and 2t + 1 (t = l % 4), of each of the eight fragments of 64 columns.
/// Row 0 of the accumulators (c0 … c31) has scores and weights, row 1 (c32 … c63) gradients of the weights, the others outputs.
/// </summary>
internal static class TensorCoreAttentionText
{
    private const string End = ";\n\t";

    /// <summary>
    /// q: fragments of the queries; n: maxima; m, l: maximum and sum so far; f: factor of what was summed before; s, u, e, d: whatever is at
    /// hand; lo, len: a row sees the columns lo to lo + len; the numbers 0 and 1 stand for rows g and g + 8.
    /// </summary>
    public const string Registers =
        ".reg .b32 q_<32>" + End + ".reg .f32 n<2>" + End + ".reg .f32 m<2>" + End + ".reg .f32 l<2>" + End + ".reg .f32 f<2>" + End +
        ".reg .f32 s<2>" + End + ".reg .f32 u<2>" + End + ".reg .f32 e<2>" + End + ".reg .f32 d<2>" + End + ".reg .b32 lo<2>" + End + ".reg .b32 len<2>;";

    /// <summary>The columns that the lane's two rows see: %0 to %0 + %1, and %2 to %2 + %3.</summary>
    public const string SetRange = "mov.b32 lo0,%0" + End + "mov.b32 len0,%1" + End + "mov.b32 lo1,%2" + End + "mov.b32 len1,%3;";

    /// <summary>Scores of the columns that a row does not see become −∞; %0 is the lane's first column.</summary>
    public const string Mask =
        "sub.u32 x0,%0,lo0" + End + "sub.u32 x1,%0,lo1" + End + "add.u32 x2,x0,0" + End + "setp.le.u32 q0,x2,len0" + End + "selp.f32 c0,c0,0fFF800000,q0" + End +
        "add.u32 x2,x0,1" + End + "setp.le.u32 q0,x2,len0" + End + "selp.f32 c1,c1,0fFF800000,q0" + End + "add.u32 x2,x1,0" + End + "setp.le.u32 q0,x2,len1" + End +
        "selp.f32 c2,c2,0fFF800000,q0" + End + "add.u32 x2,x1,1" + End + "setp.le.u32 q0,x2,len1" + End + "selp.f32 c3,c3,0fFF800000,q0" + End + "add.u32 x2,x0,8" + End +
        "setp.le.u32 q0,x2,len0" + End + "selp.f32 c4,c4,0fFF800000,q0" + End + "add.u32 x2,x0,9" + End + "setp.le.u32 q0,x2,len0" + End +
        "selp.f32 c5,c5,0fFF800000,q0" + End + "add.u32 x2,x1,8" + End + "setp.le.u32 q0,x2,len1" + End + "selp.f32 c6,c6,0fFF800000,q0" + End + "add.u32 x2,x1,9" + End +
        "setp.le.u32 q0,x2,len1" + End + "selp.f32 c7,c7,0fFF800000,q0" + End + "add.u32 x2,x0,16" + End + "setp.le.u32 q0,x2,len0" + End +
        "selp.f32 c8,c8,0fFF800000,q0" + End + "add.u32 x2,x0,17" + End + "setp.le.u32 q0,x2,len0" + End + "selp.f32 c9,c9,0fFF800000,q0" + End + "add.u32 x2,x1,16" + End +
        "setp.le.u32 q0,x2,len1" + End + "selp.f32 c10,c10,0fFF800000,q0" + End + "add.u32 x2,x1,17" + End + "setp.le.u32 q0,x2,len1" + End +
        "selp.f32 c11,c11,0fFF800000,q0" + End + "add.u32 x2,x0,24" + End + "setp.le.u32 q0,x2,len0" + End + "selp.f32 c12,c12,0fFF800000,q0" + End +
        "add.u32 x2,x0,25" + End + "setp.le.u32 q0,x2,len0" + End + "selp.f32 c13,c13,0fFF800000,q0" + End + "add.u32 x2,x1,24" + End + "setp.le.u32 q0,x2,len1" + End +
        "selp.f32 c14,c14,0fFF800000,q0" + End + "add.u32 x2,x1,25" + End + "setp.le.u32 q0,x2,len1" + End + "selp.f32 c15,c15,0fFF800000,q0" + End +
        "add.u32 x2,x0,32" + End + "setp.le.u32 q0,x2,len0" + End + "selp.f32 c16,c16,0fFF800000,q0" + End + "add.u32 x2,x0,33" + End + "setp.le.u32 q0,x2,len0" + End +
        "selp.f32 c17,c17,0fFF800000,q0" + End + "add.u32 x2,x1,32" + End + "setp.le.u32 q0,x2,len1" + End + "selp.f32 c18,c18,0fFF800000,q0" + End +
        "add.u32 x2,x1,33" + End + "setp.le.u32 q0,x2,len1" + End + "selp.f32 c19,c19,0fFF800000,q0" + End + "add.u32 x2,x0,40" + End + "setp.le.u32 q0,x2,len0" + End +
        "selp.f32 c20,c20,0fFF800000,q0" + End + "add.u32 x2,x0,41" + End + "setp.le.u32 q0,x2,len0" + End + "selp.f32 c21,c21,0fFF800000,q0" + End +
        "add.u32 x2,x1,40" + End + "setp.le.u32 q0,x2,len1" + End + "selp.f32 c22,c22,0fFF800000,q0" + End + "add.u32 x2,x1,41" + End + "setp.le.u32 q0,x2,len1" + End +
        "selp.f32 c23,c23,0fFF800000,q0" + End + "add.u32 x2,x0,48" + End + "setp.le.u32 q0,x2,len0" + End + "selp.f32 c24,c24,0fFF800000,q0" + End +
        "add.u32 x2,x0,49" + End + "setp.le.u32 q0,x2,len0" + End + "selp.f32 c25,c25,0fFF800000,q0" + End + "add.u32 x2,x1,48" + End + "setp.le.u32 q0,x2,len1" + End +
        "selp.f32 c26,c26,0fFF800000,q0" + End + "add.u32 x2,x1,49" + End + "setp.le.u32 q0,x2,len1" + End + "selp.f32 c27,c27,0fFF800000,q0" + End +
        "add.u32 x2,x0,56" + End + "setp.le.u32 q0,x2,len0" + End + "selp.f32 c28,c28,0fFF800000,q0" + End + "add.u32 x2,x0,57" + End + "setp.le.u32 q0,x2,len0" + End +
        "selp.f32 c29,c29,0fFF800000,q0" + End + "add.u32 x2,x1,56" + End + "setp.le.u32 q0,x2,len1" + End + "selp.f32 c30,c30,0fFF800000,q0" + End +
        "add.u32 x2,x1,57" + End + "setp.le.u32 q0,x2,len1" + End + "selp.f32 c31,c31,0fFF800000,q0" + End;

    /// <summary>Row 0 of the accumulators = 0.</summary>
    public const string Zero0 =
        "mov.f32 c0,0f00000000" + End + "mov.f32 c1,0f00000000" + End + "mov.f32 c2,0f00000000" + End + "mov.f32 c3,0f00000000" + End + "mov.f32 c4,0f00000000" + End +
        "mov.f32 c5,0f00000000" + End + "mov.f32 c6,0f00000000" + End + "mov.f32 c7,0f00000000" + End + "mov.f32 c8,0f00000000" + End + "mov.f32 c9,0f00000000" + End +
        "mov.f32 c10,0f00000000" + End + "mov.f32 c11,0f00000000" + End + "mov.f32 c12,0f00000000" + End + "mov.f32 c13,0f00000000" + End + "mov.f32 c14,0f00000000" + End +
        "mov.f32 c15,0f00000000" + End + "mov.f32 c16,0f00000000" + End + "mov.f32 c17,0f00000000" + End + "mov.f32 c18,0f00000000" + End + "mov.f32 c19,0f00000000" + End +
        "mov.f32 c20,0f00000000" + End + "mov.f32 c21,0f00000000" + End + "mov.f32 c22,0f00000000" + End + "mov.f32 c23,0f00000000" + End + "mov.f32 c24,0f00000000" + End +
        "mov.f32 c25,0f00000000" + End + "mov.f32 c26,0f00000000" + End + "mov.f32 c27,0f00000000" + End + "mov.f32 c28,0f00000000" + End + "mov.f32 c29,0f00000000" + End +
        "mov.f32 c30,0f00000000" + End + "mov.f32 c31,0f00000000" + End;

    /// <summary>Row 1 of the accumulators = 0.</summary>
    public const string Zero1 =
        "mov.f32 c32,0f00000000" + End + "mov.f32 c33,0f00000000" + End + "mov.f32 c34,0f00000000" + End + "mov.f32 c35,0f00000000" + End + "mov.f32 c36,0f00000000" + End +
        "mov.f32 c37,0f00000000" + End + "mov.f32 c38,0f00000000" + End + "mov.f32 c39,0f00000000" + End + "mov.f32 c40,0f00000000" + End + "mov.f32 c41,0f00000000" + End +
        "mov.f32 c42,0f00000000" + End + "mov.f32 c43,0f00000000" + End + "mov.f32 c44,0f00000000" + End + "mov.f32 c45,0f00000000" + End + "mov.f32 c46,0f00000000" + End +
        "mov.f32 c47,0f00000000" + End + "mov.f32 c48,0f00000000" + End + "mov.f32 c49,0f00000000" + End + "mov.f32 c50,0f00000000" + End + "mov.f32 c51,0f00000000" + End +
        "mov.f32 c52,0f00000000" + End + "mov.f32 c53,0f00000000" + End + "mov.f32 c54,0f00000000" + End + "mov.f32 c55,0f00000000" + End + "mov.f32 c56,0f00000000" + End +
        "mov.f32 c57,0f00000000" + End + "mov.f32 c58,0f00000000" + End + "mov.f32 c59,0f00000000" + End + "mov.f32 c60,0f00000000" + End + "mov.f32 c61,0f00000000" + End +
        "mov.f32 c62,0f00000000" + End + "mov.f32 c63,0f00000000" + End;

    /// <summary>Row 2 of the accumulators = 0.</summary>
    public const string Zero2 =
        "mov.f32 c64,0f00000000" + End + "mov.f32 c65,0f00000000" + End + "mov.f32 c66,0f00000000" + End + "mov.f32 c67,0f00000000" + End + "mov.f32 c68,0f00000000" + End +
        "mov.f32 c69,0f00000000" + End + "mov.f32 c70,0f00000000" + End + "mov.f32 c71,0f00000000" + End + "mov.f32 c72,0f00000000" + End + "mov.f32 c73,0f00000000" + End +
        "mov.f32 c74,0f00000000" + End + "mov.f32 c75,0f00000000" + End + "mov.f32 c76,0f00000000" + End + "mov.f32 c77,0f00000000" + End + "mov.f32 c78,0f00000000" + End +
        "mov.f32 c79,0f00000000" + End + "mov.f32 c80,0f00000000" + End + "mov.f32 c81,0f00000000" + End + "mov.f32 c82,0f00000000" + End + "mov.f32 c83,0f00000000" + End +
        "mov.f32 c84,0f00000000" + End + "mov.f32 c85,0f00000000" + End + "mov.f32 c86,0f00000000" + End + "mov.f32 c87,0f00000000" + End + "mov.f32 c88,0f00000000" + End +
        "mov.f32 c89,0f00000000" + End + "mov.f32 c90,0f00000000" + End + "mov.f32 c91,0f00000000" + End + "mov.f32 c92,0f00000000" + End + "mov.f32 c93,0f00000000" + End +
        "mov.f32 c94,0f00000000" + End + "mov.f32 c95,0f00000000" + End;

    /// <summary>Row 3 of the accumulators = 0.</summary>
    public const string Zero3 =
        "mov.f32 c96,0f00000000" + End + "mov.f32 c97,0f00000000" + End + "mov.f32 c98,0f00000000" + End + "mov.f32 c99,0f00000000" + End + "mov.f32 c100,0f00000000" + End +
        "mov.f32 c101,0f00000000" + End + "mov.f32 c102,0f00000000" + End + "mov.f32 c103,0f00000000" + End + "mov.f32 c104,0f00000000" + End +
        "mov.f32 c105,0f00000000" + End + "mov.f32 c106,0f00000000" + End + "mov.f32 c107,0f00000000" + End + "mov.f32 c108,0f00000000" + End +
        "mov.f32 c109,0f00000000" + End + "mov.f32 c110,0f00000000" + End + "mov.f32 c111,0f00000000" + End + "mov.f32 c112,0f00000000" + End +
        "mov.f32 c113,0f00000000" + End + "mov.f32 c114,0f00000000" + End + "mov.f32 c115,0f00000000" + End + "mov.f32 c116,0f00000000" + End +
        "mov.f32 c117,0f00000000" + End + "mov.f32 c118,0f00000000" + End + "mov.f32 c119,0f00000000" + End + "mov.f32 c120,0f00000000" + End +
        "mov.f32 c121,0f00000000" + End + "mov.f32 c122,0f00000000" + End + "mov.f32 c123,0f00000000" + End + "mov.f32 c124,0f00000000" + End +
        "mov.f32 c125,0f00000000" + End + "mov.f32 c126,0f00000000" + End + "mov.f32 c127,0f00000000" + End;

    /// <summary>Row 4 of the accumulators = 0.</summary>
    public const string Zero4 =
        "mov.f32 c128,0f00000000" + End + "mov.f32 c129,0f00000000" + End + "mov.f32 c130,0f00000000" + End + "mov.f32 c131,0f00000000" + End +
        "mov.f32 c132,0f00000000" + End + "mov.f32 c133,0f00000000" + End + "mov.f32 c134,0f00000000" + End + "mov.f32 c135,0f00000000" + End +
        "mov.f32 c136,0f00000000" + End + "mov.f32 c137,0f00000000" + End + "mov.f32 c138,0f00000000" + End + "mov.f32 c139,0f00000000" + End +
        "mov.f32 c140,0f00000000" + End + "mov.f32 c141,0f00000000" + End + "mov.f32 c142,0f00000000" + End + "mov.f32 c143,0f00000000" + End +
        "mov.f32 c144,0f00000000" + End + "mov.f32 c145,0f00000000" + End + "mov.f32 c146,0f00000000" + End + "mov.f32 c147,0f00000000" + End +
        "mov.f32 c148,0f00000000" + End + "mov.f32 c149,0f00000000" + End + "mov.f32 c150,0f00000000" + End + "mov.f32 c151,0f00000000" + End +
        "mov.f32 c152,0f00000000" + End + "mov.f32 c153,0f00000000" + End + "mov.f32 c154,0f00000000" + End + "mov.f32 c155,0f00000000" + End +
        "mov.f32 c156,0f00000000" + End + "mov.f32 c157,0f00000000" + End + "mov.f32 c158,0f00000000" + End + "mov.f32 c159,0f00000000" + End;

    /// <summary>Row 5 of the accumulators = 0.</summary>
    public const string Zero5 =
        "mov.f32 c160,0f00000000" + End + "mov.f32 c161,0f00000000" + End + "mov.f32 c162,0f00000000" + End + "mov.f32 c163,0f00000000" + End +
        "mov.f32 c164,0f00000000" + End + "mov.f32 c165,0f00000000" + End + "mov.f32 c166,0f00000000" + End + "mov.f32 c167,0f00000000" + End +
        "mov.f32 c168,0f00000000" + End + "mov.f32 c169,0f00000000" + End + "mov.f32 c170,0f00000000" + End + "mov.f32 c171,0f00000000" + End +
        "mov.f32 c172,0f00000000" + End + "mov.f32 c173,0f00000000" + End + "mov.f32 c174,0f00000000" + End + "mov.f32 c175,0f00000000" + End +
        "mov.f32 c176,0f00000000" + End + "mov.f32 c177,0f00000000" + End + "mov.f32 c178,0f00000000" + End + "mov.f32 c179,0f00000000" + End +
        "mov.f32 c180,0f00000000" + End + "mov.f32 c181,0f00000000" + End + "mov.f32 c182,0f00000000" + End + "mov.f32 c183,0f00000000" + End +
        "mov.f32 c184,0f00000000" + End + "mov.f32 c185,0f00000000" + End + "mov.f32 c186,0f00000000" + End + "mov.f32 c187,0f00000000" + End +
        "mov.f32 c188,0f00000000" + End + "mov.f32 c189,0f00000000" + End + "mov.f32 c190,0f00000000" + End + "mov.f32 c191,0f00000000" + End;

    /// <summary>Query fragment 0 from a panel at %0.</summary>
    public const string LoadQuery0 = "add.u32 x7,smem,%0" + End + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {q_0,q_1,q_2,q_3},[x7];";

    /// <summary>Query fragment 0 is the left operand of row 0.</summary>
    public const string UseQuery0 = "mov.b32 a0,q_0" + End + "mov.b32 a1,q_1" + End + "mov.b32 a2,q_2" + End + "mov.b32 a3,q_3" + End;

    /// <summary>Query fragment 1 from a panel at %0.</summary>
    public const string LoadQuery1 = "add.u32 x7,smem,%0" + End + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {q_4,q_5,q_6,q_7},[x7];";

    /// <summary>Query fragment 1 is the left operand of row 0.</summary>
    public const string UseQuery1 = "mov.b32 a0,q_4" + End + "mov.b32 a1,q_5" + End + "mov.b32 a2,q_6" + End + "mov.b32 a3,q_7" + End;

    /// <summary>Query fragment 2 from a panel at %0.</summary>
    public const string LoadQuery2 = "add.u32 x7,smem,%0" + End + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {q_8,q_9,q_10,q_11},[x7];";

    /// <summary>Query fragment 2 is the left operand of row 0.</summary>
    public const string UseQuery2 = "mov.b32 a0,q_8" + End + "mov.b32 a1,q_9" + End + "mov.b32 a2,q_10" + End + "mov.b32 a3,q_11" + End;

    /// <summary>Query fragment 3 from a panel at %0.</summary>
    public const string LoadQuery3 = "add.u32 x7,smem,%0" + End + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {q_12,q_13,q_14,q_15},[x7];";

    /// <summary>Query fragment 3 is the left operand of row 0.</summary>
    public const string UseQuery3 = "mov.b32 a0,q_12" + End + "mov.b32 a1,q_13" + End + "mov.b32 a2,q_14" + End + "mov.b32 a3,q_15" + End;

    /// <summary>Query fragment 4 from a panel at %0.</summary>
    public const string LoadQuery4 = "add.u32 x7,smem,%0" + End + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {q_16,q_17,q_18,q_19},[x7];";

    /// <summary>Query fragment 4 is the left operand of row 0.</summary>
    public const string UseQuery4 = "mov.b32 a0,q_16" + End + "mov.b32 a1,q_17" + End + "mov.b32 a2,q_18" + End + "mov.b32 a3,q_19" + End;

    /// <summary>Query fragment 5 from a panel at %0.</summary>
    public const string LoadQuery5 = "add.u32 x7,smem,%0" + End + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {q_20,q_21,q_22,q_23},[x7];";

    /// <summary>Query fragment 5 is the left operand of row 0.</summary>
    public const string UseQuery5 = "mov.b32 a0,q_20" + End + "mov.b32 a1,q_21" + End + "mov.b32 a2,q_22" + End + "mov.b32 a3,q_23" + End;

    /// <summary>Query fragment 6 from a panel at %0.</summary>
    public const string LoadQuery6 = "add.u32 x7,smem,%0" + End + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {q_24,q_25,q_26,q_27},[x7];";

    /// <summary>Query fragment 6 is the left operand of row 0.</summary>
    public const string UseQuery6 = "mov.b32 a0,q_24" + End + "mov.b32 a1,q_25" + End + "mov.b32 a2,q_26" + End + "mov.b32 a3,q_27" + End;

    /// <summary>Query fragment 7 from a panel at %0.</summary>
    public const string LoadQuery7 = "add.u32 x7,smem,%0" + End + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {q_28,q_29,q_30,q_31},[x7];";

    /// <summary>Query fragment 7 is the left operand of row 0.</summary>
    public const string UseQuery7 = "mov.b32 a0,q_28" + End + "mov.b32 a1,q_29" + End + "mov.b32 a2,q_30" + End + "mov.b32 a3,q_31" + End;

    /// <summary>The left operand of row 0 from a panel at %0.</summary>
    public const string LoadA0 = "add.u32 x7,smem,%0" + End + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0,a1,a2,a3},[x7];";

    /// <summary>The left operand of row 1 from a panel at %0.</summary>
    public const string LoadA1 = "add.u32 x7,smem,%0" + End + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a4,a5,a6,a7},[x7];";

    /// <summary>Before the first tile: no maximum, nothing summed. Finite, so that a row that sees nothing of a tile has no ∞ − ∞.</summary>
    public const string Start = "mov.f32 m0,0fF149F2CA" + End + "mov.f32 m1,0fF149F2CA" + End + "mov.f32 l0,0f00000000" + End + "mov.f32 l1,0f00000000;";

    /// <summary>
    /// Scores become weights exp(scale·(s − m)) with the new maximum m of their row; l is their sum so far and f what the sums before have to
    /// be multiplied by. %0 is scale / ln 2.
    /// </summary>
    public const string Softmax =
        "max.f32 n0,m0,c0" + End + "max.f32 n0,n0,c1" + End + "max.f32 n0,n0,c4" + End + "max.f32 n0,n0,c5" + End + "max.f32 n0,n0,c8" + End + "max.f32 n0,n0,c9" + End +
        "max.f32 n0,n0,c12" + End + "max.f32 n0,n0,c13" + End + "max.f32 n0,n0,c16" + End + "max.f32 n0,n0,c17" + End + "max.f32 n0,n0,c20" + End +
        "max.f32 n0,n0,c21" + End + "max.f32 n0,n0,c24" + End + "max.f32 n0,n0,c25" + End + "max.f32 n0,n0,c28" + End + "max.f32 n0,n0,c29" + End + "max.f32 n1,m1,c2" + End +
        "max.f32 n1,n1,c3" + End + "max.f32 n1,n1,c6" + End + "max.f32 n1,n1,c7" + End + "max.f32 n1,n1,c10" + End + "max.f32 n1,n1,c11" + End + "max.f32 n1,n1,c14" + End +
        "max.f32 n1,n1,c15" + End + "max.f32 n1,n1,c18" + End + "max.f32 n1,n1,c19" + End + "max.f32 n1,n1,c22" + End + "max.f32 n1,n1,c23" + End +
        "max.f32 n1,n1,c26" + End + "max.f32 n1,n1,c27" + End + "max.f32 n1,n1,c30" + End + "max.f32 n1,n1,c31" + End + "shfl.sync.bfly.b32 u0,n0,1,31,-1" + End +
        "max.f32 n0,n0,u0" + End + "shfl.sync.bfly.b32 u0,n0,2,31,-1" + End + "max.f32 n0,n0,u0" + End + "shfl.sync.bfly.b32 u1,n1,1,31,-1" + End + "max.f32 n1,n1,u1" + End +
        "shfl.sync.bfly.b32 u1,n1,2,31,-1" + End + "max.f32 n1,n1,u1" + End + "sub.f32 u0,m0,n0" + End + "mul.f32 u0,u0,%0" + End + "ex2.approx.ftz.f32 f0,u0" + End +
        "mov.f32 m0,n0" + End + "mul.f32 s0,n0,%0" + End + "neg.f32 s0,s0" + End + "mul.f32 l0,l0,f0" + End + "sub.f32 u1,m1,n1" + End + "mul.f32 u1,u1,%0" + End +
        "ex2.approx.ftz.f32 f1,u1" + End + "mov.f32 m1,n1" + End + "mul.f32 s1,n1,%0" + End + "neg.f32 s1,s1" + End + "mul.f32 l1,l1,f1" + End +
        "fma.rn.f32 c0,c0,%0,s0" + End + "ex2.approx.ftz.f32 c0,c0" + End + "add.f32 l0,l0,c0" + End + "fma.rn.f32 c1,c1,%0,s0" + End + "ex2.approx.ftz.f32 c1,c1" + End +
        "add.f32 l0,l0,c1" + End + "fma.rn.f32 c2,c2,%0,s1" + End + "ex2.approx.ftz.f32 c2,c2" + End + "add.f32 l1,l1,c2" + End + "fma.rn.f32 c3,c3,%0,s1" + End +
        "ex2.approx.ftz.f32 c3,c3" + End + "add.f32 l1,l1,c3" + End + "fma.rn.f32 c4,c4,%0,s0" + End + "ex2.approx.ftz.f32 c4,c4" + End + "add.f32 l0,l0,c4" + End +
        "fma.rn.f32 c5,c5,%0,s0" + End + "ex2.approx.ftz.f32 c5,c5" + End + "add.f32 l0,l0,c5" + End + "fma.rn.f32 c6,c6,%0,s1" + End + "ex2.approx.ftz.f32 c6,c6" + End +
        "add.f32 l1,l1,c6" + End + "fma.rn.f32 c7,c7,%0,s1" + End + "ex2.approx.ftz.f32 c7,c7" + End + "add.f32 l1,l1,c7" + End + "fma.rn.f32 c8,c8,%0,s0" + End +
        "ex2.approx.ftz.f32 c8,c8" + End + "add.f32 l0,l0,c8" + End + "fma.rn.f32 c9,c9,%0,s0" + End + "ex2.approx.ftz.f32 c9,c9" + End + "add.f32 l0,l0,c9" + End +
        "fma.rn.f32 c10,c10,%0,s1" + End + "ex2.approx.ftz.f32 c10,c10" + End + "add.f32 l1,l1,c10" + End + "fma.rn.f32 c11,c11,%0,s1" + End +
        "ex2.approx.ftz.f32 c11,c11" + End + "add.f32 l1,l1,c11" + End + "fma.rn.f32 c12,c12,%0,s0" + End + "ex2.approx.ftz.f32 c12,c12" + End + "add.f32 l0,l0,c12" + End +
        "fma.rn.f32 c13,c13,%0,s0" + End + "ex2.approx.ftz.f32 c13,c13" + End + "add.f32 l0,l0,c13" + End + "fma.rn.f32 c14,c14,%0,s1" + End +
        "ex2.approx.ftz.f32 c14,c14" + End + "add.f32 l1,l1,c14" + End + "fma.rn.f32 c15,c15,%0,s1" + End + "ex2.approx.ftz.f32 c15,c15" + End + "add.f32 l1,l1,c15" + End +
        "fma.rn.f32 c16,c16,%0,s0" + End + "ex2.approx.ftz.f32 c16,c16" + End + "add.f32 l0,l0,c16" + End + "fma.rn.f32 c17,c17,%0,s0" + End +
        "ex2.approx.ftz.f32 c17,c17" + End + "add.f32 l0,l0,c17" + End + "fma.rn.f32 c18,c18,%0,s1" + End + "ex2.approx.ftz.f32 c18,c18" + End + "add.f32 l1,l1,c18" + End +
        "fma.rn.f32 c19,c19,%0,s1" + End + "ex2.approx.ftz.f32 c19,c19" + End + "add.f32 l1,l1,c19" + End + "fma.rn.f32 c20,c20,%0,s0" + End +
        "ex2.approx.ftz.f32 c20,c20" + End + "add.f32 l0,l0,c20" + End + "fma.rn.f32 c21,c21,%0,s0" + End + "ex2.approx.ftz.f32 c21,c21" + End + "add.f32 l0,l0,c21" + End +
        "fma.rn.f32 c22,c22,%0,s1" + End + "ex2.approx.ftz.f32 c22,c22" + End + "add.f32 l1,l1,c22" + End + "fma.rn.f32 c23,c23,%0,s1" + End +
        "ex2.approx.ftz.f32 c23,c23" + End + "add.f32 l1,l1,c23" + End + "fma.rn.f32 c24,c24,%0,s0" + End + "ex2.approx.ftz.f32 c24,c24" + End + "add.f32 l0,l0,c24" + End +
        "fma.rn.f32 c25,c25,%0,s0" + End + "ex2.approx.ftz.f32 c25,c25" + End + "add.f32 l0,l0,c25" + End + "fma.rn.f32 c26,c26,%0,s1" + End +
        "ex2.approx.ftz.f32 c26,c26" + End + "add.f32 l1,l1,c26" + End + "fma.rn.f32 c27,c27,%0,s1" + End + "ex2.approx.ftz.f32 c27,c27" + End + "add.f32 l1,l1,c27" + End +
        "fma.rn.f32 c28,c28,%0,s0" + End + "ex2.approx.ftz.f32 c28,c28" + End + "add.f32 l0,l0,c28" + End + "fma.rn.f32 c29,c29,%0,s0" + End +
        "ex2.approx.ftz.f32 c29,c29" + End + "add.f32 l0,l0,c29" + End + "fma.rn.f32 c30,c30,%0,s1" + End + "ex2.approx.ftz.f32 c30,c30" + End + "add.f32 l1,l1,c30" + End +
        "fma.rn.f32 c31,c31,%0,s1" + End + "ex2.approx.ftz.f32 c31,c31" + End + "add.f32 l1,l1,c31" + End;

    /// <summary>Row 2 · f.</summary>
    public const string Rescale2 =
        "mul.f32 c64,c64,f0" + End + "mul.f32 c65,c65,f0" + End + "mul.f32 c66,c66,f1" + End + "mul.f32 c67,c67,f1" + End + "mul.f32 c68,c68,f0" + End +
        "mul.f32 c69,c69,f0" + End + "mul.f32 c70,c70,f1" + End + "mul.f32 c71,c71,f1" + End + "mul.f32 c72,c72,f0" + End + "mul.f32 c73,c73,f0" + End +
        "mul.f32 c74,c74,f1" + End + "mul.f32 c75,c75,f1" + End + "mul.f32 c76,c76,f0" + End + "mul.f32 c77,c77,f0" + End + "mul.f32 c78,c78,f1" + End +
        "mul.f32 c79,c79,f1" + End + "mul.f32 c80,c80,f0" + End + "mul.f32 c81,c81,f0" + End + "mul.f32 c82,c82,f1" + End + "mul.f32 c83,c83,f1" + End +
        "mul.f32 c84,c84,f0" + End + "mul.f32 c85,c85,f0" + End + "mul.f32 c86,c86,f1" + End + "mul.f32 c87,c87,f1" + End + "mul.f32 c88,c88,f0" + End +
        "mul.f32 c89,c89,f0" + End + "mul.f32 c90,c90,f1" + End + "mul.f32 c91,c91,f1" + End + "mul.f32 c92,c92,f0" + End + "mul.f32 c93,c93,f0" + End +
        "mul.f32 c94,c94,f1" + End + "mul.f32 c95,c95,f1" + End;

    /// <summary>Row 4 · f.</summary>
    public const string Rescale4 =
        "mul.f32 c128,c128,f0" + End + "mul.f32 c129,c129,f0" + End + "mul.f32 c130,c130,f1" + End + "mul.f32 c131,c131,f1" + End + "mul.f32 c132,c132,f0" + End +
        "mul.f32 c133,c133,f0" + End + "mul.f32 c134,c134,f1" + End + "mul.f32 c135,c135,f1" + End + "mul.f32 c136,c136,f0" + End + "mul.f32 c137,c137,f0" + End +
        "mul.f32 c138,c138,f1" + End + "mul.f32 c139,c139,f1" + End + "mul.f32 c140,c140,f0" + End + "mul.f32 c141,c141,f0" + End + "mul.f32 c142,c142,f1" + End +
        "mul.f32 c143,c143,f1" + End + "mul.f32 c144,c144,f0" + End + "mul.f32 c145,c145,f0" + End + "mul.f32 c146,c146,f1" + End + "mul.f32 c147,c147,f1" + End +
        "mul.f32 c148,c148,f0" + End + "mul.f32 c149,c149,f0" + End + "mul.f32 c150,c150,f1" + End + "mul.f32 c151,c151,f1" + End + "mul.f32 c152,c152,f0" + End +
        "mul.f32 c153,c153,f0" + End + "mul.f32 c154,c154,f1" + End + "mul.f32 c155,c155,f1" + End + "mul.f32 c156,c156,f0" + End + "mul.f32 c157,c157,f0" + End +
        "mul.f32 c158,c158,f1" + End + "mul.f32 c159,c159,f1" + End;

    /// <summary>Columns 0 to 15 of row 0 become the left operand of row 2, in bfloat16.</summary>
    public const string Pack00 =
        "cvt.rn.bf16x2.f32 a8,c1,c0" + End + "cvt.rn.bf16x2.f32 a9,c3,c2" + End + "cvt.rn.bf16x2.f32 a10,c5,c4" + End + "cvt.rn.bf16x2.f32 a11,c7,c6" + End;

    /// <summary>Columns 16 to 31 of row 0 become the left operand of row 2, in bfloat16.</summary>
    public const string Pack01 =
        "cvt.rn.bf16x2.f32 a8,c9,c8" + End + "cvt.rn.bf16x2.f32 a9,c11,c10" + End + "cvt.rn.bf16x2.f32 a10,c13,c12" + End + "cvt.rn.bf16x2.f32 a11,c15,c14" + End;

    /// <summary>Columns 32 to 47 of row 0 become the left operand of row 2, in bfloat16.</summary>
    public const string Pack02 =
        "cvt.rn.bf16x2.f32 a8,c17,c16" + End + "cvt.rn.bf16x2.f32 a9,c19,c18" + End + "cvt.rn.bf16x2.f32 a10,c21,c20" + End + "cvt.rn.bf16x2.f32 a11,c23,c22" + End;

    /// <summary>Columns 48 to 63 of row 0 become the left operand of row 2, in bfloat16.</summary>
    public const string Pack03 =
        "cvt.rn.bf16x2.f32 a8,c25,c24" + End + "cvt.rn.bf16x2.f32 a9,c27,c26" + End + "cvt.rn.bf16x2.f32 a10,c29,c28" + End + "cvt.rn.bf16x2.f32 a11,c31,c30" + End;

    /// <summary>Columns 0 to 15 of row 1 become the left operand of row 3, in bfloat16.</summary>
    public const string Pack10 =
        "cvt.rn.bf16x2.f32 a12,c33,c32" + End + "cvt.rn.bf16x2.f32 a13,c35,c34" + End + "cvt.rn.bf16x2.f32 a14,c37,c36" + End + "cvt.rn.bf16x2.f32 a15,c39,c38" + End;

    /// <summary>Columns 16 to 31 of row 1 become the left operand of row 3, in bfloat16.</summary>
    public const string Pack11 =
        "cvt.rn.bf16x2.f32 a12,c41,c40" + End + "cvt.rn.bf16x2.f32 a13,c43,c42" + End + "cvt.rn.bf16x2.f32 a14,c45,c44" + End + "cvt.rn.bf16x2.f32 a15,c47,c46" + End;

    /// <summary>Columns 32 to 47 of row 1 become the left operand of row 3, in bfloat16.</summary>
    public const string Pack12 =
        "cvt.rn.bf16x2.f32 a12,c49,c48" + End + "cvt.rn.bf16x2.f32 a13,c51,c50" + End + "cvt.rn.bf16x2.f32 a14,c53,c52" + End + "cvt.rn.bf16x2.f32 a15,c55,c54" + End;

    /// <summary>Columns 48 to 63 of row 1 become the left operand of row 3, in bfloat16.</summary>
    public const string Pack13 =
        "cvt.rn.bf16x2.f32 a12,c57,c56" + End + "cvt.rn.bf16x2.f32 a13,c59,c58" + End + "cvt.rn.bf16x2.f32 a14,c61,c60" + End + "cvt.rn.bf16x2.f32 a15,c63,c62" + End;

    /// <summary>After the last tile: f = 1 / l, e = scale·m + ln l. %0 is scale / ln 2.</summary>
    public const string Finish =
        "shfl.sync.bfly.b32 u0,l0,1,31,-1" + End + "add.f32 l0,l0,u0" + End + "shfl.sync.bfly.b32 u0,l0,2,31,-1" + End + "add.f32 l0,l0,u0" + End +
        "shfl.sync.bfly.b32 u1,l1,1,31,-1" + End + "add.f32 l1,l1,u1" + End + "shfl.sync.bfly.b32 u1,l1,2,31,-1" + End + "add.f32 l1,l1,u1" + End +
        "rcp.approx.ftz.f32 f0,l0" + End + "lg2.approx.ftz.f32 u0,l0" + End + "fma.rn.f32 u0,m0,%0,u0" + End + "mul.f32 e0,u0,0f3F317218" + End +
        "rcp.approx.ftz.f32 f1,l1" + End + "lg2.approx.ftz.f32 u1,l1" + End + "fma.rn.f32 u1,m1,%0,u1" + End + "mul.f32 e1,u1,0f3F317218" + End;

    /// <summary>e of the two rows to global memory at %0 and %1, where %2 and %3 are not zero.</summary>
    public const string StoreLse =
        "setp.ne.s32 q0,%2,0" + End + "setp.ne.s32 q1,%3,0" + End + "@q0 st.global.f32 [%0],e0" + End + "@q1 st.global.f32 [%1],e1;";

    /// <summary>e = −lse / ln 2 of the two rows, from global memory at %0 and %1; 0 where %2 and %3 are zero.</summary>
    public const string LoadLse =
        "mov.f32 e0,0f00000000" + End + "mov.f32 e1,0f00000000" + End + "setp.ne.s32 q0,%2,0" + End + "setp.ne.s32 q1,%3,0" + End +
        "@q0 ld.global.f32 e0,[%0]" + End + "@q1 ld.global.f32 e1,[%1]" + End + "mul.f32 e0,e0,0fBFB8AA3B" + End + "mul.f32 e1,e1,0fBFB8AA3B;";

    /// <summary>d = D of the two rows, from global memory at %0 and %1; 0 where %2 and %3 are zero.</summary>
    public const string LoadDelta =
        "mov.f32 d0,0f00000000" + End + "mov.f32 d1,0f00000000" + End + "setp.ne.s32 q0,%2,0" + End + "setp.ne.s32 q1,%3,0" + End +
        "@q0 ld.global.f32 d0,[%0]" + End + "@q1 ld.global.f32 d1,[%1];";

    /// <summary>Scores become weights exp(scale·s − lse), lse of the row in e. %0 is scale / ln 2.</summary>
    public const string WeightsByRow =
        "fma.rn.f32 c0,c0,%0,e0" + End + "ex2.approx.ftz.f32 c0,c0" + End + "fma.rn.f32 c1,c1,%0,e0" + End + "ex2.approx.ftz.f32 c1,c1" + End +
        "fma.rn.f32 c2,c2,%0,e1" + End + "ex2.approx.ftz.f32 c2,c2" + End + "fma.rn.f32 c3,c3,%0,e1" + End + "ex2.approx.ftz.f32 c3,c3" + End +
        "fma.rn.f32 c4,c4,%0,e0" + End + "ex2.approx.ftz.f32 c4,c4" + End + "fma.rn.f32 c5,c5,%0,e0" + End + "ex2.approx.ftz.f32 c5,c5" + End +
        "fma.rn.f32 c6,c6,%0,e1" + End + "ex2.approx.ftz.f32 c6,c6" + End + "fma.rn.f32 c7,c7,%0,e1" + End + "ex2.approx.ftz.f32 c7,c7" + End +
        "fma.rn.f32 c8,c8,%0,e0" + End + "ex2.approx.ftz.f32 c8,c8" + End + "fma.rn.f32 c9,c9,%0,e0" + End + "ex2.approx.ftz.f32 c9,c9" + End +
        "fma.rn.f32 c10,c10,%0,e1" + End + "ex2.approx.ftz.f32 c10,c10" + End + "fma.rn.f32 c11,c11,%0,e1" + End + "ex2.approx.ftz.f32 c11,c11" + End +
        "fma.rn.f32 c12,c12,%0,e0" + End + "ex2.approx.ftz.f32 c12,c12" + End + "fma.rn.f32 c13,c13,%0,e0" + End + "ex2.approx.ftz.f32 c13,c13" + End +
        "fma.rn.f32 c14,c14,%0,e1" + End + "ex2.approx.ftz.f32 c14,c14" + End + "fma.rn.f32 c15,c15,%0,e1" + End + "ex2.approx.ftz.f32 c15,c15" + End +
        "fma.rn.f32 c16,c16,%0,e0" + End + "ex2.approx.ftz.f32 c16,c16" + End + "fma.rn.f32 c17,c17,%0,e0" + End + "ex2.approx.ftz.f32 c17,c17" + End +
        "fma.rn.f32 c18,c18,%0,e1" + End + "ex2.approx.ftz.f32 c18,c18" + End + "fma.rn.f32 c19,c19,%0,e1" + End + "ex2.approx.ftz.f32 c19,c19" + End +
        "fma.rn.f32 c20,c20,%0,e0" + End + "ex2.approx.ftz.f32 c20,c20" + End + "fma.rn.f32 c21,c21,%0,e0" + End + "ex2.approx.ftz.f32 c21,c21" + End +
        "fma.rn.f32 c22,c22,%0,e1" + End + "ex2.approx.ftz.f32 c22,c22" + End + "fma.rn.f32 c23,c23,%0,e1" + End + "ex2.approx.ftz.f32 c23,c23" + End +
        "fma.rn.f32 c24,c24,%0,e0" + End + "ex2.approx.ftz.f32 c24,c24" + End + "fma.rn.f32 c25,c25,%0,e0" + End + "ex2.approx.ftz.f32 c25,c25" + End +
        "fma.rn.f32 c26,c26,%0,e1" + End + "ex2.approx.ftz.f32 c26,c26" + End + "fma.rn.f32 c27,c27,%0,e1" + End + "ex2.approx.ftz.f32 c27,c27" + End +
        "fma.rn.f32 c28,c28,%0,e0" + End + "ex2.approx.ftz.f32 c28,c28" + End + "fma.rn.f32 c29,c29,%0,e0" + End + "ex2.approx.ftz.f32 c29,c29" + End +
        "fma.rn.f32 c30,c30,%0,e1" + End + "ex2.approx.ftz.f32 c30,c30" + End + "fma.rn.f32 c31,c31,%0,e1" + End + "ex2.approx.ftz.f32 c31,c31" + End;

    /// <summary>Row 1 = weights · (row 1 − D), D of the row in d.</summary>
    public const string GradientByRow =
        "sub.f32 c32,c32,d0" + End + "mul.f32 c32,c32,c0" + End + "sub.f32 c33,c33,d0" + End + "mul.f32 c33,c33,c1" + End + "sub.f32 c34,c34,d1" + End +
        "mul.f32 c34,c34,c2" + End + "sub.f32 c35,c35,d1" + End + "mul.f32 c35,c35,c3" + End + "sub.f32 c36,c36,d0" + End + "mul.f32 c36,c36,c4" + End +
        "sub.f32 c37,c37,d0" + End + "mul.f32 c37,c37,c5" + End + "sub.f32 c38,c38,d1" + End + "mul.f32 c38,c38,c6" + End + "sub.f32 c39,c39,d1" + End +
        "mul.f32 c39,c39,c7" + End + "sub.f32 c40,c40,d0" + End + "mul.f32 c40,c40,c8" + End + "sub.f32 c41,c41,d0" + End + "mul.f32 c41,c41,c9" + End +
        "sub.f32 c42,c42,d1" + End + "mul.f32 c42,c42,c10" + End + "sub.f32 c43,c43,d1" + End + "mul.f32 c43,c43,c11" + End + "sub.f32 c44,c44,d0" + End +
        "mul.f32 c44,c44,c12" + End + "sub.f32 c45,c45,d0" + End + "mul.f32 c45,c45,c13" + End + "sub.f32 c46,c46,d1" + End + "mul.f32 c46,c46,c14" + End +
        "sub.f32 c47,c47,d1" + End + "mul.f32 c47,c47,c15" + End + "sub.f32 c48,c48,d0" + End + "mul.f32 c48,c48,c16" + End + "sub.f32 c49,c49,d0" + End +
        "mul.f32 c49,c49,c17" + End + "sub.f32 c50,c50,d1" + End + "mul.f32 c50,c50,c18" + End + "sub.f32 c51,c51,d1" + End + "mul.f32 c51,c51,c19" + End +
        "sub.f32 c52,c52,d0" + End + "mul.f32 c52,c52,c20" + End + "sub.f32 c53,c53,d0" + End + "mul.f32 c53,c53,c21" + End + "sub.f32 c54,c54,d1" + End +
        "mul.f32 c54,c54,c22" + End + "sub.f32 c55,c55,d1" + End + "mul.f32 c55,c55,c23" + End + "sub.f32 c56,c56,d0" + End + "mul.f32 c56,c56,c24" + End +
        "sub.f32 c57,c57,d0" + End + "mul.f32 c57,c57,c25" + End + "sub.f32 c58,c58,d1" + End + "mul.f32 c58,c58,c26" + End + "sub.f32 c59,c59,d1" + End +
        "mul.f32 c59,c59,c27" + End + "sub.f32 c60,c60,d0" + End + "mul.f32 c60,c60,c28" + End + "sub.f32 c61,c61,d0" + End + "mul.f32 c61,c61,c29" + End +
        "sub.f32 c62,c62,d1" + End + "mul.f32 c62,c62,c30" + End + "sub.f32 c63,c63,d1" + End + "mul.f32 c63,c63,c31" + End;

    /// <summary>Scores become weights exp(scale·s − lse), lse of the columns in shared memory, the lane's first at %0. %1 is scale / ln 2.</summary>
    public const string WeightsByColumn =
        "add.u32 x7,smem,%0" + End + "ld.shared.v2.f32 {e0,e1},[x7+0]" + End + "mul.f32 e0,e0,0fBFB8AA3B" + End + "mul.f32 e1,e1,0fBFB8AA3B" + End +
        "fma.rn.f32 c0,c0,%1,e0" + End + "ex2.approx.ftz.f32 c0,c0" + End + "fma.rn.f32 c1,c1,%1,e1" + End + "ex2.approx.ftz.f32 c1,c1" + End +
        "fma.rn.f32 c2,c2,%1,e0" + End + "ex2.approx.ftz.f32 c2,c2" + End + "fma.rn.f32 c3,c3,%1,e1" + End + "ex2.approx.ftz.f32 c3,c3" + End +
        "ld.shared.v2.f32 {e0,e1},[x7+32]" + End + "mul.f32 e0,e0,0fBFB8AA3B" + End + "mul.f32 e1,e1,0fBFB8AA3B" + End + "fma.rn.f32 c4,c4,%1,e0" + End +
        "ex2.approx.ftz.f32 c4,c4" + End + "fma.rn.f32 c5,c5,%1,e1" + End + "ex2.approx.ftz.f32 c5,c5" + End + "fma.rn.f32 c6,c6,%1,e0" + End +
        "ex2.approx.ftz.f32 c6,c6" + End + "fma.rn.f32 c7,c7,%1,e1" + End + "ex2.approx.ftz.f32 c7,c7" + End + "ld.shared.v2.f32 {e0,e1},[x7+64]" + End +
        "mul.f32 e0,e0,0fBFB8AA3B" + End + "mul.f32 e1,e1,0fBFB8AA3B" + End + "fma.rn.f32 c8,c8,%1,e0" + End + "ex2.approx.ftz.f32 c8,c8" + End +
        "fma.rn.f32 c9,c9,%1,e1" + End + "ex2.approx.ftz.f32 c9,c9" + End + "fma.rn.f32 c10,c10,%1,e0" + End + "ex2.approx.ftz.f32 c10,c10" + End +
        "fma.rn.f32 c11,c11,%1,e1" + End + "ex2.approx.ftz.f32 c11,c11" + End + "ld.shared.v2.f32 {e0,e1},[x7+96]" + End + "mul.f32 e0,e0,0fBFB8AA3B" + End +
        "mul.f32 e1,e1,0fBFB8AA3B" + End + "fma.rn.f32 c12,c12,%1,e0" + End + "ex2.approx.ftz.f32 c12,c12" + End + "fma.rn.f32 c13,c13,%1,e1" + End +
        "ex2.approx.ftz.f32 c13,c13" + End + "fma.rn.f32 c14,c14,%1,e0" + End + "ex2.approx.ftz.f32 c14,c14" + End + "fma.rn.f32 c15,c15,%1,e1" + End +
        "ex2.approx.ftz.f32 c15,c15" + End + "ld.shared.v2.f32 {e0,e1},[x7+128]" + End + "mul.f32 e0,e0,0fBFB8AA3B" + End + "mul.f32 e1,e1,0fBFB8AA3B" + End +
        "fma.rn.f32 c16,c16,%1,e0" + End + "ex2.approx.ftz.f32 c16,c16" + End + "fma.rn.f32 c17,c17,%1,e1" + End + "ex2.approx.ftz.f32 c17,c17" + End +
        "fma.rn.f32 c18,c18,%1,e0" + End + "ex2.approx.ftz.f32 c18,c18" + End + "fma.rn.f32 c19,c19,%1,e1" + End + "ex2.approx.ftz.f32 c19,c19" + End +
        "ld.shared.v2.f32 {e0,e1},[x7+160]" + End + "mul.f32 e0,e0,0fBFB8AA3B" + End + "mul.f32 e1,e1,0fBFB8AA3B" + End + "fma.rn.f32 c20,c20,%1,e0" + End +
        "ex2.approx.ftz.f32 c20,c20" + End + "fma.rn.f32 c21,c21,%1,e1" + End + "ex2.approx.ftz.f32 c21,c21" + End + "fma.rn.f32 c22,c22,%1,e0" + End +
        "ex2.approx.ftz.f32 c22,c22" + End + "fma.rn.f32 c23,c23,%1,e1" + End + "ex2.approx.ftz.f32 c23,c23" + End + "ld.shared.v2.f32 {e0,e1},[x7+192]" + End +
        "mul.f32 e0,e0,0fBFB8AA3B" + End + "mul.f32 e1,e1,0fBFB8AA3B" + End + "fma.rn.f32 c24,c24,%1,e0" + End + "ex2.approx.ftz.f32 c24,c24" + End +
        "fma.rn.f32 c25,c25,%1,e1" + End + "ex2.approx.ftz.f32 c25,c25" + End + "fma.rn.f32 c26,c26,%1,e0" + End + "ex2.approx.ftz.f32 c26,c26" + End +
        "fma.rn.f32 c27,c27,%1,e1" + End + "ex2.approx.ftz.f32 c27,c27" + End + "ld.shared.v2.f32 {e0,e1},[x7+224]" + End + "mul.f32 e0,e0,0fBFB8AA3B" + End +
        "mul.f32 e1,e1,0fBFB8AA3B" + End + "fma.rn.f32 c28,c28,%1,e0" + End + "ex2.approx.ftz.f32 c28,c28" + End + "fma.rn.f32 c29,c29,%1,e1" + End +
        "ex2.approx.ftz.f32 c29,c29" + End + "fma.rn.f32 c30,c30,%1,e0" + End + "ex2.approx.ftz.f32 c30,c30" + End + "fma.rn.f32 c31,c31,%1,e1" + End +
        "ex2.approx.ftz.f32 c31,c31" + End;

    /// <summary>Row 1 = weights · (row 1 − D), D of the columns in shared memory, the lane's first at %0.</summary>
    public const string GradientByColumn =
        "add.u32 x7,smem,%0" + End + "ld.shared.v2.f32 {d0,d1},[x7+0]" + End + "sub.f32 c32,c32,d0" + End + "mul.f32 c32,c32,c0" + End + "sub.f32 c33,c33,d1" + End +
        "mul.f32 c33,c33,c1" + End + "sub.f32 c34,c34,d0" + End + "mul.f32 c34,c34,c2" + End + "sub.f32 c35,c35,d1" + End + "mul.f32 c35,c35,c3" + End +
        "ld.shared.v2.f32 {d0,d1},[x7+32]" + End + "sub.f32 c36,c36,d0" + End + "mul.f32 c36,c36,c4" + End + "sub.f32 c37,c37,d1" + End + "mul.f32 c37,c37,c5" + End +
        "sub.f32 c38,c38,d0" + End + "mul.f32 c38,c38,c6" + End + "sub.f32 c39,c39,d1" + End + "mul.f32 c39,c39,c7" + End + "ld.shared.v2.f32 {d0,d1},[x7+64]" + End +
        "sub.f32 c40,c40,d0" + End + "mul.f32 c40,c40,c8" + End + "sub.f32 c41,c41,d1" + End + "mul.f32 c41,c41,c9" + End + "sub.f32 c42,c42,d0" + End +
        "mul.f32 c42,c42,c10" + End + "sub.f32 c43,c43,d1" + End + "mul.f32 c43,c43,c11" + End + "ld.shared.v2.f32 {d0,d1},[x7+96]" + End + "sub.f32 c44,c44,d0" + End +
        "mul.f32 c44,c44,c12" + End + "sub.f32 c45,c45,d1" + End + "mul.f32 c45,c45,c13" + End + "sub.f32 c46,c46,d0" + End + "mul.f32 c46,c46,c14" + End +
        "sub.f32 c47,c47,d1" + End + "mul.f32 c47,c47,c15" + End + "ld.shared.v2.f32 {d0,d1},[x7+128]" + End + "sub.f32 c48,c48,d0" + End + "mul.f32 c48,c48,c16" + End +
        "sub.f32 c49,c49,d1" + End + "mul.f32 c49,c49,c17" + End + "sub.f32 c50,c50,d0" + End + "mul.f32 c50,c50,c18" + End + "sub.f32 c51,c51,d1" + End +
        "mul.f32 c51,c51,c19" + End + "ld.shared.v2.f32 {d0,d1},[x7+160]" + End + "sub.f32 c52,c52,d0" + End + "mul.f32 c52,c52,c20" + End + "sub.f32 c53,c53,d1" + End +
        "mul.f32 c53,c53,c21" + End + "sub.f32 c54,c54,d0" + End + "mul.f32 c54,c54,c22" + End + "sub.f32 c55,c55,d1" + End + "mul.f32 c55,c55,c23" + End +
        "ld.shared.v2.f32 {d0,d1},[x7+192]" + End + "sub.f32 c56,c56,d0" + End + "mul.f32 c56,c56,c24" + End + "sub.f32 c57,c57,d1" + End + "mul.f32 c57,c57,c25" + End +
        "sub.f32 c58,c58,d0" + End + "mul.f32 c58,c58,c26" + End + "sub.f32 c59,c59,d1" + End + "mul.f32 c59,c59,c27" + End + "ld.shared.v2.f32 {d0,d1},[x7+224]" + End +
        "sub.f32 c60,c60,d0" + End + "mul.f32 c60,c60,c28" + End + "sub.f32 c61,c61,d1" + End + "mul.f32 c61,c61,c29" + End + "sub.f32 c62,c62,d0" + End +
        "mul.f32 c62,c62,c30" + End + "sub.f32 c63,c63,d1" + End + "mul.f32 c63,c63,c31" + End;

    /// <summary>Begins to copy a float from global memory at %1 to shared memory at %0; %2 is 4, or 0 for a zero.</summary>
    public const string CopyFloat = "add.u32 x7,smem,%0" + End + "cp.async.ca.shared.global [x7],[%1],4,%2;";

    /// <summary>Bytes between two rows of a stored output: nine chunks, so that eight rows lie in all banks.</summary>
    public const int StorePitch = 144;

    /// <summary>f = %0: a factor for outputs.</summary>
    public const string SetFactor = "mov.f32 f0,%0" + End + "mov.f32 f1,%0;";

    /// <summary>Row 2 · f in bfloat16 to shared memory at %0, to which the lane adds 144·g + 4t.</summary>
    public const string StoreRow2 =
        "add.u32 x7,smem,%0" + End + "mul.f32 u0,c64,f0" + End + "mul.f32 u1,c65,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+0],x0" + End +
        "mul.f32 u0,c66,f1" + End + "mul.f32 u1,c67,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1152],x0" + End + "mul.f32 u0,c68,f0" + End +
        "mul.f32 u1,c69,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+16],x0" + End + "mul.f32 u0,c70,f1" + End + "mul.f32 u1,c71,f1" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1168],x0" + End + "mul.f32 u0,c72,f0" + End + "mul.f32 u1,c73,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End +
        "st.shared.b32 [x7+32],x0" + End + "mul.f32 u0,c74,f1" + End + "mul.f32 u1,c75,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1184],x0" + End +
        "mul.f32 u0,c76,f0" + End + "mul.f32 u1,c77,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+48],x0" + End + "mul.f32 u0,c78,f1" + End +
        "mul.f32 u1,c79,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1200],x0" + End + "mul.f32 u0,c80,f0" + End + "mul.f32 u1,c81,f0" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+64],x0" + End + "mul.f32 u0,c82,f1" + End + "mul.f32 u1,c83,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End +
        "st.shared.b32 [x7+1216],x0" + End + "mul.f32 u0,c84,f0" + End + "mul.f32 u1,c85,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+80],x0" + End +
        "mul.f32 u0,c86,f1" + End + "mul.f32 u1,c87,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1232],x0" + End + "mul.f32 u0,c88,f0" + End +
        "mul.f32 u1,c89,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+96],x0" + End + "mul.f32 u0,c90,f1" + End + "mul.f32 u1,c91,f1" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1248],x0" + End + "mul.f32 u0,c92,f0" + End + "mul.f32 u1,c93,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End +
        "st.shared.b32 [x7+112],x0" + End + "mul.f32 u0,c94,f1" + End + "mul.f32 u1,c95,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1264],x0" + End;

    /// <summary>Row 3 · f in bfloat16 to shared memory at %0, to which the lane adds 144·g + 4t.</summary>
    public const string StoreRow3 =
        "add.u32 x7,smem,%0" + End + "mul.f32 u0,c96,f0" + End + "mul.f32 u1,c97,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+0],x0" + End +
        "mul.f32 u0,c98,f1" + End + "mul.f32 u1,c99,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1152],x0" + End + "mul.f32 u0,c100,f0" + End +
        "mul.f32 u1,c101,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+16],x0" + End + "mul.f32 u0,c102,f1" + End + "mul.f32 u1,c103,f1" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1168],x0" + End + "mul.f32 u0,c104,f0" + End + "mul.f32 u1,c105,f0" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+32],x0" + End + "mul.f32 u0,c106,f1" + End + "mul.f32 u1,c107,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End +
        "st.shared.b32 [x7+1184],x0" + End + "mul.f32 u0,c108,f0" + End + "mul.f32 u1,c109,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+48],x0" + End +
        "mul.f32 u0,c110,f1" + End + "mul.f32 u1,c111,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1200],x0" + End + "mul.f32 u0,c112,f0" + End +
        "mul.f32 u1,c113,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+64],x0" + End + "mul.f32 u0,c114,f1" + End + "mul.f32 u1,c115,f1" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1216],x0" + End + "mul.f32 u0,c116,f0" + End + "mul.f32 u1,c117,f0" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+80],x0" + End + "mul.f32 u0,c118,f1" + End + "mul.f32 u1,c119,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End +
        "st.shared.b32 [x7+1232],x0" + End + "mul.f32 u0,c120,f0" + End + "mul.f32 u1,c121,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+96],x0" + End +
        "mul.f32 u0,c122,f1" + End + "mul.f32 u1,c123,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1248],x0" + End + "mul.f32 u0,c124,f0" + End +
        "mul.f32 u1,c125,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+112],x0" + End + "mul.f32 u0,c126,f1" + End + "mul.f32 u1,c127,f1" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1264],x0" + End;

    /// <summary>Row 4 · f in bfloat16 to shared memory at %0, to which the lane adds 144·g + 4t.</summary>
    public const string StoreRow4 =
        "add.u32 x7,smem,%0" + End + "mul.f32 u0,c128,f0" + End + "mul.f32 u1,c129,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+0],x0" + End +
        "mul.f32 u0,c130,f1" + End + "mul.f32 u1,c131,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1152],x0" + End + "mul.f32 u0,c132,f0" + End +
        "mul.f32 u1,c133,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+16],x0" + End + "mul.f32 u0,c134,f1" + End + "mul.f32 u1,c135,f1" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1168],x0" + End + "mul.f32 u0,c136,f0" + End + "mul.f32 u1,c137,f0" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+32],x0" + End + "mul.f32 u0,c138,f1" + End + "mul.f32 u1,c139,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End +
        "st.shared.b32 [x7+1184],x0" + End + "mul.f32 u0,c140,f0" + End + "mul.f32 u1,c141,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+48],x0" + End +
        "mul.f32 u0,c142,f1" + End + "mul.f32 u1,c143,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1200],x0" + End + "mul.f32 u0,c144,f0" + End +
        "mul.f32 u1,c145,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+64],x0" + End + "mul.f32 u0,c146,f1" + End + "mul.f32 u1,c147,f1" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1216],x0" + End + "mul.f32 u0,c148,f0" + End + "mul.f32 u1,c149,f0" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+80],x0" + End + "mul.f32 u0,c150,f1" + End + "mul.f32 u1,c151,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End +
        "st.shared.b32 [x7+1232],x0" + End + "mul.f32 u0,c152,f0" + End + "mul.f32 u1,c153,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+96],x0" + End +
        "mul.f32 u0,c154,f1" + End + "mul.f32 u1,c155,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1248],x0" + End + "mul.f32 u0,c156,f0" + End +
        "mul.f32 u1,c157,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+112],x0" + End + "mul.f32 u0,c158,f1" + End + "mul.f32 u1,c159,f1" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1264],x0" + End;

    /// <summary>Row 5 · f in bfloat16 to shared memory at %0, to which the lane adds 144·g + 4t.</summary>
    public const string StoreRow5 =
        "add.u32 x7,smem,%0" + End + "mul.f32 u0,c160,f0" + End + "mul.f32 u1,c161,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+0],x0" + End +
        "mul.f32 u0,c162,f1" + End + "mul.f32 u1,c163,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1152],x0" + End + "mul.f32 u0,c164,f0" + End +
        "mul.f32 u1,c165,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+16],x0" + End + "mul.f32 u0,c166,f1" + End + "mul.f32 u1,c167,f1" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1168],x0" + End + "mul.f32 u0,c168,f0" + End + "mul.f32 u1,c169,f0" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+32],x0" + End + "mul.f32 u0,c170,f1" + End + "mul.f32 u1,c171,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End +
        "st.shared.b32 [x7+1184],x0" + End + "mul.f32 u0,c172,f0" + End + "mul.f32 u1,c173,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+48],x0" + End +
        "mul.f32 u0,c174,f1" + End + "mul.f32 u1,c175,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1200],x0" + End + "mul.f32 u0,c176,f0" + End +
        "mul.f32 u1,c177,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+64],x0" + End + "mul.f32 u0,c178,f1" + End + "mul.f32 u1,c179,f1" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1216],x0" + End + "mul.f32 u0,c180,f0" + End + "mul.f32 u1,c181,f0" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+80],x0" + End + "mul.f32 u0,c182,f1" + End + "mul.f32 u1,c183,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End +
        "st.shared.b32 [x7+1232],x0" + End + "mul.f32 u0,c184,f0" + End + "mul.f32 u1,c185,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+96],x0" + End +
        "mul.f32 u0,c186,f1" + End + "mul.f32 u1,c187,f1" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1248],x0" + End + "mul.f32 u0,c188,f0" + End +
        "mul.f32 u1,c189,f0" + End + "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+112],x0" + End + "mul.f32 u0,c190,f1" + End + "mul.f32 u1,c191,f1" + End +
        "cvt.rn.bf16x2.f32 x0,u1,u0" + End + "st.shared.b32 [x7+1264],x0" + End;
}
