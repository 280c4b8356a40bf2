namespace NativeRlhf.Kernels.Device;

/// <summary>
/// What tensor cores are spoken to with: inline PTX of the sm_80 generation on registers of its own. A kernel declares them
/// once with <see cref="Registers"/>; every text here works on them, so that nothing passes through local memory, which is
/// where the kernel compiler keeps the results of inline PTX. Texts have to be constants, and are therefore put together
/// from smaller ones.
/// <list type="bullet">
/// <item>c0 … c191: accumulators, six rows of eight fragments of 16 × 8; fragment (i, j) is c(32i + 4j) … c(32i + 4j + 3).</item>
/// <item>a0 … a15: the left operand, four fragments of 16 × 16 bfloat16 (or 16 × 8 tf32); b0 … b15: the right, eight of 16 × 8 (or 8 × 8).</item>
/// <item>an…, bn…: the same for the next step, so that it is fetched while this one is multiplied.</item>
/// </list>
/// The lane that has number l in its warp holds of a fragment, with g = l / 4 and t = l % 4: of c the rows g and g + 8, columns
/// 2t and 2t + 1; of a the same rows, columns 2t, 2t + 1, 2t + 8, 2t + 9; of b the column g and those rows. In tf32 the columns of a
/// are t and t + 4, of which ldmatrix takes each for a pair of bfloat16.
/// <para>
/// Shared memory holds operands as panels of 64 rows of 128 bytes. The 16-byte chunk c of row r lies at place c ⊕ (r mod 8),
/// so that eight rows of one chunk column, which is what ldmatrix reads at once, lie in all 32 banks; in panels of float32 by columns at
/// place c ⊕ 2(r mod 4), so that two chunks of four rows do, which is what 32 lanes load as fragments.
/// </para>
/// </summary>
internal static class TensorCore
{
    /// <summary>Lanes of a warp. Everything here is CUDA's, where this is no assumption.</summary>
    public const int WarpSize = 32;

    /// <summary>Rows of a panel.</summary>
    public const int PanelRows = 64;

    /// <summary>Bytes of a row of a panel.</summary>
    public const int PanelPitch = 128;

    /// <summary>Bytes of a panel.</summary>
    public const int PanelBytes = PanelRows * PanelPitch;

    /// <summary>Bytes that one asynchronous copy moves.</summary>
    public const int ChunkBytes = 16;

    /// <summary>Chunks in a row of a panel.</summary>
    public const int ChunksPerRow = PanelPitch / ChunkBytes;

    private const string End = ";\n\t";

    /// <summary>Declares the registers. Once, at the top of a kernel.</summary>
    public const string Registers =
        ".reg .f32 c<192>" + End + ".reg .b32 a<16>" + End + ".reg .b32 b<16>" + End + ".reg .b32 an<16>" + End + ".reg .b32 bn<16>" + End +
        ".reg .b32 x<8>" + End + ".reg .b32 smem" + End + ".reg .b16 h<8>" + End + ".reg .pred q<8>;";

    // Operands of mma for the accumulator fragment (i, j). Rows 4 and 5 have the left operands of rows 2 and 3.
    private const string T00 = " {c0,c1,c2,c3},{a0,a1,a2,a3},{b0,b1},{c0,c1,c2,c3}" + End;
    private const string T01 = " {c4,c5,c6,c7},{a0,a1,a2,a3},{b2,b3},{c4,c5,c6,c7}" + End;
    private const string T02 = " {c8,c9,c10,c11},{a0,a1,a2,a3},{b4,b5},{c8,c9,c10,c11}" + End;
    private const string T03 = " {c12,c13,c14,c15},{a0,a1,a2,a3},{b6,b7},{c12,c13,c14,c15}" + End;
    private const string T04 = " {c16,c17,c18,c19},{a0,a1,a2,a3},{b8,b9},{c16,c17,c18,c19}" + End;
    private const string T05 = " {c20,c21,c22,c23},{a0,a1,a2,a3},{b10,b11},{c20,c21,c22,c23}" + End;
    private const string T06 = " {c24,c25,c26,c27},{a0,a1,a2,a3},{b12,b13},{c24,c25,c26,c27}" + End;
    private const string T07 = " {c28,c29,c30,c31},{a0,a1,a2,a3},{b14,b15},{c28,c29,c30,c31}" + End;
    private const string T10 = " {c32,c33,c34,c35},{a4,a5,a6,a7},{b0,b1},{c32,c33,c34,c35}" + End;
    private const string T11 = " {c36,c37,c38,c39},{a4,a5,a6,a7},{b2,b3},{c36,c37,c38,c39}" + End;
    private const string T12 = " {c40,c41,c42,c43},{a4,a5,a6,a7},{b4,b5},{c40,c41,c42,c43}" + End;
    private const string T13 = " {c44,c45,c46,c47},{a4,a5,a6,a7},{b6,b7},{c44,c45,c46,c47}" + End;
    private const string T14 = " {c48,c49,c50,c51},{a4,a5,a6,a7},{b8,b9},{c48,c49,c50,c51}" + End;
    private const string T15 = " {c52,c53,c54,c55},{a4,a5,a6,a7},{b10,b11},{c52,c53,c54,c55}" + End;
    private const string T16 = " {c56,c57,c58,c59},{a4,a5,a6,a7},{b12,b13},{c56,c57,c58,c59}" + End;
    private const string T17 = " {c60,c61,c62,c63},{a4,a5,a6,a7},{b14,b15},{c60,c61,c62,c63}" + End;
    private const string T20 = " {c64,c65,c66,c67},{a8,a9,a10,a11},{b0,b1},{c64,c65,c66,c67}" + End;
    private const string T21 = " {c68,c69,c70,c71},{a8,a9,a10,a11},{b2,b3},{c68,c69,c70,c71}" + End;
    private const string T22 = " {c72,c73,c74,c75},{a8,a9,a10,a11},{b4,b5},{c72,c73,c74,c75}" + End;
    private const string T23 = " {c76,c77,c78,c79},{a8,a9,a10,a11},{b6,b7},{c76,c77,c78,c79}" + End;
    private const string T24 = " {c80,c81,c82,c83},{a8,a9,a10,a11},{b8,b9},{c80,c81,c82,c83}" + End;
    private const string T25 = " {c84,c85,c86,c87},{a8,a9,a10,a11},{b10,b11},{c84,c85,c86,c87}" + End;
    private const string T26 = " {c88,c89,c90,c91},{a8,a9,a10,a11},{b12,b13},{c88,c89,c90,c91}" + End;
    private const string T27 = " {c92,c93,c94,c95},{a8,a9,a10,a11},{b14,b15},{c92,c93,c94,c95}" + End;
    private const string T30 = " {c96,c97,c98,c99},{a12,a13,a14,a15},{b0,b1},{c96,c97,c98,c99}" + End;
    private const string T31 = " {c100,c101,c102,c103},{a12,a13,a14,a15},{b2,b3},{c100,c101,c102,c103}" + End;
    private const string T32 = " {c104,c105,c106,c107},{a12,a13,a14,a15},{b4,b5},{c104,c105,c106,c107}" + End;
    private const string T33 = " {c108,c109,c110,c111},{a12,a13,a14,a15},{b6,b7},{c108,c109,c110,c111}" + End;
    private const string T34 = " {c112,c113,c114,c115},{a12,a13,a14,a15},{b8,b9},{c112,c113,c114,c115}" + End;
    private const string T35 = " {c116,c117,c118,c119},{a12,a13,a14,a15},{b10,b11},{c116,c117,c118,c119}" + End;
    private const string T36 = " {c120,c121,c122,c123},{a12,a13,a14,a15},{b12,b13},{c120,c121,c122,c123}" + End;
    private const string T37 = " {c124,c125,c126,c127},{a12,a13,a14,a15},{b14,b15},{c124,c125,c126,c127}" + End;
    private const string T40 = " {c128,c129,c130,c131},{a8,a9,a10,a11},{b0,b1},{c128,c129,c130,c131}" + End;
    private const string T41 = " {c132,c133,c134,c135},{a8,a9,a10,a11},{b2,b3},{c132,c133,c134,c135}" + End;
    private const string T42 = " {c136,c137,c138,c139},{a8,a9,a10,a11},{b4,b5},{c136,c137,c138,c139}" + End;
    private const string T43 = " {c140,c141,c142,c143},{a8,a9,a10,a11},{b6,b7},{c140,c141,c142,c143}" + End;
    private const string T44 = " {c144,c145,c146,c147},{a8,a9,a10,a11},{b8,b9},{c144,c145,c146,c147}" + End;
    private const string T45 = " {c148,c149,c150,c151},{a8,a9,a10,a11},{b10,b11},{c148,c149,c150,c151}" + End;
    private const string T46 = " {c152,c153,c154,c155},{a8,a9,a10,a11},{b12,b13},{c152,c153,c154,c155}" + End;
    private const string T47 = " {c156,c157,c158,c159},{a8,a9,a10,a11},{b14,b15},{c156,c157,c158,c159}" + End;
    private const string T50 = " {c160,c161,c162,c163},{a12,a13,a14,a15},{b0,b1},{c160,c161,c162,c163}" + End;
    private const string T51 = " {c164,c165,c166,c167},{a12,a13,a14,a15},{b2,b3},{c164,c165,c166,c167}" + End;
    private const string T52 = " {c168,c169,c170,c171},{a12,a13,a14,a15},{b4,b5},{c168,c169,c170,c171}" + End;
    private const string T53 = " {c172,c173,c174,c175},{a12,a13,a14,a15},{b6,b7},{c172,c173,c174,c175}" + End;
    private const string T54 = " {c176,c177,c178,c179},{a12,a13,a14,a15},{b8,b9},{c176,c177,c178,c179}" + End;
    private const string T55 = " {c180,c181,c182,c183},{a12,a13,a14,a15},{b10,b11},{c180,c181,c182,c183}" + End;
    private const string T56 = " {c184,c185,c186,c187},{a12,a13,a14,a15},{b12,b13},{c184,c185,c186,c187}" + End;
    private const string T57 = " {c188,c189,c190,c191},{a12,a13,a14,a15},{b14,b15},{c188,c189,c190,c191}" + End;

    private const string Bf16 = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32";
    private const string Tf32 = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32";

    private const string Row0Left = Bf16 + T00 + Bf16 + T01 + Bf16 + T02 + Bf16 + T03;
    private const string Row0Right = Bf16 + T04 + Bf16 + T05 + Bf16 + T06 + Bf16 + T07;
    private const string Row1Left = Bf16 + T10 + Bf16 + T11 + Bf16 + T12 + Bf16 + T13;
    private const string Row1Right = Bf16 + T14 + Bf16 + T15 + Bf16 + T16 + Bf16 + T17;
    private const string Row2Left = Bf16 + T20 + Bf16 + T21 + Bf16 + T22 + Bf16 + T23;
    private const string Row2Right = Bf16 + T24 + Bf16 + T25 + Bf16 + T26 + Bf16 + T27;
    private const string Row3Left = Bf16 + T30 + Bf16 + T31 + Bf16 + T32 + Bf16 + T33;
    private const string Row3Right = Bf16 + T34 + Bf16 + T35 + Bf16 + T36 + Bf16 + T37;
    private const string Row4Left = Bf16 + T40 + Bf16 + T41 + Bf16 + T42 + Bf16 + T43;
    private const string Row4Right = Bf16 + T44 + Bf16 + T45 + Bf16 + T46 + Bf16 + T47;
    private const string Row5Left = Bf16 + T50 + Bf16 + T51 + Bf16 + T52 + Bf16 + T53;
    private const string Row5Right = Bf16 + T54 + Bf16 + T55 + Bf16 + T56 + Bf16 + T57;

    private const string Tf32Row0 = Tf32 + T00 + Tf32 + T01 + Tf32 + T02 + Tf32 + T03 + Tf32 + T04 + Tf32 + T05 + Tf32 + T06 + Tf32 + T07;
    private const string Tf32Row1 = Tf32 + T10 + Tf32 + T11 + Tf32 + T12 + Tf32 + T13 + Tf32 + T14 + Tf32 + T15 + Tf32 + T16 + Tf32 + T17;
    private const string Tf32Row2 = Tf32 + T20 + Tf32 + T21 + Tf32 + T22 + Tf32 + T23 + Tf32 + T24 + Tf32 + T25 + Tf32 + T26 + Tf32 + T27;
    private const string Tf32Row3 = Tf32 + T30 + Tf32 + T31 + Tf32 + T32 + Tf32 + T33 + Tf32 + T34 + Tf32 + T35 + Tf32 + T36 + Tf32 + T37;

    /// <summary>Row 0 of the accumulators += its left operand · b: 16 × 64.</summary>
    public const string MultiplyRow0 = Row0Left + Row0Right;

    /// <summary>Row 1 of the accumulators += its left operand · b: 16 × 64.</summary>
    public const string MultiplyRow1 = Row1Left + Row1Right;

    /// <summary>Row 2 of the accumulators += its left operand · b: 16 × 64.</summary>
    public const string MultiplyRow2 = Row2Left + Row2Right;

    /// <summary>Row 3 of the accumulators += its left operand · b: 16 × 64.</summary>
    public const string MultiplyRow3 = Row3Left + Row3Right;

    /// <summary>Row 4 of the accumulators += its left operand · b: 16 × 64.</summary>
    public const string MultiplyRow4 = Row4Left + Row4Right;

    /// <summary>Row 5 of the accumulators += its left operand · b: 16 × 64.</summary>
    public const string MultiplyRow5 = Row5Left + Row5Right;

    /// <summary>The left half of <see cref="MultiplyRow2"/>: 16 × 32.</summary>
    public const string MultiplyRow2Left = Row2Left;

    /// <summary>The left half of <see cref="MultiplyRow3"/>: 16 × 32.</summary>
    public const string MultiplyRow3Left = Row3Left;

    /// <summary>Rows 0 to 3 += a · b: 64 × 64 × 16 bfloat16.</summary>
    public const string Multiply = MultiplyRow0 + MultiplyRow1 + MultiplyRow2 + MultiplyRow3;

    /// <summary>Rows 0 to 3 += a · b: 64 × 64 × 8 tf32.</summary>
    public const string MultiplyTf32 = Tf32Row0 + Tf32Row1 + Tf32Row2 + Tf32Row3;

    private const string ZeroRow0 = "mov.f32 c0,0f00000000" + End + "mov.f32 c1,0f00000000" + End + "mov.f32 c2,0f00000000" + End + "mov.f32 c3,0f00000000" + End + "mov.f32 c4,0f00000000" + End + "mov.f32 c5,0f00000000" + End + "mov.f32 c6,0f00000000" + End + "mov.f32 c7,0f00000000" + End + "mov.f32 c8,0f00000000" + End + "mov.f32 c9,0f00000000" + End + "mov.f32 c10,0f00000000" + End + "mov.f32 c11,0f00000000" + End + "mov.f32 c12,0f00000000" + End + "mov.f32 c13,0f00000000" + End + "mov.f32 c14,0f00000000" + End + "mov.f32 c15,0f00000000" + End + "mov.f32 c16,0f00000000" + End + "mov.f32 c17,0f00000000" + End + "mov.f32 c18,0f00000000" + End + "mov.f32 c19,0f00000000" + End + "mov.f32 c20,0f00000000" + End + "mov.f32 c21,0f00000000" + End + "mov.f32 c22,0f00000000" + End + "mov.f32 c23,0f00000000" + End + "mov.f32 c24,0f00000000" + End + "mov.f32 c25,0f00000000" + End + "mov.f32 c26,0f00000000" + End + "mov.f32 c27,0f00000000" + End + "mov.f32 c28,0f00000000" + End + "mov.f32 c29,0f00000000" + End + "mov.f32 c30,0f00000000" + End + "mov.f32 c31,0f00000000" + End;
    private const string ZeroRow1 = "mov.f32 c32,0f00000000" + End + "mov.f32 c33,0f00000000" + End + "mov.f32 c34,0f00000000" + End + "mov.f32 c35,0f00000000" + End + "mov.f32 c36,0f00000000" + End + "mov.f32 c37,0f00000000" + End + "mov.f32 c38,0f00000000" + End + "mov.f32 c39,0f00000000" + End + "mov.f32 c40,0f00000000" + End + "mov.f32 c41,0f00000000" + End + "mov.f32 c42,0f00000000" + End + "mov.f32 c43,0f00000000" + End + "mov.f32 c44,0f00000000" + End + "mov.f32 c45,0f00000000" + End + "mov.f32 c46,0f00000000" + End + "mov.f32 c47,0f00000000" + End + "mov.f32 c48,0f00000000" + End + "mov.f32 c49,0f00000000" + End + "mov.f32 c50,0f00000000" + End + "mov.f32 c51,0f00000000" + End + "mov.f32 c52,0f00000000" + End + "mov.f32 c53,0f00000000" + End + "mov.f32 c54,0f00000000" + End + "mov.f32 c55,0f00000000" + End + "mov.f32 c56,0f00000000" + End + "mov.f32 c57,0f00000000" + End + "mov.f32 c58,0f00000000" + End + "mov.f32 c59,0f00000000" + End + "mov.f32 c60,0f00000000" + End + "mov.f32 c61,0f00000000" + End + "mov.f32 c62,0f00000000" + End + "mov.f32 c63,0f00000000" + End;
    private const string ZeroRow2 = "mov.f32 c64,0f00000000" + End + "mov.f32 c65,0f00000000" + End + "mov.f32 c66,0f00000000" + End + "mov.f32 c67,0f00000000" + End + "mov.f32 c68,0f00000000" + End + "mov.f32 c69,0f00000000" + End + "mov.f32 c70,0f00000000" + End + "mov.f32 c71,0f00000000" + End + "mov.f32 c72,0f00000000" + End + "mov.f32 c73,0f00000000" + End + "mov.f32 c74,0f00000000" + End + "mov.f32 c75,0f00000000" + End + "mov.f32 c76,0f00000000" + End + "mov.f32 c77,0f00000000" + End + "mov.f32 c78,0f00000000" + End + "mov.f32 c79,0f00000000" + End + "mov.f32 c80,0f00000000" + End + "mov.f32 c81,0f00000000" + End + "mov.f32 c82,0f00000000" + End + "mov.f32 c83,0f00000000" + End + "mov.f32 c84,0f00000000" + End + "mov.f32 c85,0f00000000" + End + "mov.f32 c86,0f00000000" + End + "mov.f32 c87,0f00000000" + End + "mov.f32 c88,0f00000000" + End + "mov.f32 c89,0f00000000" + End + "mov.f32 c90,0f00000000" + End + "mov.f32 c91,0f00000000" + End + "mov.f32 c92,0f00000000" + End + "mov.f32 c93,0f00000000" + End + "mov.f32 c94,0f00000000" + End + "mov.f32 c95,0f00000000" + End;
    private const string ZeroRow3 = "mov.f32 c96,0f00000000" + End + "mov.f32 c97,0f00000000" + End + "mov.f32 c98,0f00000000" + End + "mov.f32 c99,0f00000000" + End + "mov.f32 c100,0f00000000" + End + "mov.f32 c101,0f00000000" + End + "mov.f32 c102,0f00000000" + End + "mov.f32 c103,0f00000000" + End + "mov.f32 c104,0f00000000" + End + "mov.f32 c105,0f00000000" + End + "mov.f32 c106,0f00000000" + End + "mov.f32 c107,0f00000000" + End + "mov.f32 c108,0f00000000" + End + "mov.f32 c109,0f00000000" + End + "mov.f32 c110,0f00000000" + End + "mov.f32 c111,0f00000000" + End + "mov.f32 c112,0f00000000" + End + "mov.f32 c113,0f00000000" + End + "mov.f32 c114,0f00000000" + End + "mov.f32 c115,0f00000000" + End + "mov.f32 c116,0f00000000" + End + "mov.f32 c117,0f00000000" + End + "mov.f32 c118,0f00000000" + End + "mov.f32 c119,0f00000000" + End + "mov.f32 c120,0f00000000" + End + "mov.f32 c121,0f00000000" + End + "mov.f32 c122,0f00000000" + End + "mov.f32 c123,0f00000000" + End + "mov.f32 c124,0f00000000" + End + "mov.f32 c125,0f00000000" + End + "mov.f32 c126,0f00000000" + End + "mov.f32 c127,0f00000000" + End;
    private const string ZeroRow4 = "mov.f32 c128,0f00000000" + End + "mov.f32 c129,0f00000000" + End + "mov.f32 c130,0f00000000" + End + "mov.f32 c131,0f00000000" + End + "mov.f32 c132,0f00000000" + End + "mov.f32 c133,0f00000000" + End + "mov.f32 c134,0f00000000" + End + "mov.f32 c135,0f00000000" + End + "mov.f32 c136,0f00000000" + End + "mov.f32 c137,0f00000000" + End + "mov.f32 c138,0f00000000" + End + "mov.f32 c139,0f00000000" + End + "mov.f32 c140,0f00000000" + End + "mov.f32 c141,0f00000000" + End + "mov.f32 c142,0f00000000" + End + "mov.f32 c143,0f00000000" + End + "mov.f32 c144,0f00000000" + End + "mov.f32 c145,0f00000000" + End + "mov.f32 c146,0f00000000" + End + "mov.f32 c147,0f00000000" + End + "mov.f32 c148,0f00000000" + End + "mov.f32 c149,0f00000000" + End + "mov.f32 c150,0f00000000" + End + "mov.f32 c151,0f00000000" + End + "mov.f32 c152,0f00000000" + End + "mov.f32 c153,0f00000000" + End + "mov.f32 c154,0f00000000" + End + "mov.f32 c155,0f00000000" + End + "mov.f32 c156,0f00000000" + End + "mov.f32 c157,0f00000000" + End + "mov.f32 c158,0f00000000" + End + "mov.f32 c159,0f00000000" + End;
    private const string ZeroRow5 = "mov.f32 c160,0f00000000" + End + "mov.f32 c161,0f00000000" + End + "mov.f32 c162,0f00000000" + End + "mov.f32 c163,0f00000000" + End + "mov.f32 c164,0f00000000" + End + "mov.f32 c165,0f00000000" + End + "mov.f32 c166,0f00000000" + End + "mov.f32 c167,0f00000000" + End + "mov.f32 c168,0f00000000" + End + "mov.f32 c169,0f00000000" + End + "mov.f32 c170,0f00000000" + End + "mov.f32 c171,0f00000000" + End + "mov.f32 c172,0f00000000" + End + "mov.f32 c173,0f00000000" + End + "mov.f32 c174,0f00000000" + End + "mov.f32 c175,0f00000000" + End + "mov.f32 c176,0f00000000" + End + "mov.f32 c177,0f00000000" + End + "mov.f32 c178,0f00000000" + End + "mov.f32 c179,0f00000000" + End + "mov.f32 c180,0f00000000" + End + "mov.f32 c181,0f00000000" + End + "mov.f32 c182,0f00000000" + End + "mov.f32 c183,0f00000000" + End + "mov.f32 c184,0f00000000" + End + "mov.f32 c185,0f00000000" + End + "mov.f32 c186,0f00000000" + End + "mov.f32 c187,0f00000000" + End + "mov.f32 c188,0f00000000" + End + "mov.f32 c189,0f00000000" + End + "mov.f32 c190,0f00000000" + End + "mov.f32 c191,0f00000000" + End;

    /// <summary>Rows 0 to 3 = 0.</summary>
    public const string Zero = ZeroRow0 + ZeroRow1 + ZeroRow2 + ZeroRow3;

    /// <summary>The fragments of the next step become those of this one; costs no instruction.</summary>
    public const string Advance = "mov.b32 a0,an0" + End + "mov.b32 a1,an1" + End + "mov.b32 a2,an2" + End + "mov.b32 a3,an3" + End + "mov.b32 a4,an4" + End + "mov.b32 a5,an5" + End + "mov.b32 a6,an6" + End + "mov.b32 a7,an7" + End + "mov.b32 a8,an8" + End + "mov.b32 a9,an9" + End + "mov.b32 a10,an10" + End + "mov.b32 a11,an11" + End + "mov.b32 a12,an12" + End + "mov.b32 a13,an13" + End + "mov.b32 a14,an14" + End + "mov.b32 a15,an15" + End + "mov.b32 b0,bn0" + End + "mov.b32 b1,bn1" + End + "mov.b32 b2,bn2" + End + "mov.b32 b3,bn3" + End + "mov.b32 b4,bn4" + End + "mov.b32 b5,bn5" + End + "mov.b32 b6,bn6" + End + "mov.b32 b7,bn7" + End + "mov.b32 b8,bn8" + End + "mov.b32 b9,bn9" + End + "mov.b32 b10,bn10" + End + "mov.b32 b11,bn11" + End + "mov.b32 b12,bn12" + End + "mov.b32 b13,bn13" + End + "mov.b32 b14,bn14" + End + "mov.b32 b15,bn15" + End;

    /// <summary>As <see cref="Advance"/>, rounding float32 to tf32: to nearest, ties away from zero.</summary>
    public const string AdvanceTf32 = "cvt.rna.tf32.f32 a0,an0" + End + "cvt.rna.tf32.f32 a1,an1" + End + "cvt.rna.tf32.f32 a2,an2" + End + "cvt.rna.tf32.f32 a3,an3" + End + "cvt.rna.tf32.f32 a4,an4" + End + "cvt.rna.tf32.f32 a5,an5" + End + "cvt.rna.tf32.f32 a6,an6" + End + "cvt.rna.tf32.f32 a7,an7" + End + "cvt.rna.tf32.f32 a8,an8" + End + "cvt.rna.tf32.f32 a9,an9" + End + "cvt.rna.tf32.f32 a10,an10" + End + "cvt.rna.tf32.f32 a11,an11" + End + "cvt.rna.tf32.f32 a12,an12" + End + "cvt.rna.tf32.f32 a13,an13" + End + "cvt.rna.tf32.f32 a14,an14" + End + "cvt.rna.tf32.f32 a15,an15" + End + "cvt.rna.tf32.f32 b0,bn0" + End + "cvt.rna.tf32.f32 b1,bn1" + End + "cvt.rna.tf32.f32 b2,bn2" + End + "cvt.rna.tf32.f32 b3,bn3" + End + "cvt.rna.tf32.f32 b4,bn4" + End + "cvt.rna.tf32.f32 b5,bn5" + End + "cvt.rna.tf32.f32 b6,bn6" + End + "cvt.rna.tf32.f32 b7,bn7" + End + "cvt.rna.tf32.f32 b8,bn8" + End + "cvt.rna.tf32.f32 b9,bn9" + End + "cvt.rna.tf32.f32 b10,bn10" + End + "cvt.rna.tf32.f32 b11,bn11" + End + "cvt.rna.tf32.f32 b12,bn12" + End + "cvt.rna.tf32.f32 b13,bn13" + End + "cvt.rna.tf32.f32 b14,bn14" + End + "cvt.rna.tf32.f32 b15,bn15" + End;

    private const string Load4 = "ldmatrix.sync.aligned.m8n8.x4.shared.b16 ", Load4T = "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 ";
    private const string Place = "add.u32 x7,smem,%0" + End;
    private const string HalfColumns = Place + "xor.b32 x0,%0,32" + End + "add.u32 x0,smem,x0" + End;
    private const string Columns = HalfColumns + "xor.b32 x1,%0,64" + End + "add.u32 x1,smem,x1" + End + "xor.b32 x2,%0,96" + End + "add.u32 x2,smem,x2" + End;

    /// <summary>an = 64 rows of a panel, one step along its columns; %0 is the lane's place.</summary>
    public const string LoadNextARows = Place + Load4 + "{an0,an1,an2,an3},[x7]" + End + Load4 + "{an4,an5,an6,an7},[x7+2048]" + End + Load4 + "{an8,an9,an10,an11},[x7+4096]" + End + Load4 + "{an12,an13,an14,an15},[x7+6144]" + End;

    /// <summary>an = 64 columns of a panel, transposed, one step along its rows; %0 is the lane's place.</summary>
    public const string LoadNextAColumns = Columns + Load4T + "{an0,an1,an2,an3},[x7]" + End + Load4T + "{an4,an5,an6,an7},[x0]" + End + Load4T + "{an8,an9,an10,an11},[x1]" + End + Load4T + "{an12,an13,an14,an15},[x2]" + End;

    /// <summary>bn = 64 rows of a panel, one step along its columns; %0 is the lane's place.</summary>
    public const string LoadNextBRows = Place + Load4 + "{bn0,bn1,bn2,bn3},[x7]" + End + Load4 + "{bn4,bn5,bn6,bn7},[x7+2048]" + End + Load4 + "{bn8,bn9,bn10,bn11},[x7+4096]" + End + Load4 + "{bn12,bn13,bn14,bn15},[x7+6144]" + End;

    /// <summary>bn = 64 columns of a panel, transposed, one step along its rows; %0 is the lane's place.</summary>
    public const string LoadNextBColumns = Columns + Load4T + "{bn0,bn1,bn2,bn3},[x7]" + End + Load4T + "{bn4,bn5,bn6,bn7},[x0]" + End + Load4T + "{bn8,bn9,bn10,bn11},[x1]" + End + Load4T + "{bn12,bn13,bn14,bn15},[x2]" + End;

    /// <summary>an = 64 columns of a panel of float32, which ldmatrix cannot transpose, one step of 8 along its rows; %0 is the lane's place.</summary>
    public const string LoadNextAFloatColumns = Columns + "ld.shared.b32 an0,[x7]" + End + "ld.shared.b32 an1,[x0]" + End + "ld.shared.b32 an2,[x7+512]" + End + "ld.shared.b32 an3,[x0+512]" + End + "ld.shared.b32 an4,[x1]" + End + "ld.shared.b32 an5,[x2]" + End + "ld.shared.b32 an6,[x1+512]" + End + "ld.shared.b32 an7,[x2+512]" + End + "ld.shared.b32 an8,[x7+4096]" + End + "ld.shared.b32 an9,[x0+4096]" + End + "ld.shared.b32 an10,[x7+4608]" + End + "ld.shared.b32 an11,[x0+4608]" + End + "ld.shared.b32 an12,[x1+4096]" + End + "ld.shared.b32 an13,[x2+4096]" + End + "ld.shared.b32 an14,[x1+4608]" + End + "ld.shared.b32 an15,[x2+4608]" + End;

    /// <summary>bn = 64 columns of a panel of float32, one step of 8 along its rows; %0 is the lane's place.</summary>
    public const string LoadNextBFloatColumns = Columns + "ld.shared.b32 bn0,[x7]" + End + "ld.shared.b32 bn1,[x7+512]" + End + "ld.shared.b32 bn2,[x0]" + End + "ld.shared.b32 bn3,[x0+512]" + End + "ld.shared.b32 bn4,[x1]" + End + "ld.shared.b32 bn5,[x1+512]" + End + "ld.shared.b32 bn6,[x2]" + End + "ld.shared.b32 bn7,[x2+512]" + End + "ld.shared.b32 bn8,[x7+4096]" + End + "ld.shared.b32 bn9,[x7+4608]" + End + "ld.shared.b32 bn10,[x0+4096]" + End + "ld.shared.b32 bn11,[x0+4608]" + End + "ld.shared.b32 bn12,[x1+4096]" + End + "ld.shared.b32 bn13,[x1+4608]" + End + "ld.shared.b32 bn14,[x2+4096]" + End + "ld.shared.b32 bn15,[x2+4608]" + End;

    /// <summary>b = 64 rows of a panel, one step along its columns; %0 is the lane's place.</summary>
    public const string LoadBRows = Place + Load4 + "{b0,b1,b2,b3},[x7]" + End + Load4 + "{b4,b5,b6,b7},[x7+2048]" + End + Load4 + "{b8,b9,b10,b11},[x7+4096]" + End + Load4 + "{b12,b13,b14,b15},[x7+6144]" + End;

    /// <summary>b = 64 columns of a panel, transposed, one step along its rows; %0 is the lane's place.</summary>
    public const string LoadBColumns = Columns + Load4T + "{b0,b1,b2,b3},[x7]" + End + Load4T + "{b4,b5,b6,b7},[x0]" + End + Load4T + "{b8,b9,b10,b11},[x1]" + End + Load4T + "{b12,b13,b14,b15},[x2]" + End;

    /// <summary>b = the left 32 columns of a panel, transposed, one step along its rows; %0 is the lane's place.</summary>
    public const string LoadBHalfColumns = HalfColumns + Load4T + "{b0,b1,b2,b3},[x7]" + End + Load4T + "{b4,b5,b6,b7},[x0]" + End;

    // Accumulators to shared memory, row by row, 72 floats apart: the 16 lanes that are served at once then meet no bank twice.
    private const string StoreRow0 = "st.shared.v2.f32 [x7+0],{c0,c1}" + End + "st.shared.v2.f32 [x7+32],{c4,c5}" + End + "st.shared.v2.f32 [x7+64],{c8,c9}" + End + "st.shared.v2.f32 [x7+96],{c12,c13}" + End + "st.shared.v2.f32 [x7+128],{c16,c17}" + End + "st.shared.v2.f32 [x7+160],{c20,c21}" + End + "st.shared.v2.f32 [x7+192],{c24,c25}" + End + "st.shared.v2.f32 [x7+224],{c28,c29}" + End + "st.shared.v2.f32 [x7+2304],{c2,c3}" + End + "st.shared.v2.f32 [x7+2336],{c6,c7}" + End + "st.shared.v2.f32 [x7+2368],{c10,c11}" + End + "st.shared.v2.f32 [x7+2400],{c14,c15}" + End + "st.shared.v2.f32 [x7+2432],{c18,c19}" + End + "st.shared.v2.f32 [x7+2464],{c22,c23}" + End + "st.shared.v2.f32 [x7+2496],{c26,c27}" + End + "st.shared.v2.f32 [x7+2528],{c30,c31}" + End;
    private const string StoreRow1 = "st.shared.v2.f32 [x7+4608],{c32,c33}" + End + "st.shared.v2.f32 [x7+4640],{c36,c37}" + End + "st.shared.v2.f32 [x7+4672],{c40,c41}" + End + "st.shared.v2.f32 [x7+4704],{c44,c45}" + End + "st.shared.v2.f32 [x7+4736],{c48,c49}" + End + "st.shared.v2.f32 [x7+4768],{c52,c53}" + End + "st.shared.v2.f32 [x7+4800],{c56,c57}" + End + "st.shared.v2.f32 [x7+4832],{c60,c61}" + End + "st.shared.v2.f32 [x7+6912],{c34,c35}" + End + "st.shared.v2.f32 [x7+6944],{c38,c39}" + End + "st.shared.v2.f32 [x7+6976],{c42,c43}" + End + "st.shared.v2.f32 [x7+7008],{c46,c47}" + End + "st.shared.v2.f32 [x7+7040],{c50,c51}" + End + "st.shared.v2.f32 [x7+7072],{c54,c55}" + End + "st.shared.v2.f32 [x7+7104],{c58,c59}" + End + "st.shared.v2.f32 [x7+7136],{c62,c63}" + End;
    private const string StoreRow2 = "st.shared.v2.f32 [x7+9216],{c64,c65}" + End + "st.shared.v2.f32 [x7+9248],{c68,c69}" + End + "st.shared.v2.f32 [x7+9280],{c72,c73}" + End + "st.shared.v2.f32 [x7+9312],{c76,c77}" + End + "st.shared.v2.f32 [x7+9344],{c80,c81}" + End + "st.shared.v2.f32 [x7+9376],{c84,c85}" + End + "st.shared.v2.f32 [x7+9408],{c88,c89}" + End + "st.shared.v2.f32 [x7+9440],{c92,c93}" + End + "st.shared.v2.f32 [x7+11520],{c66,c67}" + End + "st.shared.v2.f32 [x7+11552],{c70,c71}" + End + "st.shared.v2.f32 [x7+11584],{c74,c75}" + End + "st.shared.v2.f32 [x7+11616],{c78,c79}" + End + "st.shared.v2.f32 [x7+11648],{c82,c83}" + End + "st.shared.v2.f32 [x7+11680],{c86,c87}" + End + "st.shared.v2.f32 [x7+11712],{c90,c91}" + End + "st.shared.v2.f32 [x7+11744],{c94,c95}" + End;
    private const string StoreRow3 = "st.shared.v2.f32 [x7+13824],{c96,c97}" + End + "st.shared.v2.f32 [x7+13856],{c100,c101}" + End + "st.shared.v2.f32 [x7+13888],{c104,c105}" + End + "st.shared.v2.f32 [x7+13920],{c108,c109}" + End + "st.shared.v2.f32 [x7+13952],{c112,c113}" + End + "st.shared.v2.f32 [x7+13984],{c116,c117}" + End + "st.shared.v2.f32 [x7+14016],{c120,c121}" + End + "st.shared.v2.f32 [x7+14048],{c124,c125}" + End + "st.shared.v2.f32 [x7+16128],{c98,c99}" + End + "st.shared.v2.f32 [x7+16160],{c102,c103}" + End + "st.shared.v2.f32 [x7+16192],{c106,c107}" + End + "st.shared.v2.f32 [x7+16224],{c110,c111}" + End + "st.shared.v2.f32 [x7+16256],{c114,c115}" + End + "st.shared.v2.f32 [x7+16288],{c118,c119}" + End + "st.shared.v2.f32 [x7+16320],{c122,c123}" + End + "st.shared.v2.f32 [x7+16352],{c126,c127}" + End;
    private const string StoreRow4 = "st.shared.v2.f32 [x7+0],{c128,c129}" + End + "st.shared.v2.f32 [x7+32],{c132,c133}" + End + "st.shared.v2.f32 [x7+64],{c136,c137}" + End + "st.shared.v2.f32 [x7+96],{c140,c141}" + End + "st.shared.v2.f32 [x7+128],{c144,c145}" + End + "st.shared.v2.f32 [x7+160],{c148,c149}" + End + "st.shared.v2.f32 [x7+192],{c152,c153}" + End + "st.shared.v2.f32 [x7+224],{c156,c157}" + End + "st.shared.v2.f32 [x7+2304],{c130,c131}" + End + "st.shared.v2.f32 [x7+2336],{c134,c135}" + End + "st.shared.v2.f32 [x7+2368],{c138,c139}" + End + "st.shared.v2.f32 [x7+2400],{c142,c143}" + End + "st.shared.v2.f32 [x7+2432],{c146,c147}" + End + "st.shared.v2.f32 [x7+2464],{c150,c151}" + End + "st.shared.v2.f32 [x7+2496],{c154,c155}" + End + "st.shared.v2.f32 [x7+2528],{c158,c159}" + End;
    private const string StoreRow5 = "st.shared.v2.f32 [x7+4608],{c160,c161}" + End + "st.shared.v2.f32 [x7+4640],{c164,c165}" + End + "st.shared.v2.f32 [x7+4672],{c168,c169}" + End + "st.shared.v2.f32 [x7+4704],{c172,c173}" + End + "st.shared.v2.f32 [x7+4736],{c176,c177}" + End + "st.shared.v2.f32 [x7+4768],{c180,c181}" + End + "st.shared.v2.f32 [x7+4800],{c184,c185}" + End + "st.shared.v2.f32 [x7+4832],{c188,c189}" + End + "st.shared.v2.f32 [x7+6912],{c162,c163}" + End + "st.shared.v2.f32 [x7+6944],{c166,c167}" + End + "st.shared.v2.f32 [x7+6976],{c170,c171}" + End + "st.shared.v2.f32 [x7+7008],{c174,c175}" + End + "st.shared.v2.f32 [x7+7040],{c178,c179}" + End + "st.shared.v2.f32 [x7+7072],{c182,c183}" + End + "st.shared.v2.f32 [x7+7104],{c186,c187}" + End + "st.shared.v2.f32 [x7+7136],{c190,c191}" + End;

    /// <summary>Floats between two rows of stored accumulators.</summary>
    public const int StorePitch = 72;

    /// <summary>Bytes of 64 × 64 stored accumulators.</summary>
    public const int StoreBytes = 64 * StorePitch * 4;

    /// <summary>Rows 0 to 3 into shared memory at %0, to which the lane adds 4·(72·g + 2t).</summary>
    public const string Store = Place + StoreRow0 + StoreRow1 + StoreRow2 + StoreRow3;

    /// <summary>smem = the address of dynamic shared memory; what the texts below take as places in shared memory counts from there.</summary>
    public const string SharedBase = "mov.u32 smem,__dyn_shared_alloca;";

    /// <summary>Begins to copy 16 bytes from global memory at %1 to shared memory at %0; of them %2 are read, the others are zero.</summary>
    public const string Copy = Place + "cp.async.cg.shared.global [x7],[%1],16,%2;";

    /// <summary>Copies begun so far are one group.</summary>
    public const string Commit = "cp.async.commit_group;";

    /// <summary>Waits until at most one group of copies is under way.</summary>
    public const string WaitAllButOne = "cp.async.wait_group 1;";

    /// <summary>Waits until no group of copies is under way.</summary>
    public const string WaitAll = "cp.async.wait_group 0;";

    /// <summary>As <see cref="Copy"/>, for 2-byte elements at any even address, at once.</summary>
    public const string CopyElements =
        Place + "mov.b16 h0,0" + End + "setp.gt.s32 q0,%2,0" + End + "@q0 ld.global.b16 h0,[%1+0]" + End +
        "mov.b16 h1,0" + End + "setp.gt.s32 q1,%2,2" + End + "@q1 ld.global.b16 h1,[%1+2]" + End +
        "mov.b16 h2,0" + End + "setp.gt.s32 q2,%2,4" + End + "@q2 ld.global.b16 h2,[%1+4]" + End +
        "mov.b16 h3,0" + End + "setp.gt.s32 q3,%2,6" + End + "@q3 ld.global.b16 h3,[%1+6]" + End +
        "mov.b16 h4,0" + End + "setp.gt.s32 q4,%2,8" + End + "@q4 ld.global.b16 h4,[%1+8]" + End +
        "mov.b16 h5,0" + End + "setp.gt.s32 q5,%2,10" + End + "@q5 ld.global.b16 h5,[%1+10]" + End +
        "mov.b16 h6,0" + End + "setp.gt.s32 q6,%2,12" + End + "@q6 ld.global.b16 h6,[%1+12]" + End +
        "mov.b16 h7,0" + End + "setp.gt.s32 q7,%2,14" + End + "@q7 ld.global.b16 h7,[%1+14]" + End +
        "mov.b32 x0,{h0,h1}" + End + "mov.b32 x1,{h2,h3}" + End + "mov.b32 x2,{h4,h5}" + End + "mov.b32 x3,{h6,h7}" + End +
        "st.shared.v4.b32 [x7],{x0,x1,x2,x3};";

    /// <summary>As <see cref="Copy"/>, for 4-byte elements at any multiple of 4, at once.</summary>
    public const string CopyFloats =
        Place + "mov.b32 x0,0" + End + "setp.gt.s32 q0,%2,0" + End + "@q0 ld.global.b32 x0,[%1+0]" + End +
        "mov.b32 x1,0" + End + "setp.gt.s32 q1,%2,4" + End + "@q1 ld.global.b32 x1,[%1+4]" + End +
        "mov.b32 x2,0" + End + "setp.gt.s32 q2,%2,8" + End + "@q2 ld.global.b32 x2,[%1+8]" + End +
        "mov.b32 x3,0" + End + "setp.gt.s32 q3,%2,12" + End + "@q3 ld.global.b32 x3,[%1+12]" + End +
        "st.shared.v4.b32 [x7],{x0,x1,x2,x3};";
}
