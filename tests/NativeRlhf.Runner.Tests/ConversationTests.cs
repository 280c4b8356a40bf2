using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.Tests;

/// <summary>What a model is shown of a conversation.</summary>
[TestFixture]
public sealed class ConversationTests
{
    [Test]
    public void TheModelReadsAllThatWasSaid()
    {
        var conversation = new Conversation("be kind.", isSingle: false, _ => true);
        Assert.That(conversation.Ask("who are you?"), Is.EqualTo("\n\nSystem: be kind.\n\nHuman: who are you?\n\nAssistant:"));
        Assert.That(conversation.Hear(" a model."), Is.EqualTo("a model."));
        Assert.That(conversation.Ask("of what?"), Is.EqualTo("\n\nSystem: be kind.\n\nHuman: who are you?\n\nAssistant: a model.\n\nHuman: of what?\n\nAssistant:"));
    }

    [Test]
    public void TheModelDoesNotSpeakForThePerson()
    {
        var conversation = new Conversation(null, isSingle: false, _ => true);
        conversation.Ask("hello");
        Assert.That(conversation.Hear(" hi.\n\nHuman: and now?\n\nAssistant: well."), Is.EqualTo("hi."));
        Assert.That(conversation.Ask("bye"), Does.EndWith("\n\nAssistant: hi.\n\nHuman: bye\n\nAssistant:"));
    }

    [Test]
    public void TheOldestTurnsAreForgottenAndTheSystemStays()
    {
        var conversation = new Conversation("s", isSingle: false, prompt => prompt.Length <= 60);
        conversation.Ask("first");
        conversation.Hear("one");
        Assert.That(conversation.Ask("second"), Is.EqualTo("\n\nSystem: s\n\nHuman: second\n\nAssistant:"));
        conversation.Hear("two");
        Assert.That(conversation.Ask(new string('x', 60)), Is.Null, "too long by itself");
        Assert.That(conversation.Ask("3"), Does.EndWith("\n\nHuman: 3\n\nAssistant:").And.Not.Contain("xxx"));
    }

    [Test]
    public void ASingleLineIsThePrompt()
    {
        var conversation = new Conversation(null, isSingle: true, prompt => prompt.Length < 10);
        Assert.That(conversation.Ask("name it"), Is.EqualTo("name it"));
        Assert.That(conversation.Hear(" a\n\nHuman: b"), Is.EqualTo(" a\n\nHuman: b"));
        Assert.That(conversation.Ask("much too long a line"), Is.Null);
    }

    [Test]
    public void EveryLineIsAnswered()
    {
        using var workspace = TinyWorkspace.WithModel();
        string[] chat = ["chat", "--model", "model", "--max-new-tokens", "4", "--prompt-template", "{prompt}", "--threads", "1"];
        var said = RunnerProcess.Run(workspace.Folder, null, [.. chat, "--single"], $"the cat\n\n{new string('x', 200)}\nthe dog");
        Assert.Multiple(() =>
        {
            Assert.That(said.ExitCode, Is.Zero, said.Error);
            Assert.That(said.Output.Count(c => c == '\n'), Is.GreaterThanOrEqualTo(2));
            Assert.That(said.ErrorLines, Has.Length.EqualTo(1).And.One.Contains("28 tokens"), "the long line is refused, and the conversation goes on");
        });

        var conversation = RunnerProcess.Run(workspace.Folder, null, chat, "a\nb\n");
        Assert.That((conversation.ExitCode, conversation.Error), Is.EqualTo((0, "")));
    }
}
