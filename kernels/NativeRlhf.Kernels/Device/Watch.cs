using System.Globalization;
using System.Runtime.CompilerServices;

namespace NativeRlhf.Kernels.Device;

/// <summary>A value is not finite where only finite ones make sense.</summary>
/// <param name="message">What is not finite, and where.</param>
public sealed class NonFiniteException(string message) : ArithmeticException(message);

/// <summary>
/// While a watch is on, the outputs of every op that this thread calls are looked through, and the first value that is not finite is a
/// <see cref="NonFiniteException"/> that names the op, the tensor, its row and column. It is slow, and meant for the replay of a
/// computation that has gone wrong. While none is on it costs an op one test.
/// </summary>
public sealed class Watch : IDisposable
{
    [ThreadStatic]
    private static Watch? _current;

    private readonly ComputeDevice _device;
    private float[] _host = [];

    private Watch(ComputeDevice device) => _device = device;

    /// <summary>Whether this thread's ops are watched.</summary>
    public static bool IsOn => _current is not null;

    /// <summary>Begins to watch the ops that this thread calls, until the watch is disposed.</summary>
    /// <param name="device">The device that the ops run on.</param>
    /// <returns>The watch.</returns>
    /// <exception cref="InvalidOperationException">This thread is watched already.</exception>
    public static Watch Begin(ComputeDevice device) =>
        _current is null ? _current = new Watch(device) : throw new InvalidOperationException("the ops of this thread are watched already");

    /// <summary>Ends the watch.</summary>
    public void Dispose() => _current = null;

    /// <summary>Looks through what an op has written.</summary>
    /// <param name="op">The op.</param>
    /// <param name="tensor">An output; it may be left out.</param>
    /// <param name="of">An operand whose name says where in a model the op is: the weight, say.</param>
    /// <param name="name">The output's name in the op.</param>
    /// <param name="method">The op's method.</param>
    internal static void Output(
        string op, Tensor tensor, Tensor of = default, [CallerArgumentExpression(nameof(tensor))] string name = "", [CallerMemberName] string method = "")
    {
        if (_current is { } watch) watch.Check($"{op}.{method}", tensor, of, name);
    }

    private void Check(string op, Tensor tensor, Tensor of, string operand)
    {
        int length = checked((int)tensor.Length);
        if (_host.Length < length) _host = new float[length];
        _device.Download(tensor, _host.AsSpan(0, length));
        for (int i = 0; i < length; i++)
        {
            if (float.IsFinite(_host[i])) continue;
            string where = _device.NameOf(of) is { } place ? $" at {place}" : "", name = _device.NameOf(tensor) is { } known ? $"{operand} = {known}" : operand;
            throw new NonFiniteException(string.Create(
                CultureInfo.InvariantCulture, $"{op}{where} wrote {_host[i]} to {name} {tensor}, row {i / tensor.Cols}, column {i % tensor.Cols}"));
        }
    }
}
