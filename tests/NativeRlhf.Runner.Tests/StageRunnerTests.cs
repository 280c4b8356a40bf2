using System.Text.Json.Nodes;
using NativeRlhf.Runner.Reproduction;

namespace NativeRlhf.Runner.Tests;

/// <summary>A plan of stages: what runs, what does not run again, and what is left when a stage fails.</summary>
[TestFixture]
public sealed class StageRunnerTests
{
    private readonly List<string> _ran = [];
    private string _folder = null!;

    [SetUp]
    public void MakeFolder()
    {
        _folder = Directory.CreateTempSubdirectory("nativerlhf-").FullName;
        _ran.Clear();
    }

    [TearDown]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void EveryStageRunsOnce()
    {
        Assert.That(Run(Plan()), Is.EqualTo(4));
        Assert.That(_ran, Is.EqualTo(["world", "small/sft", "small/ppo", "study"]));
        Assert.That(File.ReadAllText(Path.Combine(_folder, "small/ppo/result")), Is.EqualTo("small/ppo"));

        _ran.Clear();
        Assert.That(Run(Plan()), Is.Zero);
        Assert.That(_ran, Is.Empty);
    }

    [Test]
    public void AChangedSettingRunsWhatDependsOnItAgain()
    {
        Run(Plan());
        _ran.Clear();
        Run(Plan(ppo: 2));
        Assert.That(_ran, Is.EqualTo(["small/ppo", "study"]));

        _ran.Clear();
        Run(Plan(sft: 2, ppo: 2));
        Assert.That(_ran, Is.EqualTo(["small/sft", "small/ppo", "study"]));

        _ran.Clear();
        Run(Plan(sft: 2, ppo: 2, studyVersion: 2));
        Assert.That(_ran, Is.EqualTo(["study"]), "another version of the code");
    }

    [Test]
    public void AnotherSeedReplacesNothing()
    {
        Run(Plan());
        _ran.Clear();
        Assert.That(() => Run(Plan(), seed: 7), Throws.TypeOf<InputException>().With.Message.Match("world: was made with --seed 1 .* --out"));
        Assert.That(_ran, Is.Empty);
    }

    [Test]
    public void AFailureLeavesWhatWasDoneAndNothingHalf()
    {
        Assert.That(() => Run(Plan(fails: "small/ppo")), Throws.TypeOf<InvalidOperationException>());
        Assert.That(Directory.Exists(Path.Combine(_folder, "small/ppo")), Is.False);

        _ran.Clear();
        Run(Plan());
        Assert.That(_ran, Is.EqualTo(["small/ppo", "study"]));
        Assert.That(Directory.EnumerateFileSystemEntries(Path.Combine(_folder, ".partial")), Is.Empty);
    }

    [Test]
    public void AnInterruptedStageFindsWhatItLeft()
    {
        bool found = false;
        var stage = Stage("long", 1, [], into =>
        {
            string checkpoint = Path.Combine(into, "checkpoint");
            found = File.Exists(checkpoint);
            File.WriteAllText(checkpoint, "half");
            if (!found) throw new OperationCanceledException();
        });
        Assert.That(() => Run([stage]), Throws.TypeOf<OperationCanceledException>());
        Run([stage]);
        Assert.That(found);
    }

    [Test]
    public void WhatAnotherSettingLeftIsNotContinued()
    {
        bool found = true;
        Assert.That(() => Run([Stage("long", 1, [], into =>
        {
            File.WriteAllText(Path.Combine(into, "checkpoint"), "half");
            throw new OperationCanceledException();
        })]), Throws.TypeOf<OperationCanceledException>());
        Run([Stage("long", 2, [], into => found = File.Exists(Path.Combine(into, "checkpoint")))]);
        Assert.That(found, Is.False);
    }

    [Test]
    public void AResultThatWasOnlyToBeMovedIsNotMadeAgain()
    {
        // As if the process had been killed between the end of the stage and the move.
        Run(Plan());
        Directory.Move(Path.Combine(_folder, "small/ppo"), Path.Combine(_folder, ".partial/small-ppo"));
        _ran.Clear();
        Run(Plan());
        Assert.That(_ran, Is.Empty);
        Assert.That(File.Exists(Path.Combine(_folder, "small/ppo/result")));
    }

    [TestCase("{ \"key\": ")]
    [TestCase("{ \"key\": 5 }")]
    [TestCase("{}")]
    [TestCase("[]")]
    public void ADamagedResultIsMadeAgain(string text)
    {
        Run(Plan());
        File.WriteAllText(Path.Combine(_folder, "small/sft", StageRunner.FileName), text);
        _ran.Clear();
        Run(Plan());
        Assert.That(_ran, Is.EqualTo(["small/sft"]), "its key is what it was, and so are those of the others");
    }

    [Test]
    public void KeysTellStagesApart()
    {
        var world = Stage("world", 1, [], _ => { });
        string key = Stage("a", 1, [world], _ => { }).Key(1);
        Assert.Multiple(() =>
        {
            Assert.That(Stage("a", 1, [world], _ => { }).Key(1), Is.EqualTo(key));
            Assert.That(Stage("a", 1, [world], _ => { }).Key(2), Is.Not.EqualTo(key), "seed");
            Assert.That(Stage("a", 2, [world], _ => { }).Key(1), Is.Not.EqualTo(key), "settings");
            Assert.That(Stage("b", 1, [world], _ => { }).Key(1), Is.Not.EqualTo(key), "name");
            Assert.That((Stage("a", 1, [world], _ => { }) with { Version = 2 }).Key(1), Is.Not.EqualTo(key), "version");
            Assert.That(Stage("a", 1, [world with { Version = 2 }], _ => { }).Key(1), Is.Not.EqualTo(key), "version of an input");
        });
    }

    [Test]
    public void OneProcessAtATime()
    {
        string? message = null;
        Run([Stage("outer", 1, [], _ => message = Assert.Throws<InputException>(() => Run(Plan()))!.Message)]);
        Assert.That(message, Does.Contain("another process"));
    }

    [Test]
    public void EveryStageHasALineAndTheTimeLeftIsCalibrated()
    {
        List<string> lines = [];
        using var runner = new StageRunner(_folder, 1, lines.Add, default);
        runner.Run(Plan());
        Assert.That(lines, Has.Count.EqualTo(4));
        Assert.That(lines[2], Does.StartWith("[ 3/4] small/ppo").And.Match(@"\d\.\d s   elapsed \d\d:\d\d:\d\d   ETA \d\d:\d\d:\d\d$"));
        // The estimate of a stage is proportional to its cost among those of a kind.
        var ppo = Stage("large/ppo", 1, [], _ => { });
        Assert.That(runner.Estimate(ppo with { Cost = 20 }), Is.EqualTo(2 * runner.Estimate(ppo with { Cost = 10 })).Within(1e-12).And.GreaterThan(0));
    }

    private int Run(IReadOnlyList<Stage> stages, ulong seed = 1)
    {
        using var runner = new StageRunner(_folder, seed, _ => { }, default);
        return runner.Run(stages);
    }

    private Stage[] Plan(int sft = 1, int ppo = 1, int studyVersion = 1, string? fails = null)
    {
        var world = Make("world", 1, []);
        var tuned = Make("small/sft", sft, [world]);
        var policy = Make("small/ppo", ppo, [tuned, world]);
        return [world, tuned, policy, Make("study", 1, [policy]) with { Version = studyVersion }];

        Stage Make(string name, int setting, Stage[] inputs) => Stage(name, setting, inputs, into =>
        {
            _ran.Add(name);
            if (name == fails) throw new InvalidOperationException();
            foreach (var input in inputs) Assert.That(File.Exists(Path.Combine(_folder, input.Name, "result")), $"{name} reads {input.Name}");
            File.WriteAllText(Path.Combine(into, "result"), name);
        });
    }

    private static Stage Stage(string name, int setting, Stage[] inputs, Action<string> run) => new()
    {
        Name = name,
        Settings = new JsonObject { ["setting"] = setting },
        Inputs = inputs,
        Cost = 10,
        Run = run,
    };
}
