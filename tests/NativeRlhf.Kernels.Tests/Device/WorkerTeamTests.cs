using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Device;

public class WorkerTeamTests
{
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(8)]
    public void Every_index_runs_exactly_once(int threads)
    {
        using var team = new WorkerTeam(threads);
        Assert.That(team.Threads, Is.EqualTo(threads));
        foreach (int count in new[] { 0, 1, 2, 3, 100, 10_000 })
        {
            var runs = new int[count];
            team.For(count, new CountRuns(runs));
            Assert.That(runs, Is.All.EqualTo(1));
        }
    }

    [Test]
    public void Workers_have_numbers_and_scratch_memory_of_their_own()
    {
        using var team = new WorkerTeam(3);
        var intact = new bool[2000];
        team.For(intact.Length, new UseScratch(team, intact));
        Assert.That(intact, Is.All.True);
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void An_exception_reaches_the_caller_and_the_team_goes_on(int threads)
    {
        using var team = new WorkerTeam(threads);
        for (int round = 0; round < 50; round++)
        {
            Assert.That(() => team.For(100, new Throw(At: 37)), Throws.InvalidOperationException.With.Message.EqualTo("item 37"));
            var runs = new int[100];
            team.For(100, new CountRuns(runs));
            Assert.That(runs, Is.All.EqualTo(1));
        }
    }

    [Test]
    public void An_exception_in_the_only_item_looks_the_same()
    {
        using var team = new WorkerTeam(2);
        Assert.That(() => team.For(1, new Throw(At: 0)), Throws.InvalidOperationException.With.Message.EqualTo("item 0"));
    }

    [TestCase(2)]
    [TestCase(3)]
    public void Many_tiny_loops_finish(int threads)
    {
        using var team = new WorkerTeam(threads);
        var totals = new int[4];
        for (int i = 0; i < 100_000; i++) team.For(4, new CountRuns(totals));
        Assert.That(totals, Is.All.EqualTo(100_000));
    }

    [Test]
    public void Loops_after_sleep_finish()
    {
        // Pauses longer than the workers' polling, so that they sleep between loops and have to be woken.
        using var team = new WorkerTeam(4);
        var totals = new int[16];
        for (int i = 0; i < 2000; i++)
        {
            team.For(16, new CountRuns(totals));
            Thread.SpinWait(i % 7 * 1000);
        }

        Assert.That(totals, Is.All.EqualTo(2000));
    }

    [TestCase(2)]
    [TestCase(3)]
    public void The_share_of_a_thread_that_is_held_up_is_done_by_others(int threads)
    {
        using var team = new WorkerTeam(threads);
        using var others = new CountdownEvent(19);
        var isDone = new bool[1];
        team.For(20, new WaitForOthers(others, isDone));
        Assert.That(isDone[0], Is.True, "item 0 saw all others end before it");
    }

    [TestCase(int.MaxValue - 9u)]
    [TestCase(uint.MaxValue - 9u)]
    public void Workers_still_help_when_the_count_of_loops_begins_anew(uint turns)
    {
        // Two items that wait for each other: one thread alone ends neither.
        using var team = new WorkerTeam(2, turns);
        for (int loop = 0; loop < 20; loop++)
        {
            using var others = new CountdownEvent(1);
            var isDone = new bool[1];
            team.For(2, new WaitForOthers(others, isDone));
            Assert.That(isDone[0], Is.True, $"loop {loop}: item 1 was done while item 0 waited for it");
        }
    }

    [Test]
    public void Callers_take_turns()
    {
        using var team = new WorkerTeam(2);
        var totals = new int[8];
        Thread[] callers = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 500; i++) team.For(8, new CountRuns(totals));
        }))];
        foreach (var caller in callers) caller.Start();
        foreach (var caller in callers) caller.Join();
        Assert.That(totals, Is.All.EqualTo(1500));
    }

    [Test]
    public void Disposing_ends_the_threads_and_may_be_repeated()
    {
        var team = new WorkerTeam(4);
        team.For(100, new CountRuns(new int[100]));
        team.Dispose();
        Assert.That(team.Dispose, Throws.Nothing);
    }

    [Test]
    public void A_team_needs_a_thread() => Assert.That(() => new WorkerTeam(0), Throws.InstanceOf<ArgumentOutOfRangeException>());

    private readonly record struct CountRuns(int[] Runs) : IParallelBody
    {
        public void Run(int index, int worker) => Interlocked.Increment(ref Runs[index]);
    }

    private readonly record struct Throw(int At) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            if (index == At) throw new InvalidOperationException($"item {index}");
        }
    }

    /// <summary>Item 0 ends after all others, or after a time in which nobody did them.</summary>
    private readonly record struct WaitForOthers(CountdownEvent Others, bool[] IsDone) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            if (index == 0) IsDone[0] = Others.Wait(TimeSpan.FromSeconds(30));
            else Others.Signal();
        }
    }

    private readonly record struct UseScratch(WorkerTeam Team, bool[] Intact) : IParallelBody
    {
        public unsafe void Run(int index, int worker)
        {
            int length = 16 + (index % 100);
            float* memory = Team.Scratch(worker, length);
            for (int i = 0; i < length; i++) memory[i] = index;
            Thread.SpinWait(50);
            bool intact = worker >= 0 && worker < Team.Threads && (nint)memory % 64 == 0;
            for (int i = 0; i < length; i++) intact &= memory[i] == index;
            Intact[index] = intact;
        }
    }
}
