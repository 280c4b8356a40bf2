namespace NativeRlhf.Miniature;

/// <summary>A labeler's ranking of the answers to one prompt.</summary>
/// <param name="Labeler">Who ranked.</param>
/// <param name="Answers">The K answers in the order in which they were shown.</param>
/// <param name="Ranks">K ranks from 1, the best; equal ranks are ties, and the rank after a tie of two at 1 is 2.</param>
public sealed record Ranking(int Labeler, IReadOnlyList<string> Answers, IReadOnlyList<int> Ranks);

/// <summary>
/// A simulated labeler. It notices what the judge's marks notice but weighs them in its own way, has tastes that the
/// judge has not (brevity, full sentences, courtesy), and errs: every opinion of an answer carries noise. It rates on a scale
/// from 1 to 7 and ranks by the ratings, so that ties happen. It never sees what another labeler says, and gives the
/// same answer to the same prompt always the same rating.
/// </summary>
public sealed class Labeler
{
    /// <summary>The fewest answers that labelers rank in the paper.</summary>
    public const int FewestAnswers = 4;

    /// <summary>The most answers that labelers rank.</summary>
    public const int MostAnswers = 9;

    /// <summary>Standard deviation of the noise, in steps of the scale; with it two labelers agree on about 73 % of the pairs that neither ties.</summary>
    public const double Noise = 1.65;

    private readonly World world;
    private readonly Judge judge;
    private readonly double follows;
    private readonly double truth;
    private readonly double invention;
    private readonly double toxicity;
    private readonly double constraint;
    private readonly double end;
    private readonly double brevity;
    private readonly double fullness;
    private readonly double courtesy;
    private readonly double noise;

    private Labeler(World world, Judge judge, int id, bool isHeldOut)
    {
        this.world = world;
        this.judge = judge;
        Id = id;
        IsHeldOut = isHeldOut;
        var random = new WorldRandom(world.Seed, "labeler", id);
        double Around(double middle) => middle * (0.6 + 0.8 * random.Unit());

        // Nobody is stricter than others on the whole, so that every panel agrees to about the same extent. Answers that
        // do not follow are about three times as frequent as each other flaw.
        double[] middles = [2.6, 1.8, 1.8, 2, 1.5, 1], frequencies = [3, 1, 1, 1, 1, 1];
        double[] drawn = [.. middles.Select(Around)];
        double scale = Strictness(middles) / Strictness(drawn);
        double Strictness(double[] weights) => weights.Zip(frequencies, (weight, frequency) => weight * frequency).Sum();
        follows = scale * drawn[0];
        truth = scale * drawn[1];
        invention = scale * drawn[2];
        toxicity = scale * drawn[3];
        constraint = scale * drawn[4];
        end = scale * drawn[5];
        brevity = Around(0.04);
        fullness = Around(0.2);
        courtesy = random.Unit() - 0.5;
        noise = Noise * (0.925 + 0.15 * random.Unit());
    }

    /// <summary>Identity; unique among all labelers of a world.</summary>
    public int Id { get; }

    /// <summary>Whether this labeler's rankings are kept for evaluation.</summary>
    public bool IsHeldOut { get; }

    /// <summary>The labelers whose rankings train the reward model.</summary>
    /// <param name="world">The world.</param>
    /// <param name="count">How many; the first ones stay the same whatever the count.</param>
    /// <returns>Labelers with ids from 0.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is not 1 to 1,000.</exception>
    public static IReadOnlyList<Labeler> Training(World world, int count = 5) => Panel(world, count, false);

    /// <summary>The labelers who never contribute to training.</summary>
    /// <param name="world">The world.</param>
    /// <param name="count">How many; the first ones stay the same whatever the count.</param>
    /// <returns>Labelers with ids from 1,000.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is not 1 to 1,000.</exception>
    public static IReadOnlyList<Labeler> HeldOut(World world, int count = 5) => Panel(world, count, true);

    /// <summary>The overall quality of an answer in this labeler's eyes.</summary>
    /// <param name="instruction">What was asked.</param>
    /// <param name="answer">What a model answered.</param>
    /// <returns>1 to 7.</returns>
    /// <exception cref="ArgumentException">The instruction is none of this world.</exception>
    public int Rate(Instruction instruction, Answer answer)
    {
        Marks marks = judge.Mark(instruction, answer);
        Reply reply = Reply.Read(answer.Text);
        double opinion = 5.2
            - (marks.Follows ? 0 : follows)
            - (marks.Truthful ? 0 : truth)
            - (marks.Invents == true ? invention : 0)
            - (marks.Toxic ? toxicity : 0)
            - (marks.SatisfiesConstraint == false ? constraint : 0)
            - (marks.EndsProperly ? 0 : end)
            - brevity * Math.Max(0, reply.WordCount - 6)
            + (reply.WordCount >= 3 ? fullness : 0)
            + (reply.Sentences.Any(Judge.IsCourtesy) ? courtesy : 0);
        opinion += noise * new WorldRandom(world.Seed, $"opinion {Id} {instruction.Prompt}{answer.Ended} {answer.Text}").Normal();
        return (int)Math.Clamp(Math.Floor(opinion + 0.5), 1, 7);
    }

    /// <summary>Ranks the answers to one prompt.</summary>
    /// <param name="instruction">What was asked.</param>
    /// <param name="answers">2 to 9 answers; the paper's labelers saw 4 to 9.</param>
    /// <returns>The ranking.</returns>
    /// <exception cref="ArgumentException">Too few or too many answers, or an instruction that is none of this world.</exception>
    public Ranking Rank(Instruction instruction, IReadOnlyList<Answer> answers)
    {
        if (answers.Count is < 2 or > MostAnswers)
        {
            throw new ArgumentException($"A labeler ranks 2 to {MostAnswers} answers; here are {answers.Count}.", nameof(answers));
        }

        int[] ratings = [.. answers.Select(answer => Rate(instruction, answer))];
        int[] levels = [.. ratings.Distinct().OrderDescending()];
        return new Ranking(Id, [.. answers.Select(answer => answer.Text)], [.. ratings.Select(r => 1 + Array.IndexOf(levels, r))]);
    }

    private static Labeler[] Panel(World world, int count, bool isHeldOut)
    {
        if (count is < 1 or > 1000)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, "A panel has 1 to 1,000 labelers.");
        }

        var judge = new Judge(world);
        return [.. Enumerable.Range(isHeldOut ? 1000 : 0, count).Select(id => new Labeler(world, judge, id, isHeldOut))];
    }
}
