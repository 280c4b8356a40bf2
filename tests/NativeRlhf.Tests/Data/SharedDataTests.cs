using NativeRlhf.Data;

namespace NativeRlhf.Tests.Data;

/// <summary>Public data sets are read as they are. The numbers of rows are those that their sources state.</summary>
public class SharedDataTests : DataFixture
{
    [TestCase("rasbt-llms-from-scratch/instruction-data.json", 1100)]
    [TestCase("rasbt-llms-from-scratch/instruction-data-with-preference.json", 1100)]
    [TestCase("llama-factory/alpaca_en_demo.json", 999)]
    [TestCase("llama-factory/identity.json", 91)]
    [TestCase("llama-factory/kto_en_demo.json", 300)]
    public void Demonstrations(string file, int rows)
    {
        var report = new DataReport();
        var encoder = new RowEncoder(new Bytes(), 257, null, 1 << 20);
        Assert.That(encoder.Demonstrations(RowReader.Demonstrations(TestFiles.Shared(file)), report), Has.Count.EqualTo(rows));
        Assert.That(report.Rows, Is.EqualTo(rows));
    }

    // One row of the 300 of dpo_en_demo was taken out of the stored copy.
    [TestCase("llama-factory/dpo_en_demo.json", 299)]
    [TestCase("rasbt-llms-from-scratch/instruction-data-with-preference.json", 1100)]
    [TestCase("hh-rlhf/test.jsonl.gz", 2312)]
    public void Comparisons(string file, int rows)
    {
        var report = new DataReport();
        var encoder = new RowEncoder(new Bytes(), 257, null, 1 << 20);
        Assert.That(encoder.Rankings(RowReader.Rankings(TestFiles.Shared(file)), report), Has.Count.EqualTo(rows));
        Assert.That((report.Rows, report.Pairs, report.Ties), Is.EqualTo(((long)rows, (long)rows, 0L)));
    }

    [Test]
    public void Transcripts_are_split_before_the_answers_in_question()
    {
        foreach (Ranking row in RowReader.Rankings(TestFiles.Shared("hh-rlhf/test.jsonl.gz")))
        {
            Assert.That(row.Prompt.Text, Does.StartWith("\n\nHuman:").And.EndsWith("\n\nAssistant:"));
            Assert.That(row.Completions.Select(answer => answer.Text), Has.All.StartsWith(" "));
        }
    }

    [Test]
    public void Open_Assistant_trees_become_rankings()
    {
        Ranking[] rankings = [.. OpenAssistantTrees.Rankings(TestFiles.Shared("openassistant/en_100_tree.jsonl"))];

        // The 100 trees have 212 groups of ranked replies; of the stored copy one tree with three of them was taken out.
        Assert.That(rankings, Has.Length.EqualTo(209));
        Assert.That(
            rankings.GroupBy(row => row.Completions.Count).OrderBy(group => group.Key).Select(group => (group.Key, group.Count())),
            Is.EqualTo(new[] { (2, 57), (3, 114), (4, 27), (5, 3), (6, 6), (8, 1), (9, 1) }));
        foreach (Ranking row in rankings)
        {
            Assert.That(row.Prompt.Text, Does.StartWith("\n\nHuman: ").And.EndsWith("\n\nAssistant:"));
            Assert.That(row.Ranks, Is.EquivalentTo(Enumerable.Range(1, row.Ranks.Count)));
        }
        Assert.That(rankings[0].Prompt.Text, Is.EqualTo("\n\nHuman: How can I find the best 401k plan for my needs?\n\nAssistant:"));
        Assert.That(rankings[0].Completions[0].Text, Does.StartWith(" The first step is to research your options."));

        string rows = Write("rows.jsonl", string.Join("\n", rankings.Select(ranking => ranking.ToJson().ToJsonString())));
        Assert.That(RowReader.Rankings(rows).Select(row => row.Prompt), Is.EqualTo(rankings.Select(row => row.Prompt)));
    }

    [Test]
    public void The_Gutenberg_texts_fill_windows_without_a_gap()
    {
        string folder = Path.GetDirectoryName(TestFiles.Shared("gutenberg/Peter-Pan_16.txt"))!;
        string[] files = [.. Directory.GetFiles(folder, "*.txt").Order(StringComparer.Ordinal)];
        var report = new DataReport();
        TokenWindows windows = new RowEncoder(new Bytes(), 257, null, 128).Windows(files.SelectMany(RowReader.Documents), report);
        long tokens = files.Sum(file => new FileInfo(file).Length + 1);
        Assert.That(report.Rows, Is.EqualTo(files.Length));
        Assert.That(report.Tokens + report.LeftOverTokens, Is.EqualTo(tokens));
        Assert.That(windows.Count, Is.EqualTo((tokens + 127) / 129));
    }

    [TestCase("llama-factory/alpaca_en_demo.json")]
    [TestCase("openassistant/en_100_message.jsonl")]
    public void What_is_no_comparison_is_an_error(string file) =>
        Assert.That(ErrorOf(RowReader.Rankings(TestFiles.Shared(file))), Does.Contain(": the row is no comparison"));
}
