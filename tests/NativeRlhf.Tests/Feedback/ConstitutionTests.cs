using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Feedback;

namespace NativeRlhf.Tests.Feedback;

public class ConstitutionTests
{
    [Test]
    public void TheRecipesAreReadable()
    {
        var constitution = Constitution.Load(TestFiles.Repository("recipes/constitutional/constitution.json"));
        Assert.That(constitution.ForRevision, Has.Count.EqualTo(4));
        Assert.That(constitution.ForJudge, Has.Count.EqualTo(4));
        var plan = ConfigurationLoader.Load<IterationPlan>(TestFiles.Repository("recipes/constitutional/plan.json"), ["ppo.klCoef=0.2", "sampling.topP=0.9", "judge=rule:words"]);
        Assert.That(plan.Ppo!.KlCoef, Is.EqualTo(0.2));
        Assert.That(plan.Sampling.TopP, Is.EqualTo(0.9));
        Assert.That(plan.Judge, Is.EqualTo(new[] { "rule:words" }));
        var json = ConfigurationLoader.ToJson(plan);
        Assert.That((double)json["ppo"]!["klCoef"]!, Is.EqualTo(0.2));
        Assert.That(json["raft"], Is.Null);
    }

    [TestCase("{a}-{b}", "1-{a}")]
    [TestCase("{{a}} {c} {", "{1} {c} {")]
    [TestCase("}{a", "}{a")]
    [TestCase("", "")]
    public void ValuesAreTextEvenIfTheyLookLikePlaces(string template, string expected) =>
        Assert.That(Constitution.Fill(template, ("a", "1"), ("b", "{a}")), Is.EqualTo(expected));

    [Test]
    public void EveryRevisionFollowsTheOneBefore()
    {
        var constitution = new Constitution
        {
            Principles = [new Principle { Name = "x", Critique = "cx", Revision = "rx" }, new Principle { Name = "y", Revision = "ry" }, new Principle { Name = "j", Judge = "?" }],
        };
        DraftAnswer[] drafts = [.. Enumerable.Range(0, 20).Select(i => new DraftAnswer($"p{i}", $"a{i}", new RowPlace("f", i + 1)))];
        using var writer = new Echo();
        var revisions = ConstitutionalRevision.Revise(constitution, drafts, 4, writer, writer, seed: 3);
        for (int i = 0; i < drafts.Length; i++)
        {
            Assert.That(revisions[i].Select(revision => revision.Principle).Order(), Is.EqualTo(new[] { "x", "x", "y", "y" }), "each principle has its share");
            string now = drafts[i].Text;
            foreach (var revision in revisions[i])
            {
                Assert.That(revision.Critique, Is.EqualTo(revision.Principle == "x" ? $"[{now} cx]" : null));
                now = revision.Principle == "x" ? $"{now}[{now} cx]" : now;
                Assert.That(revision.Text, Is.EqualTo(now), "an empty revision leaves the answer as it was");
            }
        }

        Assert.That(writer.Streams, Is.Unique);
    }

    /// <summary>Criticises by repeating what it is asked, revises by adding the critique, and has nothing to say without one.</summary>
    private sealed class Echo : IWriter
    {
        public List<uint> Streams { get; } = [];

        public string[] Write(IReadOnlyList<WritingRequest> requests, uint firstStream = 0, CancellationToken cancel = default)
        {
            Streams.AddRange(requests.Select((_, i) => firstStream + (uint)i));
            return [.. requests.Select(request => request.Task == ConstitutionalRevision.CritiqueTask ? $"[{request.Completion} {request.Request}]" : request.Critique is { } critique ? request.Completion + critique : "")];
        }

        public void Dispose()
        {
        }
    }
}
