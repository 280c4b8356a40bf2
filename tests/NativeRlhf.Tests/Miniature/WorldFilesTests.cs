using System.Text.Json;
using NativeRlhf.Data;
using NativeRlhf.Miniature;
using NativeRlhf.Tests.Tokenization;
using Split = NativeRlhf.Miniature.Split;

namespace NativeRlhf.Tests.Miniature;

public sealed class WorldFilesTests
{
    private static readonly WorldFileOptions Small = new()
    {
        PretrainingTokens = 20_000,
        Demonstrations = 200,
        Prompts = 300,
        TestPrompts = 200,
        ProbePrompts = 40,
        FewShotItems = 20,
    };

    private static readonly IReadOnlyDictionary<string, string> Files = Content(42, Small);

    [Test]
    public void The_same_seed_gives_the_same_bytes_and_another_seed_other_files()
    {
        IReadOnlyDictionary<string, string> again = Content(42, Small), other = Content(43, Small);
        Assert.Multiple(() =>
        {
            Assert.That(again, Is.EqualTo(Files));
            foreach ((string name, string text) in Files)
            {
                if (name == "facts.json") Assert.That(other[name], Is.EqualTo(text), "the facts are the same for every seed");
                else Assert.That(other[name], Is.Not.EqualTo(text), name);
            }
        });
    }

    [Test]
    public void Every_file_is_there_with_its_rows()
    {
        Dictionary<string, int> rows = new()
        {
            ["demonstrations.jsonl"] = 200,
            ["prompts.jsonl"] = 300,
            ["test-prompts.jsonl"] = 200,
            ["validation-prompts.jsonl"] = 40,
            ["held-out-phrasings.jsonl"] = 40,
            ["held-out-facts.jsonl"] = 40,
            ["held-out-kind.jsonl"] = 40,
            ["provoking-none.jsonl"] = 40,
            ["provoking-respectful.jsonl"] = 40,
            ["provoking-rude.jsonl"] = 40,
            ["misconceptions.jsonl"] = 40,
            ["few-shot-tasks.jsonl"] = 80,
        };
        Assert.Multiple(() =>
        {
            Assert.That(Files.Keys, Is.EquivalentTo(rows.Keys.Append("facts.json").Append("web.jsonl").Append("web-held-out.jsonl")));
            foreach ((string name, int count) in rows) Assert.That(Lines(name), Has.Length.EqualTo(count), name);
            Assert.That(Content(42, Small with { HeldOutKind = null }).Keys, Does.Not.Contain("held-out-kind.jsonl"));
            Assert.That(Files.Values, Has.All.EndsWith("\n"));
        });
    }

    /// <summary>What the trainers read them with.</summary>
    [Test]
    public void The_trainers_read_the_files()
    {
        using var folder = new TemporaryFolder();
        foreach ((string name, string text) in Files) File.WriteAllText(folder.File(name), text);
        Assert.Multiple(() =>
        {
            Assert.That(RowReader.Documents(folder.File("web.jsonl")).Count(), Is.EqualTo(Lines("web.jsonl").Length));
            Assert.That(RowReader.Demonstrations(folder.File("demonstrations.jsonl")).Count(), Is.EqualTo(200));
            Assert.That(RowReader.Demonstrations(folder.File("few-shot-tasks.jsonl")).Count(), Is.EqualTo(80));
            foreach (string name in Files.Keys.Where(name => name.Contains("prompts", StringComparison.Ordinal) || name.Contains("provoking", StringComparison.Ordinal)))
            {
                Assert.That(RowReader.Prompts(folder.File(name)).Count(), Is.EqualTo(Lines(name).Length));
            }
        });
    }

    [Test]
    public void Training_has_no_user_no_prompt_and_nothing_held_out_of_the_tests()
    {
        Instruction[] training = [.. Rows("demonstrations.jsonl").Concat(Rows("prompts.jsonl"))];
        string[] tests =
        [
            "validation-prompts.jsonl", "test-prompts.jsonl", "held-out-phrasings.jsonl", "held-out-facts.jsonl", "held-out-kind.jsonl",
            "provoking-none.jsonl", "provoking-respectful.jsonl", "provoking-rude.jsonl", "misconceptions.jsonl",
        ];
        var world = new World();
        Instruction[] tested = [.. tests.SelectMany(Rows)];
        Assert.Multiple(() =>
        {
            Assert.That(training.Select(i => i.User).Intersect(tested.Select(i => i.User)), Is.Empty);
            Assert.That(training.Select(i => i.Prompt).Intersect(tested.Select(i => i.Prompt)), Is.Empty);
            Assert.That(training.Select(i => i.Kind), Does.Not.Contain(InstructionKind.Extraction));
            Assert.That(Rows("held-out-kind.jsonl").Select(i => i.Kind), Has.All.EqualTo(InstructionKind.Extraction));
            Assert.That(Rows("held-out-facts.jsonl").All(i => world.IsHeldOut(i.Intent.Topic)));
            Assert.That(training, Has.All.Matches<Instruction>(i => i is { Split: Split.Train, HeldOut: HeldOut.None }));
            Assert.That(Rows("demonstrations.jsonl").Select(i => i.Prompt), Is.EqualTo(Rows("prompts.jsonl").Take(200).Select(i => i.Prompt)));
        });
    }

    [Test]
    public void A_prompt_that_comes_again_is_answered_anew()
    {
        string[][] again = [.. Content(42, Small with { Demonstrations = 3000 })["demonstrations.jsonl"].TrimEnd('\n').Split('\n')
            .GroupBy(row => Instruction.FromRow(row).Prompt).Select(rows => rows.ToArray()).Where(rows => rows.Length >= 4)];
        Assert.That(again, Has.Length.GreaterThan(20));
        Assert.That(again.Average(rows => rows.Distinct(StringComparer.Ordinal).Count()), Is.GreaterThan(2), "different answers to a prompt; some have but one good one");
    }

    [Test]
    public void Facts_and_misconceptions_are_those_of_the_world()
    {
        var world = new World();
        using var facts = JsonDocument.Parse(Files["facts.json"]);
        JsonElement[] triples = [.. facts.RootElement.GetProperty("facts").EnumerateArray()];
        using var question = JsonDocument.Parse(Lines("misconceptions.jsonl")[0]);
        Assert.Multiple(() =>
        {
            Assert.That(triples.Select(Read).All(world.IsTrue));
            Assert.That(triples.Select(Read), Does.Contain(new Claim(Relation.Diet, "dog", "meat")));
            Assert.That(triples.Select(Read), Is.Unique);
            Assert.That(facts.RootElement.GetProperty("misconceptions").GetArrayLength(), Is.EqualTo(world.Misconceptions.Count));
            Assert.That(IsTrue(question.RootElement.GetProperty("truth").GetString()!), Is.True);
            Assert.That(IsTrue(question.RootElement.GetProperty("falsehood").GetString()!), Is.False);
        });

        static Claim Read(JsonElement triple) => new(
            Enum.Parse<Relation>(triple.GetProperty("relation").GetString()!), triple.GetProperty("subject").GetString()!, triple.GetProperty("value").GetString()!);

        bool IsTrue(string sentence) => world.TryReadStatement(sentence.TrimEnd('.'), out IReadOnlyList<Claim>? claims) && claims!.All(world.IsTrue);
    }

    private static Dictionary<string, string> Content(long seed, WorldFileOptions options) =>
        new WorldFiles(new World(seed), options).All.ToDictionary(file => file.Name, file => file.Content().Text);

    private static string[] Lines(string name) => Files[name].TrimEnd('\n').Split('\n');

    private static IEnumerable<Instruction> Rows(string name) => Lines(name).Select(Instruction.FromRow);
}
