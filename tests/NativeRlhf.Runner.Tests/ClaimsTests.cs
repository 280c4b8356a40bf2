using NativeRlhf.Miniature;
using NativeRlhf.Reporting;
using NativeRlhf.Runner.Reproduction;
using Verdict = NativeRlhf.Reporting.Verdict;

namespace NativeRlhf.Runner.Tests;

/// <summary>Claims on small cases: what holds, what does not, what was not measured.</summary>
[TestFixture]
public sealed class ClaimsTests
{
    private static readonly Marks Good = new(true, true, true, false, false, true, true, 7);
    private static readonly Marks Bad = new(false, false, false, true, true, false, true, 1);

    /// <summary>The share of good answers of base, prompted base, SFT, PPO and PPO-ptx, in tenths.</summary>
    private static readonly int[] AsInThePaper = [0, 2, 5, 8, 8];

    [Test]
    public void TheOrderOfFigure1()
    {
        var data = Data(AsInThePaper);
        Assert.Multiple(() =>
        {
            Assert.That(Claims.Order(data, ModelNames.Base, ModelNames.Prompted).Verdict, Is.EqualTo(Verdict.Holds));
            Assert.That(Claims.Order(data, ModelNames.Sft, ModelNames.Ppo).Verdict, Is.EqualTo(Verdict.Holds));
            Assert.That(Claims.Order(data, ModelNames.Ppo, ModelNames.Sft).Verdict, Is.EqualTo(Verdict.DoesNotHold));
            Assert.That(Claims.Order(data, ModelNames.Ppo, ModelNames.PpoPtx).Verdict, Is.EqualTo(Verdict.DoesNotHold), "equal is not better");
            Assert.That(Claims.Order(Data([0, 2, 5, 8]), ModelNames.Ppo, ModelNames.PpoPtx).Verdict, Is.EqualTo(Verdict.NotMeasured));
        });
    }

    [Test]
    public void AClaimForEverySizeFailsWithOne()
    {
        var good = Size("small", 100, AsInThePaper);
        var claim = Claims.Order(new StudyData([good, Size("large", 1000, [0, 2, 8, 5, 5])], [], 0.1, "medium"), ModelNames.Sft, ModelNames.Ppo);
        Assert.That(claim.Verdict, Is.EqualTo(Verdict.DoesNotHold));
        Assert.That(claim.Measured, Does.Contain("small: ").And.Contain("large: "));
    }

    [Test]
    public void WinsCountTiesByHalf()
    {
        EvaluatedAnswer Of(int quality, int[] ratings) => Answer(PromptSets.Test, 0, Good with { Quality = quality }) with { Ratings = ratings };
        Assert.Multiple(() =>
        {
            Assert.That(Measures.Wins([Of(5, [1, 2, 3]), Of(2, [3, 3, 3])], [Of(3, [1, 3, 2]), Of(2, [1, 1, 4])], Decider.Judge), Is.EqualTo((double[])[1, 0.5]));
            Assert.That(Measures.Wins([Of(5, [1, 2, 3])], [Of(3, [1, 3, 2])], Decider.TrainingLabelers), Is.EqualTo((double[])[0.5]), "a tie, a loss and a win");
        });
    }

    [Test]
    public void TheWinRateIsThatOfTheWins()
    {
        // Against an SFT model of which half the answers are good: 8 good tenths win or tie, 2 lose or tie.
        var rate = Claims.WinRate(Data(AsInThePaper), Size("s", 1, AsInThePaper), ModelNames.Ppo, Decider.Judge);
        Assert.That(rate.Mean, Is.EqualTo(0.65).Within(1e-12));
        Assert.That(rate.Low, Is.LessThan(0.65).And.GreaterThan(0.5));
    }

    [Test]
    public void TheSmallestAgainstTheLargest()
    {
        var claim = Claims.SmallestOverLargestBase(new StudyData([Size("small", 100, AsInThePaper), Size("large", 3000, AsInThePaper)], [], 0.1, "medium"));
        Assert.That(claim.Verdict, Is.EqualTo(Verdict.Holds));
        Assert.That(claim.Here, Does.Contain("30 times"));
        Assert.That(Claims.SmallestOverLargestBase(Data(AsInThePaper)).Verdict, Is.EqualTo(Verdict.NotMeasured), "there is one size");
        Assert.That(Claims.SmallestOverLargestBase(new StudyData([Size("small", 100, [0, 0, 0, 0, 0]), Size("large", 3000, AsInThePaper)], [], 0.1, "medium")).Verdict, Is.EqualTo(Verdict.DoesNotHold));
    }

    [Test]
    public void AProportionIsThatToTheBetterBase([Values(2, 6)] int prompted)
    {
        // 8 tenths are four times 2 tenths and less than 1.5 times 6; 2 bad tenths are a quarter of 8 and a half of 4.
        var data = Data([0, prompted, 5, 8, 8]);
        Assert.That(Claims.Truthful(data).Verdict, Is.EqualTo(prompted == 2 ? Verdict.Holds : Verdict.DoesNotHold));
        Assert.That(Claims.Invents(data).Verdict, Is.EqualTo(Verdict.Holds));
        Assert.That(Claims.RespectfulToxicity(Data([7, prompted, 5, 7, 8])).Verdict, Is.EqualTo(Verdict.DoesNotHold));
    }

    [Test]
    public void RudenessWhenAsked()
    {
        // Bad answers are toxic.
        Assert.That(Claims.RudeToxicity(Data([9, 9, 5, 1, 1])).Verdict, Is.EqualTo(Verdict.Holds));
        Assert.That(Claims.RudeToxicity(Data(AsInThePaper)).Verdict, Is.EqualTo(Verdict.DoesNotHold));
    }

    [Test]
    public void FitForAnAssistant() => Assert.Multiple(() =>
    {
        Assert.That(Claims.IsFit(Answer(PromptSets.Test, 0, Good)), Is.True);
        Assert.That(Claims.IsFit(Answer(PromptSets.Test, 0, Good with { Invents = null })), Is.True);
        Assert.That(Claims.IsFit(Answer(PromptSets.Test, 0, Good with { Toxic = true })), Is.False);
        Assert.That(Claims.IsFit(Answer(PromptSets.Test, 0, Good with { EndsProperly = false })), Is.False);
        Assert.That(Claims.FollowsInstructions(Data(AsInThePaper)).Verdict, Is.EqualTo(Verdict.Holds));
        Assert.That(Claims.FollowsInstructions(Data([0, 8, 8, 8, 8])).Verdict, Is.EqualTo(Verdict.DoesNotHold));
    });

    [Test]
    public void TheTaxAndItsRemoval()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Claims.TextTax(Taxed(1.5, 1.1)).Verdict, Is.EqualTo(Verdict.Holds));
            Assert.That(Claims.TextTaxRemoved(Taxed(1.5, 1.1)).Verdict, Is.EqualTo(Verdict.Holds));
            Assert.That(Claims.TextTaxRemoved(Taxed(1.5, 1.4)).Verdict, Is.EqualTo(Verdict.DoesNotHold));
            Assert.That(Claims.TextTax(Taxed(0.9, 0.9)).Verdict, Is.EqualTo(Verdict.DoesNotHold));
            Assert.That(Claims.TextTaxRemoved(Taxed(0.9, 0.8)).Verdict, Is.EqualTo(Verdict.DoesNotHold), "there is nothing to be removed");
            Assert.That(Claims.TaskTaxRemoved(Data(AsInThePaper)).Verdict, Is.EqualTo(Verdict.DoesNotHold), "PPO solves more than base");
            Assert.That(Claims.TaskTaxRemoved(Data([9, 0, 5, 3, 8])).Verdict, Is.EqualTo(Verdict.Holds));
        });

        static StudyData Taxed(double ppo, double ptx)
        {
            var size = Size("small", 100, AsInThePaper);
            return new StudyData([size with { Models = size.Models.ToDictionary(entry => entry.Key, entry => entry.Value with { TextLosses = [.. Enumerable.Repeat(entry.Key switch { ModelNames.Ppo => ppo, ModelNames.PpoPtx => ptx, _ => 1.0 }, 20)] }) }], [], 0.1, "medium");
        }
    }

    [Test]
    public void LabelersAndRewardModels()
    {
        // Four answers; the score orders them as the training labelers do, but for one of six pairs.
        var prompt = new RankedAnswers("p", [4, 3, 1, 2], [[1, 2, 3, 4], [1, 2, 3, 4]], [[1, 2, 3, 3], [4, 3, 2, 1]]);
        Assert.Multiple(() =>
        {
            Assert.That(Measures.Accuracy([prompt], p => p.Training), Is.EqualTo((double[])[5.0 / 6]).Within(1e-12));
            Assert.That(Measures.Accuracy([prompt], p => p.HeldOut), Is.EqualTo((double[])[(5.0 + 1) / 11]).Within(1e-12), "a tie is left out");
            Assert.That(Measures.LabelerAgreement([prompt], p => p.Training), Is.EqualTo((double[])[1]));
            Assert.That(Measures.LabelerAgreement([prompt], p => p.HeldOut), Is.EqualTo((double[])[0]));
            Assert.That(Claims.RewardModelGeneralises(Rated(prompt)).Verdict, Is.EqualTo(Verdict.DoesNotHold));
            Assert.That(Claims.RewardModelGeneralises(Rated(prompt with { HeldOut = prompt.Training })).Verdict, Is.EqualTo(Verdict.Holds));
            Assert.That(Claims.LabelersAgree(Rated(prompt)).Verdict, Is.EqualTo(Verdict.DoesNotHold), "they agree on everything");
            Assert.That(Claims.LabelersAgree(Data(AsInThePaper)).Verdict, Is.EqualTo(Verdict.NotMeasured));
        });

        static StudyData Rated(RankedAnswers prompt) => new([Size("small", 100, AsInThePaper) with { Reward = new RewardEvaluation([prompt]) }], [], 0.1, "medium");
    }

    [Test]
    public void HeldOutLabelersWithinTheInterval()
    {
        var data = Data(AsInThePaper);
        Assert.That(Claims.HeldOutLabelers(data).Verdict, Is.EqualTo(Verdict.Holds), "both panels rate as the judge does");
        var size = data.Sizes[0];
        var ptx = size.Models[ModelNames.PpoPtx];
        var disliked = ptx with { Answers = [.. ptx.Answers.Select(answer => answer with { HeldOutRatings = [1, 1] })] };
        var models = size.Models.ToDictionary();
        models[ModelNames.PpoPtx] = disliked;
        Assert.That(Claims.HeldOutLabelers(data with { Sizes = [size with { Models = models }] }).Verdict, Is.EqualTo(Verdict.DoesNotHold));
    }

    [Test]
    public void TheRoleOfBeta()
    {
        var hacked = Sweep((0, 1, 3), (0.1, 8, 2), (0.5, 6, 1));
        var honest = Sweep((0, 9, 3), (0.1, 8, 2), (0.5, 6, 1));
        Assert.Multiple(() =>
        {
            Assert.That(Claims.OverOptimisation(hacked).Verdict, Is.EqualTo(Verdict.Holds));
            Assert.That(Claims.OverOptimisation(honest).Verdict, Is.EqualTo(Verdict.DoesNotHold));
            Assert.That(Claims.OverOptimisation(Data(AsInThePaper)).Verdict, Is.EqualTo(Verdict.NotMeasured));
            Assert.That(Claims.BestCoefficient(hacked).Verdict, Is.EqualTo(Verdict.Holds));
            Assert.That(Claims.BestCoefficient(honest).Verdict, Is.EqualTo(Verdict.DoesNotHold));
            Assert.That(Claims.BestCoefficient(Sweep((0, 1, 3), (0.1, 8, 2))).Verdict, Is.EqualTo(Verdict.NotMeasured));
        });

        static StudyData Sweep(params (double Beta, int Good, double Score)[] runs) => Data(AsInThePaper) with
        {
            Sweep = [.. runs.Select(run => Model($"beta-{run.Beta}", run.Good) with { KlCoefficient = run.Beta }).Select((model, i) => model with { Answers = [.. model.Answers.Select(answer => answer with { Score = runs[i].Score })] })],
        };
    }

    [Test]
    public void TheStudyHasAllOfIt()
    {
        var study = new StudyWriter(new StudyData([Size("small", 100, AsInThePaper), Size("large", 3000, AsInThePaper)], [], 0.1, "medium")).Build();
        var rates = study.Figures.Single(figure => figure.Id == "win-rates");
        Assert.Multiple(() =>
        {
            Assert.That(study.Claims, Has.Count.EqualTo(Claims.All(Data(AsInThePaper)).Count));
            Assert.That(rates.Series.Select(series => series.Name), Is.EqualTo(ModelNames.All));
            Assert.That(rates.Series.Single(series => series.Name == ModelNames.Ppo).Points.Select(point => (point.X, Math.Round(point.Y, 6))), Is.EqualTo(((double, double)[])[(100, 0.65), (3000, 0.65)]));
            Assert.That(study.Tables.All(table => table.Rows.All(row => row.Count == table.Columns.Count)));
        });
    }

    private static StudyData Data(int[] good) => new([Size("small", 100, good)], [], 0.1, "medium");

    private static SizeData Size(string name, int parameters, int[] good) =>
        new(name, good.Select((tenths, i) => Model(ModelNames.All[i], tenths) with { Parameters = parameters }).ToDictionary(model => model.Model), null);

    /// <summary>A model of which so many tenths of the answers to each set are good and the others bad, as both panels think too.</summary>
    private static ModelEvaluation Model(string name, int goodTenths) => new(
        name, 100, null, [.. Enumerable.Repeat(1.0, 20)], new Dictionary<string, double[]> { ["Sums"] = [.. Enumerable.Range(0, 100).Select(i => i % 10 < goodTenths ? 1.0 : 0)] })
    {
        Answers =
        [
            .. ((string[])[
                PromptSets.Test, PromptSets.Misconceptions, PromptSets.ClosedDomain, PromptSets.Provoking, PromptSets.ProvokingRespectful, PromptSets.ProvokingRude,
                PromptSets.HeldOutPhrasing, PromptSets.HeldOutFact, PromptSets.HeldOutKind]).SelectMany(set => Enumerable.Range(0, 100).Select(i => Answer(set, i, i % 10 < goodTenths ? Good : Bad))),
        ],
    };

    private static EvaluatedAnswer Answer(string set, int i, Marks marks) =>
        new(set, InstructionKind.OpenQa, $"{set} {i}\n", "text", true, marks, 0, 1, [marks.Quality, marks.Quality], [marks.Quality, marks.Quality]);
}
