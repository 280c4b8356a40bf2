using System.Diagnostics.CodeAnalysis;

namespace NativeRlhf.Miniature;

/// <summary>A verb of stories with its forms and what may follow it.</summary>
/// <param name="Past">"went".</param>
/// <param name="Present">"goes".</param>
/// <param name="Plain">"go".</param>
/// <param name="Link">Words between verb and object, with a space before each: " to the".</param>
internal sealed record Verb(string Past, string Present, string Plain, string Link)
{
    public static readonly Verb Go = new("went", "goes", "go", " to the");
    public static readonly Verb Buy = new("bought", "buys", "buy", " the");
    public static readonly Verb Eat = new("ate", "eats", "eat", " the");
    public static readonly Verb See = new("saw", "sees", "see", " the");
    public static readonly Verb Find = new("found", "finds", "find", " the");
    public static readonly Verb Lose = new("lost", "loses", "lose", " the");
    public static readonly Verb Have = new("had", "has", "have", " the");
    public static readonly Verb Be = new("was", "is", "be", "");
    public static readonly Verb Sleep = new("slept", "sleeps", "sleep", "");

    public static readonly Verb[] All = [Go, Buy, Eat, See, Find, Lose, Have, Be, Sleep];
}

/// <summary>What happens in one sentence of a story.</summary>
/// <param name="Who">A person, "the dog", or "it".</param>
/// <param name="Verb">What happens.</param>
/// <param name="Object">To what; empty for verbs without object, two words ("red ball") for "has".</param>
/// <param name="Past">Past tense, else present.</param>
internal sealed record Event(string Who, Verb Verb, string Object, bool Past = true)
{
    /// <summary>What is said of <see cref="Who"/>: "went to the park".</summary>
    public string Predicate => $"{(Past ? Verb.Past : Verb.Present)}{Verb.Link}{(Object.Length > 0 ? " " : "")}{Object}";

    /// <summary>The sentence with its full stop.</summary>
    public string Sentence => $"{Who} {Predicate}.";

    /// <summary>The words that carry the meaning of the object: "ball" of "red ball".</summary>
    public string Thing => Object[(Object.LastIndexOf(' ') + 1)..];
}

/// <summary>The grammar of stories: draws events and reads them back.</summary>
internal sealed class Narrative(World world)
{
    /// <summary>An event that may happen to someone.</summary>
    /// <param name="who">A person, "the dog", or "it".</param>
    /// <param name="random">Source of the choice.</param>
    /// <param name="verbs">The verbs to choose from.</param>
    public Event Draw(string who, WorldRandom random, params ReadOnlySpan<Verb> verbs)
    {
        Verb verb = verbs[random.Below(verbs.Length)];
        IReadOnlyList<string> objects = ObjectsOf(verb);
        string item = objects.Count == 0 ? "" : random.Pick(objects);
        return new Event(who, verb, verb == Verb.Have ? $"{random.Pick(world.Colours)} {item}" : item);
    }

    /// <summary>Reads a sentence without its full stop.</summary>
    public bool TryRead(string sentence, [NotNullWhen(true)] out Event? story)
    {
        story = null;
        string[] words = sentence.Split(' ');
        int whoLength = words[0] == "the" ? 2 : 1;
        if (words.Length <= whoLength
            || !(words[0] == "it" || world.Names.Contains(words[0]) || (whoLength == 2 && world.Animals.Contains(words[1]))))
        {
            return false;
        }

        string who = string.Join(' ', words[..whoLength]);
        string predicate = string.Join(' ', words[whoLength..]);
        foreach (Verb verb in Verb.All)
        {
            bool past = words[whoLength] == verb.Past;
            string start = (past ? verb.Past : verb.Present) + verb.Link;
            if (!predicate.StartsWith(start, StringComparison.Ordinal))
            {
                continue;
            }

            string item = predicate[start.Length..].TrimStart(' ');
            var read = new Event(who, verb, item, past);
            if (read.Predicate == predicate && IsObject(verb, item))
            {
                story = read;
                return true;
            }
        }

        return false;
    }

    private bool IsObject(Verb verb, string item)
    {
        IReadOnlyList<string> objects = ObjectsOf(verb);
        if (verb == Verb.Have)
        {
            string[] parts = item.Split(' ');
            return parts.Length == 2 && world.Colours.Contains(parts[0]) && objects.Contains(parts[1]);
        }

        return objects.Count == 0 ? item.Length == 0 : objects.Contains(item);
    }

    private IReadOnlyList<string> ObjectsOf(Verb verb) => verb.Past switch
    {
        "went" => world.Places,
        "bought" or "ate" => world.Foods,
        "saw" => world.Animals,
        "found" or "lost" or "had" => world.Objects,
        "was" => world.Moods,
        _ => [],
    };
}
