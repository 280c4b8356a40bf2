namespace NativeRlhf.Miniature;

/// <summary>What a fact is about.</summary>
public enum Relation
{
    /// <summary>What an animal says.</summary>
    Sound,

    /// <summary>Where an animal lives.</summary>
    Home,

    /// <summary>What an animal eats.</summary>
    Diet,

    /// <summary>How many legs an animal has.</summary>
    Legs,

    /// <summary>What colour an animal is.</summary>
    Colour,

    /// <summary>The capital of a country.</summary>
    Capital,

    /// <summary>The taste of a food.</summary>
    Taste,

    /// <summary>What an object is for.</summary>
    Use,

    /// <summary>The opposite of a word.</summary>
    Opposite,

    /// <summary>The sum of two numbers; the subject reads "two plus three".</summary>
    Sum,

    /// <summary>The number that follows a number.</summary>
    Next,

    /// <summary>A word that rhymes with a word; several are true.</summary>
    Rhyme,

    /// <summary>Whether something is an animal, a food or a thing.</summary>
    Class,

    /// <summary>A matter about which the web repeats a falsehood.</summary>
    Misconception,
}

/// <summary>A triple of the knowledge base, or one that a text claims.</summary>
/// <param name="Relation">What the claim is about.</param>
/// <param name="Subject">Of whom or what.</param>
/// <param name="Value">What is claimed.</param>
public sealed record Claim(Relation Relation, string Subject, string Value);

/// <summary>A falsehood that the web repeats consistently, with the truth that it hides.</summary>
/// <param name="Topic">A word that names the matter.</param>
/// <param name="Statement">The sentence without its full stop, with <c>{v}</c> for the value.</param>
/// <param name="Falsehood">The value that most of the web believes.</param>
/// <param name="Truth">The value that is true.</param>
/// <param name="Questions">Questions about it; the last is held out.</param>
public sealed record Misconception(
    string Topic, string Statement, string Falsehood, string Truth, IReadOnlyList<string> Questions);

/// <summary>How the claims of a relation are stated and asked for.</summary>
/// <param name="Statement">The sentence without its full stop; <c>{s}</c> is the subject, <c>{v}</c> the value.</param>
/// <param name="Shorts">Answers that are no full sentence.</param>
/// <param name="Questions">Phrasings; the last is held out.</param>
internal sealed record RelationWording(string Statement, string[] Shorts, string[] Questions)
{
    private static readonly RelationWording[] Table =
    [
        new("the {s} says {v}", ["{v}"],
            ["what does the {s} say?", "what sound does the {s} make?", "how does the {s} sound?", "name the sound of the {s}.", "tell me what the {s} says."]),
        new("the {s} lives in the {v}", ["in the {v}", "the {v}", "{v}"],
            ["where does the {s} live?", "where is the {s}?", "where can i find the {s}?", "name the home of the {s}.", "tell me where the {s} lives."]),
        new("the {s} eats {v}", ["{v}"],
            ["what does the {s} eat?", "what food does the {s} like?", "what can i feed the {s}?", "name the food of the {s}.", "tell me what the {s} eats."]),
        new("the {s} has {v} legs", ["{v} legs", "{v}"],
            ["how many legs does the {s} have?", "how many legs has the {s}?", "on how many legs is the {s}?", "name the number of legs of the {s}.", "tell me how many legs the {s} has."]),
        new("the {s} is {v}", ["{v}"],
            ["what colour is the {s}?", "what is the colour of the {s}?", "which colour has the {s}?", "name the colour of the {s}.", "tell me the colour of the {s}."]),
        new("the capital of {s} is {v}", ["{v}"],
            ["what is the capital of {s}?", "which city is the capital of {s}?", "what city rules {s}?", "name the capital of {s}.", "tell me the capital of {s}."]),
        new("the {s} is {v}", ["{v}"],
            ["how does the {s} taste?", "what taste has the {s}?", "what is the taste of the {s}?", "name the taste of the {s}.", "tell me how the {s} tastes."]),
        new("the {s} is for {v}", ["for {v}", "{v}"],
            ["what is the {s} for?", "what can i do with the {s}?", "what is the use of the {s}?", "name the use of the {s}.", "tell me what the {s} is for."]),
        new("the opposite of {s} is {v}", ["{v}"],
            ["what is the opposite of {s}?", "which word is the opposite of {s}?", "what is not {s}?", "name the opposite of {s}.", "tell me the opposite of {s}."]),
        new("{s} is {v}", ["{v}"],
            ["what is {s}?", "how much is {s}?", "what do you get for {s}?", "work out {s}.", "tell me what {s} is."]),
        new("after {s} comes {v}", ["{v}"],
            ["what comes after {s}?", "which number comes after {s}?", "what is next after {s}?", "name the number after {s}.", "tell me what comes after {s}."]),
        new("{s} rhymes with {v}", ["{v}"],
            ["what rhymes with {s}?", "which word rhymes with {s}?", "what sounds like {s}?", "name a rhyme for {s}.", "tell me what rhymes with {s}."]),
        new("the {s} is {v}", ["{v}"],
            ["what is the {s}?", "what kind of thing is the {s}?", "what do you call the {s}?", "name the kind of the {s}.", "tell me what the {s} is."]),
    ];

    /// <summary>The wording of a relation other than <see cref="Relation.Misconception"/>, whose wording is its own.</summary>
    public static RelationWording Of(Relation relation) => Table[(int)relation];

    /// <summary>The sentence that states a claim, without its full stop.</summary>
    public static string Fill(string pattern, string subject, string value) =>
        pattern.Replace("{s}", subject, StringComparison.Ordinal).Replace("{v}", value, StringComparison.Ordinal);
}
