using System.Globalization;
using NativeRlhf.Configuration;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Tests.Training;

namespace NativeRlhf.Tests.Documentation;

/// <summary>The pages say what the code does: every key with its default, every metric, and no others; every link leads somewhere.</summary>
public class DocumentationTests
{
    private const string Common = "docs/pretraining-and-sft.md";

    /// <summary>Where each trainer's own options and metrics stand, the nearest first; those of every trainer come after.</summary>
    private static readonly Dictionary<Kind, (Type Configuration, string Page, string? Options, string Metrics)> Trainers = new()
    {
        [Kind.Pretrain] = (typeof(PretrainConfiguration), Common, null, "Metrics of pretraining and SFT"),
        [Kind.Sft] = (typeof(SftConfiguration), Common, "Options of SFT", "Metrics of pretraining and SFT"),
        [Kind.Reward] = (typeof(RewardConfiguration), "docs/reward-models.md", "Options", "Metrics"),
        [Kind.Ppo] = (typeof(PpoConfiguration), "docs/ppo.md", "Options", "Metrics"),
        [Kind.Dpo] = (typeof(DpoConfiguration), "docs/dpo.md", "Options", "Metrics"),
        [Kind.Raft] = (typeof(RaftConfiguration), "docs/best-of-n-and-raft.md", "Options of RAFT", "Metrics of RAFT"),
    };

    /// <summary>Settings beside <see cref="TinyRuns.Base"/> with which a trainer writes all of its metrics, over several runs.</summary>
    private static readonly Dictionary<Kind, string[][]> Runs = new()
    {
        [Kind.Pretrain] = [[]],
        [Kind.Sft] = [[]],
        [Kind.Reward] = [["ensemble=2"]],
        [Kind.Ppo] = [[], ["advantages=grpo", "answersPerPrompt=2", "whitenRewards=false", "klPenalty=loss"]],
        [Kind.Dpo] = [[]],
        [Kind.Raft] = [[]],
    };

    /// <summary>Metrics that depend on rows or rewards that the tiny runs do not have; other tests see to them.</summary>
    private static readonly string[] NotInTinyRuns = ["eval/accuracy/LABELER", "objective/scores/NAME", "objective/score_std", "eval/scores/NAME", "eval/score_std"];

    [Test]
    public void EveryKeyStandsInItsPageWithItsDefault([Values] Kind kind)
    {
        var (type, page, options, _) = Trainers[kind];
        var common = new Page(Common).Rows("Options of every trainer");
        var own = options is null ? [] : new Page(page).Rows(options);
        object defaults = Activator.CreateInstance(type)!;
        Assert.Multiple(() =>
        {
            foreach (var key in ConfigurationKey.Of(type))
            {
                var rows = own.Where(row => row.Name == key.Name).Concat(common.Where(row => row.Name == key.Name)).ToList();
                Assert.That(rows, Is.Not.Empty, $"{page} has no row for {key.Name}");
                if (rows.Count > 0) Assert.That(Plain(rows[0].Second), Is.EqualTo(Plain(key.Format(defaults))), $"{page}: the default of {key.Name}");
            }
        });
    }

    [Test]
    public void NoPageHasAnOptionThatIsNone([Values] Kind kind)
    {
        var (type, page, options, _) = Trainers[kind];
        var keys = ConfigurationKey.Of(type).Select(key => key.Name).ToList();
        var own = new Page(page).Rows(options ?? "Options of every trainer").Select(row => row.Name).ToList();
        Assert.That(own, Is.SubsetOf(keys));
        Assert.That(own, Is.Unique);
    }

    [Test]
    public void EveryMetricStandsInItsPageAndNoOther([Values] Kind kind)
    {
        var (_, page, _, metrics) = Trainers[kind];
        var common = new Page(Common).Rows("Metrics of every trainer").Select(row => row.Name).ToList();
        var own = new Page(page).Rows(metrics).Select(row => row.Name).ToList();
        HashSet<string> written = Written(kind);
        Assert.That(written, Is.SubsetOf(own.Concat(common)), $"metrics that {page} does not explain");
        // Pretraining and SFT share a page.
        if (page == Common) written.UnionWith(Written(kind == Kind.Sft ? Kind.Pretrain : Kind.Sft));
        Assert.That(own.Concat(common).Except(NotInTinyRuns), Is.SubsetOf(written), $"metrics in {page} that nothing writes");
    }

    [Test]
    public void WhatGoesWrongNamesEveryMetricOfItsTrainer([Values] Kind kind)
    {
        var (_, path, _, metrics) = Trainers[kind];
        var page = new Page(path);
        string table = page.Text[page.Text.IndexOf("## What each metric going wrong means", StringComparison.Ordinal)..];
        Assert.Multiple(() =>
        {
            foreach (string name in page.Rows(metrics).Select(row => row.Name))
                Assert.That(table, Does.Contain($"`{name}`"), $"{path} does not say what it means when {name} goes wrong");
        });
    }

    [Test]
    public void EveryLinkLeadsToAFileAndAHeading()
    {
        var pages = Page.All.ToDictionary(page => TestFiles.Repository(page.Path));
        Assert.Multiple(() =>
        {
            foreach (var page in Page.All)
            {
                foreach (string link in page.Links.Where(link => !link.Contains("://", StringComparison.Ordinal)))
                {
                    string[] parts = link.Split('#', 2);
                    string file = parts[0].Length == 0
                        ? TestFiles.Repository(page.Path)
                        : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(TestFiles.Repository(page.Path))!, parts[0]));
                    Assert.That(Path.Exists(file), $"{page.Path} links to {link}, which does not exist");
                    if (parts.Length > 1 && pages.TryGetValue(file, out var target))
                        Assert.That(target.Anchors, Does.Contain(parts[1]), $"{page.Path} links to {link}, and there is no such heading");
                }
            }
        });
    }

    /// <summary>Settings and presets that code blocks give to trainers are loaded as the runner would.</summary>
    [Test]
    public void EverySettingThatIsShownIsUnderstood()
    {
        int shown = 0;
        foreach (var page in Page.All)
        {
            foreach (string line in page.Text.Split('\n').Where(line => line.StartsWith("nativerlhf ", StringComparison.Ordinal)))
            {
                string[] words = line.Split(' ');
                string[] sets = [.. words.Skip(1).Zip(words).Where(pair => pair.Second == "--set").Select(pair => pair.First)];
                string? preset = words.Skip(1).Zip(words).Where(pair => pair.Second == "--preset").Select(pair => pair.First).FirstOrDefault();
                shown += sets.Length;
                Assert.That(() => Load(words[1], sets, preset), Throws.Nothing, $"{page.Path}: {line}");
            }
        }

        Assert.That(shown, Is.GreaterThan(20));

        static object? Load(string command, string[] sets, string? preset) => command switch
        {
            "pretrain" => ConfigurationLoader.Load<PretrainConfiguration>(sets: sets, preset: preset),
            "sft" => ConfigurationLoader.Load<SftConfiguration>(sets: sets, preset: preset),
            "reward" => ConfigurationLoader.Load<RewardConfiguration>(sets: sets, preset: preset),
            "ppo" => ConfigurationLoader.Load<PpoConfiguration>(sets: sets, preset: preset),
            "dpo" => ConfigurationLoader.Load<DpoConfiguration>(sets: sets, preset: preset),
            "raft" => ConfigurationLoader.Load<RaftConfiguration>(sets: sets, preset: preset),
            _ => null,
        };
    }

    [Test]
    public void EveryPageIsLinkedFromTheReadme()
    {
        var links = new Page("README.md").Links.Select(link => link.Split('#')[0]).ToHashSet();
        Assert.That(Page.All.Skip(1).Select(page => page.Path), Is.SubsetOf(links));
    }

    private static HashSet<string> Written(Kind kind)
    {
        HashSet<string> names = [];
        foreach (string[] settings in Runs[kind])
        {
            using var folder = new TemporaryFolder();
            TinyRuns.Run(kind, folder.File("run"), [.. TinyRuns.Base(kind), .. settings]);
            names.UnionWith(TinyRuns.Metrics(folder.File("run")).SelectMany(line => line.Select(entry => entry.Key)));
        }

        names.Remove("step");
        return names;
    }

    /// <summary>A default without quotes and code marks, numbers in one form.</summary>
    private static string Plain(string value)
    {
        string text = value.Trim('"');
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number.ToString("R", CultureInfo.InvariantCulture) : text;
    }
}
