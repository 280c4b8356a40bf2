using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>The tensor-core kernels are made of the instructions that they are there for, and keep nothing in local memory.</summary>
[TestFixture]
public sealed class TensorCoreCompilationTests
{
    [TestCase(typeof(TensorCoreProduct), "RowsRowsKernel", 128)]
    [TestCase(typeof(TensorCoreProduct), "RowsColumnsKernel", 128)]
    [TestCase(typeof(TensorCoreProduct), "ColumnsColumnsKernel", 128)]
    [TestCase(typeof(TensorCoreProduct), "RowsRowsTf32Kernel", 128)]
    [TestCase(typeof(TensorCoreProduct), "RowsColumnsTf32Kernel", 128)]
    [TestCase(typeof(TensorCoreProduct), "ColumnsColumnsTf32Kernel", 128)]
    [TestCase(typeof(TensorCoreAttention), "Forward64Kernel", 64)]
    [TestCase(typeof(TensorCoreAttention), "Forward128Kernel", 128)]
    [TestCase(typeof(TensorCoreAttention), "Keys64Kernel", 128)]
    [TestCase(typeof(TensorCoreAttention), "Queries64Kernel", 96)]
    public void Kernels_consist_of_tensor_core_instructions(Type type, string name, int products)
    {
        string text = CudaText.Of(type, name);
        var code = PtxKernel.Parse(text).Code;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(code.Count(i => i.Name == "mma"), Is.EqualTo(products));
            // float32 cannot be transposed by ldmatrix: where both operands lie by columns, all fragments are loads of 32 bits.
            if (name == "ColumnsColumnsTf32Kernel") Assert.That(code.Count(i => i.Name == "ld" && i.Has("shared") && i.Has("b32")), Is.EqualTo(5 * 32));
            else Assert.That(code.Count(i => i.Name == "ldmatrix"), Is.Positive);
            if (name.Contains("Tf32", StringComparison.Ordinal)) Assert.That(code.Where(i => i.Name == "mma"), Is.All.Matches<PtxInstruction>(i => i!.Has("tf32")));
            Assert.That(code.Count(i => i.Name == "cp" && i.Has("cg")), Is.Positive);
            Assert.That(code.Count(i => i.Name == "ld" && i.Has("shared") && i.Has("v4")), Is.Positive);
            Assert.That(code.Count(i => i.Name == "st" && i.Has("v4")), Is.Positive);
            Assert.That(text, Does.Not.Contain(".local"));
        }
    }

    [Test]
    public void Shared_memory_is_what_devices_have()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TensorCoreProduct.SharedBytes(128), Is.EqualTo(96 << 10));
            Assert.That(TensorCoreProduct.SharedBytes(256), Is.EqualTo(144 << 10));
            Assert.That(TensorCoreAttention.ForwardBytes(64), Is.EqualTo(32 << 10));
            Assert.That(TensorCoreAttention.BackwardBytes(64), Is.EqualTo((64 << 10) + 1024));
            Assert.That(TensorCoreAttention.BackwardBytes(128), Is.EqualTo((128 << 10) + 1024));
        }
    }
}
