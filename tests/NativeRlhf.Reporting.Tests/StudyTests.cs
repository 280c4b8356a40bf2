using NativeRlhf.Reporting;

namespace NativeRlhf.Reporting.Tests;

public sealed class StudyTests
{
    private static readonly Study Small = new(
        "a study",
        ["what it is"],
        [new Claim("the paper, Figure 1", "win rate", "60 % (58 to 62)", Verdict.DoesNotHold)],
        [new Figure("win", "Win rate", "By size.", FigureKind.Lines, new Axis("parameters", Logarithmic: true), new Axis("win rate", "%", Reference: 0.5), [new Series("SFT", [new Point(0.5, 1000, Low: 0.4, High: 0.6)])])],
        [new DataTable("sizes", ["size", "parameters"], [["small", "1,000"]])],
        [new SampleSet("the first prompt", [new Sample("say hello", [new SampleAnswer("SFT", "hello.", "7 of 7")])])]);

    [Test]
    public void ReadsWhatWasWritten()
    {
        string file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            Small.Write(file);
            string first = File.ReadAllText(file);
            Study.Read(file).Write(file);
            Assert.That(File.ReadAllText(file), Is.EqualTo(first));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [TestCase("{\n\"title\": 3}", ":2: ")]
    [TestCase("{\"title\": \"t\"}", ":1: ")]
    [TestCase("null", "null")]
    public void SaysWhereAFileIsNoStudy(string text, string place)
    {
        string file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            File.WriteAllText(file, text);
            Assert.That(() => Study.Read(file), Throws.TypeOf<InputException>().With.Message.Contains(place).And.Message.StartsWith(file));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
