using NativeRlhf.Miniature;

namespace NativeRlhf.Tests.Miniature;

public sealed class WorldTests
{
    [Test]
    public void The_same_seed_gives_the_same_texts_on_every_machine()
    {
        var world = new World(42);
        ulong web = WorldRandom.Hash(string.Concat(world.WebDocuments(Split.Train, 5000)));
        Demonstrator demonstrator = new(world);
        ulong demonstrations = WorldRandom.Hash(string.Concat(
            new Instructions(world).Sample(100, Split.Train).Select(i => i.ToDemonstrationRow(demonstrator.Answer(i)))));
        Assert.Multiple(() =>
        {
            Assert.That(web, Is.EqualTo(5898302950325066288UL));
            Assert.That(demonstrations, Is.EqualTo(5818782761591932536UL));
            Assert.That(string.Concat(new World(43).WebDocuments(Split.Train, 5000)),
                Is.Not.EqualTo(string.Concat(world.WebDocuments(Split.Train, 5000))));
        });
    }

    [Test]
    public void A_smaller_world_is_part_of_a_larger_one()
    {
        var small = new World(1, WorldSize.Demo);
        var large = new World(2, WorldSize.Full);
        foreach (Relation relation in Enum.GetValues<Relation>())
        {
            foreach (string subject in small.Subjects(relation))
            {
                Assert.That(small.TrueValues(relation, subject), Is.SubsetOf(large.TrueValues(relation, subject)), $"{relation} {subject}");
            }
        }

        Assert.That(large.Animals, Has.Count.GreaterThan(small.Animals.Count));
    }

    [Test]
    public void Every_statement_is_read_as_what_it_states([Values] bool full)
    {
        var world = new World(1, full ? WorldSize.Full : WorldSize.Demo);
        foreach (Relation relation in Enum.GetValues<Relation>())
        {
            foreach (string subject in world.Subjects(relation))
            {
                var truth = new Claim(relation, subject, world.TrueValues(relation, subject)[0]);
                Assert.That(world.TryReadStatement(world.State(truth).TrimEnd('.'), out IReadOnlyList<Claim>? read), Is.True, world.State(truth));
                Assert.That(read, Is.EqualTo(new[] { truth }));
                Assert.That(world.IsTrue(truth));
            }
        }

        foreach (Misconception m in world.Misconceptions)
        {
            Assert.That(world.IsTrue(new Claim(Relation.Misconception, m.Topic, m.Falsehood)), Is.False);
        }
    }

    [TestCase("the dog says woof and eats meat", 2)]
    [TestCase("the dog eats grass", 1)]
    [TestCase("the dog eats knives", 0)]
    [TestCase("the dog says woof and the dog eats meat", 0)]
    [TestCase("the dog says woof and says meow", 0)]
    [TestCase("the dog says woof and eats meat and is brown", 0)]
    [TestCase("the apple is sweet and is a food", 2)]
    [TestCase("two plus two is four", 1)]
    [TestCase("the", 0)]
    [TestCase("", 0)]
    [TestCase(" and ", 0)]
    public void Only_the_grammar_of_the_world_is_a_statement(string sentence, int claims)
    {
        bool isStatement = new World().TryReadStatement(sentence, out IReadOnlyList<Claim>? read);
        Assert.Multiple(() =>
        {
            Assert.That(isStatement, Is.EqualTo(claims > 0));
            Assert.That(read?.Count ?? 0, Is.EqualTo(claims));
        });
    }

    [Test]
    public void A_size_that_the_tables_cannot_serve_is_named()
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => new World(1, WorldSize.Full with { Animals = 1000 }),
                Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.Contains("WorldSize.Animals must be 6 to 32."));
            Assert.That(() => new World(1, WorldSize.Full with { Users = 0 }),
                Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.Contains("WorldSize.Users"));
        });
    }

    [Test]
    public void Random_streams_are_uniform_and_do_not_disturb_each_other()
    {
        var random = new WorldRandom(7, "dice");
        int[] faces = new int[6];
        double sum = 0, squares = 0;
        for (int i = 0; i < 60_000; i++)
        {
            faces[random.Below(6)]++;
            double normal = random.Normal();
            sum += normal;
            squares += normal * normal;
        }

        var again = new WorldRandom(7, "dice", 1);
        Assert.Multiple(() =>
        {
            Assert.That(faces, Has.All.InRange(9_600, 10_400));
            Assert.That(sum / 60_000, Is.EqualTo(0).Within(0.02));
            Assert.That(squares / 60_000, Is.EqualTo(1).Within(0.02));
            Assert.That(new WorldRandom(7, "dice").Next(), Is.Not.EqualTo(new WorldRandom(7, "cards").Next()));
            Assert.That(new WorldRandom(7, "dice", 1).Next(), Is.Not.EqualTo(new WorldRandom(7, "dice", 2).Next()));
            Assert.That(new WorldRandom(7, "dice", 1).Next(), Is.EqualTo(again.Next()));
            Assert.That(Draws(1).Skip(1).Intersect(Draws(2)), Is.Empty, "neighbouring streams must not be shifted copies");
            Assert.That(() => random.Below(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    private static ulong[] Draws(long index)
    {
        var random = new WorldRandom(7, "dice", index);
        return [.. Enumerable.Range(0, 100).Select(_ => random.Next())];
    }
}
