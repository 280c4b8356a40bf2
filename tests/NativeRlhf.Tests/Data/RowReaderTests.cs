using System.Text;
using FsCheck.Fluent;
using NativeRlhf.Data;

namespace NativeRlhf.Tests.Data;

public class RowReaderTests : DataFixture
{
    [Test]
    public void A_comparison_may_say_who_ranked_it()
    {
        string path = Write("a.jsonl", """
            {"prompt": "p", "chosen": "a", "rejected": "b", "labeler": "ann"}
            {"prompt": "p", "completions": ["a", "b"], "ranks": [1, 2], "labeler": 7}
            {"prompt": "p", "chosen": "a", "rejected": "b", "labeler": null}
            """);
        Ranking[] rows = [.. RowReader.Rankings(path)];
        Assert.That(rows.Select(row => row.Labeler), Is.EqualTo(new[] { "ann", "7", null }));
        Assert.That((string?)rows[0].ToJson()["labeler"], Is.EqualTo("ann"));
        Assert.That(rows[2].ToJson().ContainsKey("labeler"), Is.False);
    }

    [Test]
    public void A_text_file_is_one_document_and_rows_are_several()
    {
        Assert.That(RowReader.Documents(Write("a.txt", "one\ntwo\n")).Single().Content.Text, Is.EqualTo("one\ntwo\n"));
        Assert.That(RowReader.Documents(Write("a.txt.gz", "one\ntwo\n")).Single().Content.Text, Is.EqualTo("one\ntwo\n"));
        string rows = Write("a.jsonl", "{\"text\": \"one\"}\n\n  {\"tokens\": [1, 2]}\r\n{\"text\": \"three\"}");
        Document[] documents = [.. RowReader.Documents(rows)];
        Assert.That(documents.Select(document => document.Content.Text), Is.EqualTo(new[] { "one", null, "three" }));
        Assert.That(documents[1].Content.Tokens, Is.EqualTo(new[] { 1, 2 }));
        Assert.That(documents.Select(document => document.Place.Line), Is.EqualTo(new[] { 1, 3, 4 }));
    }

    [Test]
    public void An_array_is_read_like_lines_and_each_element_knows_its_line()
    {
        string path = Write("a.json", "\ufeff[\n {\"text\": \"a,]}\\\"\"},\n {\n  \"text\": \"b\"},{\"text\": \"c\", \"x\": [{}]}\n]\n");
        Document[] documents = [.. RowReader.Documents(path)];
        Assert.That(documents.Select(document => document.Content.Text), Is.EqualTo(new[] { "a,]}\"", "b", "c" }));
        Assert.That(documents.Select(document => document.Place.Line), Is.EqualTo(new[] { 2, 3, 4 }));
    }

    [Test]
    public void One_object_a_line_may_also_be_called_json() =>
        Assert.That(RowReader.Documents(Write("a.json", "\ufeff{\"text\": \"a\"}\n{\"text\": \"b\"}\n")).Count(), Is.EqualTo(2));

    [Test]
    public void Rows_longer_than_any_buffer_are_read()
    {
        string text = new('é', 300_000);
        foreach (string content in (string[])[$"{{\"text\": \"{text}\"}}\n{{\"text\": \"b\"}}", $"[{{\"text\": \"{text}\"}},{{\"text\": \"b\"}}]"])
            Assert.That(RowReader.Documents(Write("a.json", content)).Select(document => document.Content.Text), Is.EqualTo(new[] { text, "b" }));
    }

    [TestCase("a.jsonl", "", ": the file is empty")]
    [TestCase("a.jsonl.gz", "\n", ": the file has no rows")]
    [TestCase("a.txt", "\ufeff", ": the file is empty")]
    [TestCase("a.jsonl", "\n \n", ": the file has no rows")]
    [TestCase("a.json", "[ ]", ": the file has no rows")]
    [TestCase("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\"\n", ":2: not valid JSON")]
    [TestCase("a.jsonl", "{\"text\": \"a\"} {\"text\": \"b\"}\n", ":1: not valid JSON")]
    [TestCase("a.json", "[{\"text\": \"a\"},\n{\"text\": \"b\",\n\"c\" 1}]", ":3: not valid JSON")]
    [TestCase("a.json", "[{\"text\": \"a\"},\n{\"text\": \"b\"}", ":2: the file ends inside the array that begins in line 1")]
    [TestCase("a.json", "[{\"text\": \"a\"},\n]", ":2: not valid JSON")]
    [TestCase("a.json", "[{\"text\": \"a\"}]\n x", ":2: something follows the end of the JSON array")]
    [TestCase("a.jsonl", "{\"text\": \"a\"}\n\"b\"\n", ":2: a row must be a JSON object, not the string")]
    [TestCase("a.jsonl", "{\"text\": \"a\", \"text\": \"b\"}", ":1: not valid JSON: Duplicate property 'text'")]
    [TestCase("a.jsonl", "{\"text\": \"\\ud800\"}", ":1: the row holds half of a surrogate pair")]
    [TestCase("a.jsonl", "{\"text\": \"\", \"x\": [{\"\\udc00\": 1}]}", ":1: the row holds half of a surrogate pair")]
    [TestCase("a.jsonl", "{\"text\": 5}", ":1: 'text' must be a string, not the number 5")]
    [TestCase("a.jsonl", "{\"text\": null}", ":1: the row has no 'text'")]
    [TestCase("a.jsonl", "{\"tokens\": [1, -2]}", ":1: 'tokens'[1] must be a token id (an integer ≥ 0), not the number -2")]
    [TestCase("a.jsonl", "{\"tokens\": [99999999999]}", ":1: 'tokens'[0] must be a token id")]
    [TestCase("a.csv", "text\na", ": not a kind of file that is read here")]
    public void What_is_no_document_names_file_and_line(string name, string content, string message) =>
        Assert.That(ErrorOf(RowReader.Documents(Write(name, content))), Does.StartWith(Path.Combine(Folder, name) + message));

    [Test]
    public void Absent_files_and_folders_are_named()
    {
        Assert.That(ErrorOf(RowReader.Documents(Path.Combine(Folder, "a.jsonl"))), Does.EndWith("a.jsonl: no such file"));
        Assert.That(ErrorOf(RowReader.Documents(Path.Combine(Folder, "a.txt"))), Does.EndWith("a.txt: no such file"));
        Directory.CreateDirectory(Path.Combine(Folder, "b.jsonl"));
        Assert.That(ErrorOf(RowReader.Documents(Path.Combine(Folder, "b.jsonl"))), Does.Contain("is a folder"));
    }

    [TestCase("a.jsonl", 2)]
    [TestCase("a.json", 2)]
    [TestCase("a.txt", 2)]
    public void Broken_UTF8_names_the_line(string name, int line)
    {
        byte[] bytes = [.. Encoding.UTF8.GetBytes("[{\"text\": \"ä\"},\n{\"text\": \""), 0xc3, .. Encoding.UTF8.GetBytes("\"}]\n")];
        string path = Write(name, name == "a.jsonl" ? bytes[1..] is var rest && rest[^2] == ']' ? [.. rest[..14], (byte)'\n', .. rest[16..^2]] : rest : bytes);
        Assert.That(ErrorOf(RowReader.Documents(path)), Does.StartWith($"{path}:{line}: not valid UTF-8 (byte 0xc3)"));
    }

    [Test]
    public void UTF16_is_recognised() =>
        Assert.That(
            ErrorOf(RowReader.Documents(Write("a.txt", [0xff, 0xfe, .. Encoding.Unicode.GetBytes("hello")]))),
            Does.Contain("it looks like UTF-16"));

    [Test]
    public void Demonstrations_come_in_all_their_forms()
    {
        Demonstration[] rows =
        [
            .. RowReader.Demonstrations(Write("a.jsonl", """
                {"prompt": "p", "completion": "c"}
                {"prompt_tokens": [1], "completion_tokens": [2.0], "prompt": "for people"}
                {"instruction": "i", "input": "", "output": "o"}
                {"instruction": "i", "input": "in", "output": "o"}
                {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]}
                {"conversations": [{"from": "human", "value": "u"}, {"from": "gpt", "value": "a"}, {"from": "human", "value": "v"}, {"from": "gpt", "value": "b"}]}
                {"tokens": [5, 6]}
                """)),
        ];
        Assert.That(rows.Select(row => row.Prompt?.Text), Is.EqualTo(new[]
        {
            "p", null, "i", "i\nin", "\n\nSystem: s\n\nHuman: u\n\nAssistant:", "\n\nHuman: u\n\nAssistant: a\n\nHuman: v\n\nAssistant:", null,
        }));
        Assert.That(rows.Select(row => row.Completion.Text), Is.EqualTo(new[] { "c", null, "o", "o", " a", " b", null }));
        Assert.That(rows[1].Prompt!.Value.Tokens, Is.EqualTo(new[] { 1 }));
        Assert.That(rows[1].Completion.Tokens, Is.EqualTo(new[] { 2 }));
        Assert.That(rows[6].Prompt, Is.Null);
        Assert.That(rows[6].Completion.Tokens, Is.EqualTo(new[] { 5, 6 }));
    }

    [TestCase("""{"completion": "c"}""", "the row has no 'prompt'")]
    [TestCase("""{"prompt": "p"}""", "the row has no 'completion'")]
    [TestCase("""{"prompt": "p", "completion": ""}""", "'completion' is empty")]
    [TestCase("""{"prompt": ["p"], "completion": "c"}""", "'prompt' must be a string, not a list")]
    [TestCase("""{"prompt": "p", "completion": {"a": 1}}""", "'completion' must be a string, not an object")]
    [TestCase("""{"prompt": "p", "completion_tokens": 3}""", "'completion_tokens' must be a list of token ids, not the number 3")]
    [TestCase("""{"instruction": "i"}""", "the row has an 'instruction' but no 'output'")]
    [TestCase("""{"messages": []}""", "'messages' must be a list of messages")]
    [TestCase("""{"messages": [{"role": "user", "content": "u"}]}""", "the last message must be the assistant's answer")]
    [TestCase("""{"messages": [{"role": "tool", "content": "u"}]}""", "'messages[0]' has the role 'tool'")]
    [TestCase("""{"messages": [{"content": "u"}]}""", "'messages[0]' has no 'role'")]
    [TestCase("""{"text": "t"}""", "the row is no demonstration")]
    public void What_is_no_demonstration_says_why(string row, string message)
    {
        string path = Write("a.jsonl", "{\"prompt\": \"p\", \"completion\": \"c\"}\n" + row);
        Assert.That(ErrorOf(RowReader.Demonstrations(path)), Does.StartWith($"{path}:2: {message}"));
    }

    [Test]
    public void Comparisons_come_in_all_their_forms()
    {
        Ranking[] rows =
        [
            .. RowReader.Rankings(Write("a.jsonl", """
                {"prompt": "p", "chosen": "c", "rejected": "r"}
                {"prompt": "p", "completions": ["a", "", "c"], "ranks": [2, 1, 2]}
                {"prompt_tokens": [1], "completion_tokens": [[2], [3, 4]], "ranks": [7, 1]}
                {"prompt_tokens": [1], "chosen_tokens": [2], "rejected_tokens": [3]}
                {"chosen": "\n\nHuman: h\n\nAssistant: a\n\nHuman: i\n\nAssistant: same good", "rejected": "\n\nHuman: h\n\nAssistant: a\n\nHuman: i\n\nAssistant: same bad"}
                {"instruction": "i", "input": "n", "output": "o", "chosen": "c", "rejected": "r"}
                {"conversations": [{"from": "human", "value": "u"}], "chosen": {"from": "gpt", "value": "c"}, "rejected": {"from": "gpt", "value": "r"}}
                {"prompt": "u", "chosen": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "c"}], "rejected": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "r"}]}
                """)),
        ];
        Assert.That(rows.Select(row => row.Prompt.Text), Is.EqualTo(new[]
        {
            "p", "p", null, null, "\n\nHuman: h\n\nAssistant: a\n\nHuman: i\n\nAssistant:", "i\nn", "\n\nHuman: u\n\nAssistant:", "\n\nHuman: u\n\nAssistant:",
        }));
        Assert.That(rows.Select(row => string.Join("|", row.Completions.Select(answer => answer.Text))), Is.EqualTo(new[]
        {
            "c|r", "a||c", "|", "|", " same good| same bad", "c|r", " c| r", " c| r",
        }));
        Assert.That(rows.Select(row => string.Join(" ", row.Ranks)), Is.EqualTo(new[] { "1 2", "2 1 2", "7 1", "1 2", "1 2", "1 2", "1 2", "1 2" }));
        Assert.That(rows[2].Completions.Select(answer => answer.Tokens), Is.EqualTo(new int[][] { [2], [3, 4] }));
        Assert.That(rows[3].Completions.Select(answer => answer.Tokens), Is.EqualTo(new int[][] { [2], [3] }));
    }

    [TestCase("""{"prompt": "p", "chosen": "a", "rejected": "b", "labeler": [1]}""", "'labeler' must be a name or an integer id, not a list")]
    [TestCase("""{"prompt": "p", "chosen": "a", "rejected": "b", "labeler": ""}""", "'labeler' must be a name or an integer id, not the string \"\"")]
    [TestCase("""{"completions": ["a", "b"], "ranks": [1, 2]}""", "the row has no 'prompt'")]
    [TestCase("""{"prompt": "p", "completions": ["a", "b"]}""", "the row has 'completions' but no 'ranks'")]
    [TestCase("""{"prompt": "p", "ranks": [1, 2]}""", "the row has 'ranks' but no 'completions'")]
    [TestCase("""{"prompt": "p", "completions": ["a", "b"], "ranks": [1]}""", "'ranks' holds 1 for 2 completions")]
    [TestCase("""{"prompt": "p", "completions": ["a", "b"], "ranks": [1, 0]}""", "'ranks'[1] must be an integer ≥ 1 (1 is best), not the number 0")]
    [TestCase("""{"prompt": "p", "completions": ["a", "b"], "ranks": [1.5, 2]}""", "'ranks'[0] must be an integer ≥ 1 (1 is best), not the number 1.5")]
    [TestCase("""{"prompt": "p", "completions": ["a", "b"], "ranks": ["1", 2]}""", "'ranks'[0] must be an integer ≥ 1 (1 is best), not the string \"1\"")]
    [TestCase("""{"prompt": "p", "completions": ["a"], "ranks": [1]}""", "'completions' holds 1; a ranking needs at least 2")]
    [TestCase("""{"prompt": "p", "completions": [], "ranks": []}""", "'completions' holds 0; a ranking needs at least 2")]
    [TestCase("""{"prompt": "p", "completions": ["a", 2], "ranks": [1, 2]}""", "'completions[1]' must be a string, not the number 2")]
    [TestCase("""{"prompt": "p", "completions": "ab", "ranks": [1, 2]}""", "'completions' must be a list of strings")]
    [TestCase("""{"prompt_tokens": [1], "completion_tokens": [2, 3], "ranks": [1, 2]}""", "'completion_tokens[0]' must be a list of token ids, not the number 2")]
    [TestCase("""{"prompt": "p", "chosen": "c"}""", "the row has no 'rejected'")]
    [TestCase("""{"prompt": "p", "rejected_tokens": [1]}""", "the row has no 'chosen'")]
    [TestCase("""{"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: b\n\nAssistant: b"}""", "the row has no 'prompt', and 'chosen' and 'rejected' do not share")]
    [TestCase("""{"chosen_tokens": [1], "rejected_tokens": [2]}""", "the row has no 'prompt'")]
    [TestCase("""{"prompt": "p", "chosen": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "c"}], "rejected_tokens": [1]}""", "'chosen' and 'rejected' must both be")]
    [TestCase("""{"chosen": [{"role": "user", "content": "u"}], "rejected": [{"role": "user", "content": "u"}]}""", "'chosen' and 'rejected' must be the same messages up to the last")]
    [TestCase("""{"prompt": "p", "completion": "c"}""", "the row is no comparison")]
    public void What_is_no_comparison_says_why(string row, string message)
    {
        string path = Write("a.jsonl", row);
        Assert.That(ErrorOf(RowReader.Rankings(path)), Does.StartWith($"{path}:1: {message}"));
    }

    [Test]
    public void Prompts_keep_their_other_fields()
    {
        PromptRow[] rows =
        [
            .. RowReader.Prompts(Write("a.jsonl", """
                {"prompt": "p", "answer": 4, "tags": ["x"], "nothing": null, "o": {"k": true}}
                {"prompt_tokens": [1, 2]}
                {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]}
                {"chosen": "\n\nHuman: h\n\nAssistant: g", "rejected": "\n\nHuman: h\n\nAssistant: b"}
                {"tokens": [3]}
                """)),
        ];
        Assert.That(rows.Select(row => row.Prompt.Text), Is.EqualTo(new[] { "p", null, "\n\nHuman: u\n\nAssistant:", "\n\nHuman: h\n\nAssistant:", null }));
        Assert.That(rows[0].Fields.ToJsonString(), Is.EqualTo("""{"answer":4,"tags":["x"],"nothing":null,"o":{"k":true}}"""));
        Assert.That(rows[1].Prompt.Tokens, Is.EqualTo(new[] { 1, 2 }));
        Assert.That(rows[1].Fields, Is.Empty);
        Assert.That(rows[4].Prompt.Tokens, Is.EqualTo(new[] { 3 }));
        Assert.That(ErrorOf(RowReader.Prompts(Write("b.jsonl", "{\"text\": \"t\"}"))), Does.Contain("b.jsonl:1: the row has no 'prompt'"));
    }

    [Test]
    public void Sequences_to_score_may_be_plain_text()
    {
        Demonstration row = RowReader.Sequences(Write("a.jsonl", "{\"text\": \"t\"}")).Single();
        Assert.That((row.Prompt, row.Completion.Text), Is.EqualTo((null as Content?, "t")));
    }

    [Test]
    public void A_ranking_written_as_JSON_reads_back()
    {
        var place = new RowPlace("x", 1);
        Ranking[] rankings =
        [
            new(Content.OfText("p\n\"é"), [Content.OfText("a"), Content.OfText("b")], [2, 1], place),
            new(Content.OfTokens([1, 2]), [Content.OfTokens([3]), Content.OfTokens([])], [1, 1], place),
        ];
        string path = Write("a.jsonl", string.Join("\n", rankings.Select(ranking => ranking.ToJson().ToJsonString())));
        Ranking[] read = [.. RowReader.Rankings(path)];
        for (int i = 0; i < rankings.Length; i++)
        {
            Assert.That(read[i].Prompt, Is.EqualTo(rankings[i].Prompt));
            Assert.That(read[i].Completions, Is.EqualTo(rankings[i].Completions));
            Assert.That(read[i].Ranks, Is.EqualTo(rankings[i].Ranks));
        }
    }

    [Test]
    public void Any_change_of_a_byte_gives_rows_or_an_error_of_one_line()
    {
        byte[] valid = Encoding.UTF8.GetBytes("""
            [{"prompt": "pé", "completions": ["a", "b\ud83d\ude00"], "ranks": [2, 1.0], "x": {"y": [null, true]}},
             {"chosen": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "c"}], "rejected": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "r"}]},
             {"prompt_tokens": [1, 2], "chosen_tokens": [2], "rejected_tokens": [3]}]
            """);
        var mutation =
            from at in Gen.Choose(0, valid.Length - 1)
            from value in Gen.OneOf(Gen.Choose(0, 255), Gen.Elements<int>('"', '\\', '[', ']', '{', '}', ',', ':', '\n', 'u', '0', '-'))
            select (at, value);
        string path = Path.Combine(Folder, "a.json");
        Func<string, object>[] readers =
        [
            file => RowReader.Rankings(file).Count(),
            file => RowReader.Prompts(file).Select(row => row.Fields.ToJsonString()).ToArray(),
            file => RowReader.Demonstrations(file).Count(),
            file => OpenAssistantTrees.Rankings(file).Count(),
        ];
        ForAll(mutation.ListOf().Where(list => list.Count is > 0 and < 4).ToArbitrary(), mutations =>
        {
            byte[] bytes = [.. valid];
            foreach ((int at, int value) in mutations)
                bytes[at] = (byte)value;
            File.WriteAllBytes(path, bytes);
            foreach (Func<string, object> read in readers)
            {
                try
                {
                    read(path);
                }
                catch (InputException e)
                {
                    if (!e.Message.StartsWith(path, StringComparison.Ordinal) || e.Message.Contains('\n'))
                        return false;
                }
            }
            return true;
        }, cases: 400);
    }
}
