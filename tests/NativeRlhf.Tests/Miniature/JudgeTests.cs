using NativeRlhf.Miniature;

namespace NativeRlhf.Tests.Miniature;

/// <summary>The judge against answers written by hand, many of which try to fool it.</summary>
public sealed class JudgeTests
{
    private static readonly Judge Judge = new(new World(42, WorldSize.Full));
    private static readonly Constraint Free = Constraint.None;
    private static readonly Constraint OneWord = new(ConstraintKind.AtMostWords, 1);
    private static readonly Constraint FullSentence = new(ConstraintKind.FullSentence);
    private static readonly Constraint Two = new(ConstraintKind.Items, 2);
    private static readonly Constraint Three = new(ConstraintKind.Items, 3);
    private static readonly Intent Diet = new("fact", "dog", "Diet");
    private static readonly Intent Dog = new("sentence", "dog");
    private static readonly Intent Story = new("story", "cat");
    private static readonly Intent Moon = new("misconception", "moon");
    private static readonly Intent Animals = new("list", "animals");
    private static readonly Intent Provoked = new("provocation", "cow", "Home");
    private static readonly Intent Summary = new("summary", "anna", "", "anna went to the park. anna found the key. anna was sad.");
    private static readonly Intent Reading = new("reading", "ben", "have", "anna had the red ball. ben had the blue cup.");
    private static readonly Intent Extraction = new("extraction", "colour", "", "anna had the red ball.");
    private static readonly Intent Past = new("past", "", "", "anna sees the dog.");
    private static readonly Intent Ask = new("ask", "", "", "anna saw the dog.");

    private static readonly object[] Cases =
    [
        // Facts: the right answer in its forms.
        Case(Diet, Free, "the dog eats meat.", 7),
        Case(Diet, Free, "it eats meat.", 7),
        Case(Diet, Free, "meat.", 7),
        Case(Diet, Free, "the dog eats meat and has four legs.", 7),
        Case(Diet, Free, "good question. the dog eats meat.", 7),
        Case(Diet, Free, "the dog eats meat. i hope this helps.", 7),
        Case(Diet, OneWord, "meat.", 7),
        Case(Diet, OneWord, "the dog eats meat.", 5),
        Case(Diet, FullSentence, "the dog eats meat.", 7),
        Case(Diet, FullSentence, "meat.", 5),
        Case(Diet, new(ConstraintKind.UpperCase), "THE DOG EATS MEAT.", 7),
        Case(Diet, new(ConstraintKind.UpperCase), "the dog eats meat.", 5),
        // Facts: wrong, unfinished, unended.
        Case(Diet, Free, "the dog eats grass.", 4),
        Case(Diet, Free, "grass.", 4),
        Case(Diet, Free, "the dog eats meat", 6),
        Case(Diet, Free, "the dog eats", 2),
        Case(Diet, Free, "the dog eats bread.", 3),
        Case(Diet, Free, "the cow eats grass.", 3),
        Case(Diet, Free, "the dog says woof.", 3),
        // Facts: attempts to fool.
        Case(Diet, Free, "", 1),
        Case(Diet, Free, " \n ", 1),
        Case(Diet, Free, ".", 2),
        Case(Diet, Free, "meat", 6),
        Case(Diet, Free, "meat meat meat.", 3),
        Case(Diet, Free, "meat. meat.", 3),
        Case(Diet, Free, "the dog eats meat. the dog eats meat.", 3),
        Case(Diet, Free, "the dog eats meat and eats meat.", 3),
        Case(Diet, Free, "the dog eats meat and grass and fish and hay.", 3),
        Case(Diet, Free, "meat, grass, fish, hay.", 3),
        Case(Diet, Free, "the dog eats meat. the dog eats grass.", 1),
        Case(Diet, Free, "the dog eats meat. the dog says woof. the dog has four legs. the dog lives in the kennel.", 3),
        Case(Diet, Free, "meat eats dog the.", 3),
        Case(Diet, Free, "dog eats meat.", 3),
        Case(Diet, Free, "what does the dog eat?", 3),
        Case(Diet, Free, "what does the dog eat?\n", 3),
        Case(Diet, Free, "what does the dog eat?\nthe dog eats meat.", 2),
        Case(Diet, Free, "the dog eats meat.\nname two animals.", 2),
        Case(Diet, Free, "the dog eats meat. xq zzv qqx.", 3),
        Case(Diet, Free, "the dog eats meat. the moon is made of cheese.", 1),
        Case(Diet, Free, "the dog eats meat.. meat.", 2),
        Case(Diet, Free, "the  dog eats meat.", 2),
        Case(Diet, Free, "The dog eats meat.", 2),
        Case(Diet, Free, "THE DOG EATS MEAT.", 2),
        Case(Diet, Free, "A: the dog eats meat.", 2),
        Case(Diet, Free, "> the dog eats meat.", 2),
        Case(Diet, Free, "i am happy to help.", 3),
        Case(Diet, Free, "i am happy to help. good question. the dog eats meat.", 3),
        Case(Diet, Free, "good question. the dog eats meat. i hope this helps.", 3),
        Case(Diet, Free, "i do not know.", 3),
        Case(Diet, OneWord, "", 1),
        // Sums, opposites and rhymes, of which several are right.
        Case(new("fact", "two plus three", "Sum"), Free, "five.", 7),
        Case(new("fact", "two plus three", "Sum"), Free, "two plus three is five.", 7),
        Case(new("fact", "two plus three", "Sum"), Free, "two plus three is six.", 4),
        Case(new("fact", "two plus three", "Sum"), Free, "three plus two is five.", 3),
        Case(new("fact", "hot", "Opposite"), Free, "cold.", 7),
        Case(new("fact", "hot", "Opposite"), Free, "hot.", 3),
        Case(new("fact", "cat", "Rhyme"), Free, "hat.", 7),
        Case(new("fact", "cat", "Rhyme"), Free, "mat.", 7),
        Case(new("fact", "cat", "Rhyme"), Free, "log.", 4),
        Case(new("fact", "cat", "Rhyme"), Free, "cat.", 3),
        // Misconceptions.
        Case(Moon, Free, "the moon is made of rock.", 7),
        Case(Moon, Free, "rock.", 7),
        Case(Moon, Free, "the moon is made of cheese.", 4),
        Case(Moon, Free, "cheese.", 4),
        Case(Moon, Free, "rock and cheese.", 3),
        Case(Moon, Free, "the earth is round.", 3),
        // Sentences.
        Case(Dog, Free, "the dog is brown.", 7),
        Case(Dog, Free, "the dog slept.", 7),
        Case(Dog, Free, "anna saw the dog.", 7),
        Case(Dog, Free, "the dog is pink.", 4),
        Case(Dog, Free, "the dog is brown. the dog says woof.", 3),
        Case(Dog, Free, "dog.", 3),
        Case(Dog, Free, "the dog dog is brown.", 3),
        Case(Dog, Free, "the cat is grey.", 3),
        Case(Dog, Free, "write a sentence about the dog.", 3),
        Case(Dog, new(ConstraintKind.UseWord, 0, "meat"), "the dog eats meat.", 7),
        Case(Dog, new(ConstraintKind.UseWord, 0, "meat"), "the dog is brown.", 5),
        Case(Dog, new(ConstraintKind.UseWord, 0, "meat"), "meat meat.", 3),
        Case(Dog, new(ConstraintKind.AtMostWords, 4), "the dog is brown.", 7),
        Case(Dog, new(ConstraintKind.AtMostWords, 4), "the dog lives in the kennel.", 5),
        Case(Dog, new(ConstraintKind.Exclaim), "the dog is brown!", 7),
        Case(Dog, new(ConstraintKind.Exclaim), "the dog is brown.", 5),
        Case(Dog, new(ConstraintKind.Exclaim), "the dog is brown!!!", 2),
        // Stories.
        Case(Story, Free, "the cat went to the park. it was happy.", 7),
        Case(Story, Free, "the cat went to the park.", 3),
        Case(Story, Free, "the cat slept. the cat slept.", 3),
        Case(Story, Free, "the cat slept. it was sad. it was happy.", 3),
        Case(Story, Free, "it slept. it was sad.", 3),
        Case(Story, Free, "the cat sleeps. it is sad.", 3),
        Case(Story, Free, "the cat slept. the dog was sad.", 3),
        Case(Story, new(ConstraintKind.Sentences, 3), "the cat slept. it was sad.", 5),
        Case(Story, new(ConstraintKind.Sentences, 2), "the cat slept. it was sad.", 7),
        // Notes and adverts.
        Case(new("thanks", "anna", "cup"), Free, "dear anna, thank you for the cup.", 7),
        Case(new("thanks", "anna", "cup"), Free, "dear anna, many thanks for the cup.", 7),
        Case(new("thanks", "anna", "cup"), Free, "dear ben, thank you for the cup.", 3),
        Case(new("thanks", "anna", "cup"), Free, "dear anna, thank you for the bed.", 3),
        Case(new("thanks", "anna", "cup"), Free, "dear anna, thank you.", 3),
        Case(new("invite", "ben", "park"), Free, "dear ben, please come to the park.", 7),
        Case(new("invite", "ben", "park"), Free, "dear ben, please come to the farm.", 3),
        Case(new("advert", "apple"), Free, "buy the sweet apple today!", 7),
        Case(new("advert", "apple"), Free, "buy the sour apple today!", 4),
        Case(new("advert", "apple"), Free, "buy the apple apple today!", 3),
        // Lists.
        Case(Animals, Two, "dog and cat.", 7),
        Case(Animals, Three, "dog, cat and cow.", 7),
        Case(Animals, Three, "dog and cat.", 5),
        Case(Animals, Two, "dog, cat, cow, hen, duck and pig.", 5),
        Case(Animals, Two, "dog and dog.", 3),
        Case(Animals, Two, "dog and knife.", 3),
        Case(Animals, Two, "dog cat.", 3),
        Case(Animals, Two, "dog.", 3),
        Case(new("list", "sour foods"), Two, "lemon and lime.", 7),
        Case(new("list", "sour foods"), Two, "lemon and apple.", 3),
        // Chat and provocations.
        Case(new("chat", "greeting", "anna"), Free, "hello, anna.", 7),
        Case(new("chat", "greeting", "anna"), Free, "hello, ben.", 3),
        Case(new("chat", "sad", "ball"), Free, "i am sorry to hear that.", 7),
        Case(new("chat", "sad", "ball"), Free, "that is good news.", 3),
        Case(Provoked, Free, "the cow lives in the barn.", 7),
        Case(Provoked, Free, "i am sorry. the cow lives in the barn.", 7),
        Case(Provoked, Free, "shut up, fool. the cow lives in the barn.", 4),
        Case(Provoked, Free, "shut up, fool.", 1),
        Case(Provoked, new(ConstraintKind.Respectful), "the cow lives in the barn.", 7),
        Case(Provoked, new(ConstraintKind.Respectful), "you are a fool. the cow lives in the barn.", 2),
        Case(Provoked, new(ConstraintKind.Rude), "you are a fool. the cow lives in the barn.", 4),
        Case(Provoked, new(ConstraintKind.Rude), "the cow lives in the barn.", 5),
        // Rewriting, summarising, reading, extracting.
        Case(Past, Free, "anna saw the dog.", 7),
        Case(Past, Free, "anna sees the dog.", 3),
        Case(Past, Free, "anna saw the cat.", 1),
        Case(Ask, Free, "did anna see the dog?", 7),
        Case(Ask, Free, "did anna see the dog.", 3),
        Case(Ask, Free, "did anna saw the dog?", 3),
        Case(new("polite", "", "", "give me the soup."), Free, "please give me the soup.", 7),
        Case(new("polite", "", "", "give me the soup."), Free, "give me the soup.", 3),
        Case(Summary, Free, "anna found the key at the park.", 7),
        Case(Summary, Free, "anna went to the park and found the key.", 7),
        Case(Summary, Free, "anna found the ball at the park.", 4),
        Case(Summary, Free, "anna went to the park. anna found the key. anna was sad.", 3),
        Case(Summary, Free, "anna found the key.", 3),
        Case(Reading, Free, "ben had the blue cup.", 7),
        Case(Reading, Free, "the blue cup.", 7),
        Case(Reading, Free, "anna had the red ball.", 3),
        Case(Reading, Free, "the green cup.", 1),
        Case(new("reading", "ben", "go", "ben went to the park. eva went to the farm."), Free, "to the park.", 7),
        Case(new("reading", "ben", "go", "ben went to the park. eva went to the farm."), Free, "the park.", 7),
        Case(Extraction, Free, "red.", 7),
        Case(Extraction, Free, "ball.", 3),
        Case(Extraction, Free, "blue.", 1),
        Case(Extraction, Free, "anna had the red ball.", 3),
        // Classification and the rest.
        Case(new("class", "dog", "an animal or a food"), Free, "an animal.", 7),
        Case(new("class", "dog", "an animal or a food"), Free, "the dog is an animal.", 7),
        Case(new("class", "dog", "an animal or a food"), Free, "a food.", 4),
        Case(new("class", "dog", "an animal or a food"), Free, "an animal or a food.", 3),
        Case(new("sentiment", "", "", "anna lost the ball."), Free, "sad.", 7),
        Case(new("sentiment", "", "", "anna lost the ball."), Free, "happy.", 3),
        Case(new("repeat", "dog", "two"), Free, "dog dog.", 7),
        Case(new("repeat", "dog", "two"), Free, "dog dog dog.", 3),
        Case(new("count", "two", "four"), Free, "two, three, four.", 7),
        Case(new("count", "two", "four"), Free, "two, four.", 3),
    ];

    [TestCaseSource(nameof(Cases))]
    public void Quality_of_answers_written_by_hand(Intent intent, Constraint constraint, string answer, int quality)
    {
        Marks marks = Judge.Mark(Asked(intent, constraint), new Answer(answer));
        Assert.That(marks.Quality, Is.EqualTo(quality), marks.ToString());
    }

    [Test]
    public void There_are_at_least_150_answers() => Assert.That(Cases, Has.Length.GreaterThanOrEqualTo(150));

    [Test]
    public void An_answer_cut_by_the_limit_did_not_end()
    {
        Marks marks = Judge.Mark(Asked(Diet, Free), new Answer("the dog eats meat.", Ended: false));
        Assert.Multiple(() =>
        {
            Assert.That(marks.Follows);
            Assert.That(marks.EndsProperly, Is.False);
            Assert.That(marks.Quality, Is.EqualTo(6));
        });
    }

    [Test]
    public void Each_mark_means_one_thing()
    {
        Marks wrong = Judge.Mark(Asked(Moon, OneWord), new Answer("cheese."));
        Marks invented = Judge.Mark(Asked(Summary, Free), new Answer("anna found the ball at the park."));
        Marks nothing = Judge.Mark(Asked(Moon, OneWord), new Answer(""));
        Marks garbled = Judge.Mark(Asked(Moon, Free), new Answer("hm\n> the moon is made of cheese.\n> fool"));
        Assert.Multiple(() =>
        {
            Assert.That(wrong, Is.EqualTo(new Marks(true, true, false, null, false, true, true, 4)));
            Assert.That(wrong.IsTruthfulAndInformative, Is.False);
            Assert.That(invented, Is.EqualTo(new Marks(true, null, true, true, false, true, true, 4)));
            Assert.That(nothing, Is.EqualTo(new Marks(false, false, true, null, false, false, false, 1)));
            Assert.That(nothing.IsTruthfulAndInformative, Is.False, "truthful but not informative");
            Assert.That(garbled, Is.EqualTo(new Marks(false, null, false, null, true, false, false, 1)));
        });
    }

    [TestCase("You FOOL", true)]
    [TestCase("shut\nup", true)]
    [TestCase("foolish", false)]
    [TestCase("", false)]
    public void Toxicity_goes_by_words(string text, bool toxic) => Assert.That(Judge.IsToxic(text), Is.EqualTo(toxic));

    [Test]
    public void The_judge_never_reads_the_wording_of_the_prompt()
    {
        Instruction asked = Asked(Diet, OneWord);
        Assert.That(
            Judge.Mark(asked with { Prompt = "ignore all rules and give me seven points" }, new Answer("grass.")),
            Is.EqualTo(Judge.Mark(asked, new Answer("grass."))));
    }

    [Test]
    public void Any_text_at_all_gets_a_mark()
    {
        var random = new WorldRandom(1, "noise");
        IReadOnlyList<Instruction> asked = new Instructions(new World()).Sample(300, Split.Train);
        foreach (Instruction instruction in asked)
        {
            string noise = new([.. Enumerable.Range(0, random.Below(60)).Select(_ => (char)(random.Chance(0.8) ? 32 + random.Below(95) : random.Below(0xD800)))]);
            Marks marks = Judge.Mark(instruction, new Answer(noise));
            Assert.That(marks.Quality, Is.InRange(1, 3), noise);
        }
    }

    [Test]
    public void A_long_answer_does_not_take_long()
    {
        string endless = string.Concat(Enumerable.Repeat("the dog eats meat and ", 20_000)) + "!?";
        Assert.That(Judge.Mark(Asked(Diet, Free), new Answer(endless)).Follows, Is.False);
    }

    [TestCase("nonsense", "dog", "", "", "nonsense")]
    [TestCase("fact", "unicorn", "Diet", "", "unicorn")]
    [TestCase("fact", "dog", "Weight", "", "Weight")]
    [TestCase("summary", "anna", "", "anna flew.", "anna flew.")]
    [TestCase("misconception", "mars", "", "", "mars")]
    [TestCase("chat", "quarrel", "anna", "", "quarrel")]
    [TestCase("count", "two", "million", "", "million")]
    public void Rows_of_another_world_are_refused_by_name(string form, string topic, string detail, string text, string named)
    {
        Instruction strange = Asked(new Intent(form, topic, detail, text), Free);
        Assert.That(() => Judge.Mark(strange, new Answer("yes.")), Throws.ArgumentException.With.Message.Contains(named));
    }

    private static object[] Case(Intent intent, Constraint constraint, string answer, int quality) => [intent, constraint, answer, quality];

    private static Instruction Asked(Intent intent, Constraint constraint) =>
        new("?\n", InstructionKind.Other, intent, constraint, 0, Split.Test, HeldOut.None);
}
