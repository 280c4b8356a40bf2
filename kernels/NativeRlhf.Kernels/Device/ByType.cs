namespace NativeRlhf.Kernels.Device;

/// <summary>One thing for each type of storage, a kernel's launcher above all, made when it is first asked for.</summary>
/// <param name="float32">Makes that of float32.</param>
/// <param name="bfloat16">Makes that of bfloat16.</param>
internal sealed class ByType<T>(Func<T> float32, Func<T> bfloat16)
    where T : class
{
    private T? _float32, _bfloat16;

    public T this[ElementType type] => type == ElementType.BFloat16 ? _bfloat16 ??= bfloat16() : _float32 ??= float32();
}
