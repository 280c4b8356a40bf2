using System.Reflection;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Kernels.Tests.Legality;

namespace NativeRlhf.Kernels.Tests.Device;

/// <summary>While a watch is on, the first output that is not finite is named.</summary>
public class WatchTests
{
    /// <summary>All functions of all ops but sampling, which writes tokens.</summary>
    private static IEnumerable<MethodInfo> Functions =>
        typeof(MatMul).Assembly.GetTypes()
            .Where(type => type.IsAbstract && !type.IsSealed && type.Namespace == typeof(MatMul).Namespace && type != typeof(Sampling))
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(method => Calls(method).Any(called => called.Name.EndsWith("Core", StringComparison.Ordinal)));

    [Test]
    public void EveryFunctionOfEveryOpReportsWhatItWrites()
    {
        Assert.That(Functions.Count(), Is.GreaterThan(20));
        Assert.Multiple(() =>
        {
            foreach (var method in Functions)
                Assert.That(Calls(method).Any(called => called.DeclaringType == typeof(Watch)), $"{method.DeclaringType!.Name}.{method.Name} reports nothing");
        });
    }

    [Test]
    public void TheFirstOneIsNamed()
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });
        using var arena = device.AllocateArena(1024);
        Tensor x = arena.Take(2, 3, "the input"), weight = arena.Take(3, 4, "h.7.weight"), y = arena.Take(5, 4, "the output"), unnamed = arena.Take(2, 4);
        device.Upload(x, [1, 1, 1, 1, 3e38f, 1]);
        device.Kernels.Elementwise.Fill(weight, 2);
        using (Watch.Begin(device))
        {
            Assert.That(Watch.IsOn);
            Assert.That(
                () => device.Kernels.MatMul.Forward(y.Slice(2, 2), x, weight),
                Throws.TypeOf<NonFiniteException>().With.Message.EqualTo("MatMul.Forward at h.7.weight wrote Infinity to y = the output (2, 4), row 1, column 0"));
            Assert.That(() => device.Kernels.MatMul.Forward(unnamed, x, weight), Throws.TypeOf<NonFiniteException>().With.Message.EndsWith("wrote Infinity to y (2, 4), row 1, column 0"));
            Assert.That(() => Watch.Begin(device), Throws.InvalidOperationException);
            Assert.That(() => device.Kernels.MatMul.Forward(y.Slice(0, 1), x.Slice(0, 1), weight), Throws.Nothing);
        }

        Assert.That(Watch.IsOn, Is.False);
        Assert.That(() => device.Kernels.MatMul.Forward(y.Slice(2, 2), x, weight), Throws.Nothing);
        arena.Reset();
        Assert.That(device.NameOf(x), Is.Null);
    }

    private static IEnumerable<MethodBase> Calls(MethodInfo method) => IlReader.Read(method).Select(instruction => instruction.Operand).OfType<MethodBase>();
}
