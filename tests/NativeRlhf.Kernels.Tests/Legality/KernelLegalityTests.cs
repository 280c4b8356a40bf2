using System.Reflection;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Verification.Compilation;

namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>The walk finds what kernels must not do, and only that.</summary>
[TestFixture]
public sealed class KernelLegalityTests
{
    private static IEnumerable<TestCaseData> Illegal() =>
        from method in typeof(IllegalKernels).GetMethods(BindingFlags.Public | BindingFlags.Static)
        let kernel = method.GetCustomAttribute<KernelAttribute>()
        where kernel is not null
        select new TestCaseData(method, kernel.Grouping).SetArgDisplayNames(method.Name);

    private static IEnumerable<TestCaseData> Legal() =>
        from kernel in MarkedKernels.In(typeof(LegalKernels).Assembly)
        where kernel.Method.DeclaringType == typeof(LegalKernels)
        select new TestCaseData(kernel.Method, kernel.Grouping).SetArgDisplayNames(KernelDiscovery.Name(kernel.Method));

    [TestCaseSource(nameof(Illegal))]
    public void Illegal_kernel_is_rejected_for_its_reason(MethodInfo kernel, Grouping grouping)
    {
        IReadOnlyList<KernelViolation> violations = KernelLegality.Check(kernel, grouping);
        KernelRule expected = kernel.GetCustomAttribute<BreaksAttribute>()!.Rule;
        Assert.That(violations.Select(violation => violation.Rule), Has.Some.EqualTo(expected), string.Join("\n", violations));
    }

    [TestCaseSource(nameof(Legal))]
    public void Legal_kernel_passes(MethodInfo kernel, Grouping grouping) =>
        Assert.That(KernelLegality.Check(kernel, grouping).Select(violation => violation.ToString()), Is.Empty);

    [Test]
    public void Every_rule_has_a_kernel_that_breaks_it()
    {
        IEnumerable<KernelRule> broken = typeof(IllegalKernels).GetMethods()
            .Select(method => method.GetCustomAttribute<BreaksAttribute>()?.Rule)
            .OfType<KernelRule>()
            .Distinct();
        Assert.That(broken, Is.EquivalentTo(Enum.GetValues<KernelRule>()));
    }

    [Test]
    public void Violation_names_kernel_callees_and_place()
    {
        MethodInfo kernel = typeof(IllegalKernels).GetMethod(nameof(IllegalKernels.RecursesTogether))!;
        KernelViolation violation = KernelLegality.Check(kernel, Grouping.Implicit).Single();
        Assert.That(
            violation.ToString(),
            Does.Match(@"^kernel IllegalKernels\.RecursesTogether → IllegalKernels\.Even → IllegalKernels\.Odd, IL_[0-9a-f]{4}: Recursion: IllegalKernels\.Even$"));
    }

    [Test]
    public void Loads_of_unmarked_methods_are_seen()
    {
        (MethodBase loader, MethodBase? kernel, Grouping grouping) =
            KernelDiscovery.Loaded(typeof(KernelLegalityTests).Assembly).First(load => load.Loader.Name == "Groups_and_members_know_their_place");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(loader.DeclaringType, Is.EqualTo(typeof(StandIn.GroupKernelTests)));
            Assert.That(kernel?.Name, Is.EqualTo("Indices"));
            Assert.That(grouping, Is.EqualTo(Grouping.Explicit));
        }
    }
}
