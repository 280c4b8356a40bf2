using NativeRlhf.Checkpoints;
using NativeRlhf.Tests.Data;

namespace NativeRlhf.Tests.Checkpoints;

public class AtomicTests : DataFixture
{
    private string At(string name) => Path.Combine(Folder, name);

    [Test]
    public void A_file_is_made_with_its_folder_and_replaced_as_a_whole()
    {
        string path = At("new/a.txt");
        AtomicFile.WriteText(path, "first é");
        AtomicFile.WriteText(path, "second");
        Assert.That(File.ReadAllText(path), Is.EqualTo("second"));
        Assert.That(Directory.GetFileSystemEntries(At("new")), Has.Length.EqualTo(1));
    }

    [Test]
    public void No_space_harms_nothing_and_names_the_path()
    {
        string path = Write("a.txt", "old");
        IOException error = Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("new"u8);
            throw new IOException("No space left on device");
        }))!;
        Assert.That(error.Message, Is.EqualTo($"{path}: could not be written: No space left on device"));
        Assert.That(File.ReadAllText(path), Is.EqualTo("old"));
        Assert.That(Directory.GetFileSystemEntries(Folder), Has.Length.EqualTo(1), "nothing unfinished stays");
    }

    [Test]
    public void Other_errors_pass_through_and_leave_nothing()
    {
        Assert.Throws<InputException>(() => AtomicFile.Write(At("a.txt"), _ => throw new InputException("bad")));
        Assert.Throws<InputException>(() => AtomicDirectory.Write(At("d"), _ => throw new InputException("bad")));
        Assert.That(Directory.GetFileSystemEntries(Folder), Is.Empty);
    }

    [Test]
    public void A_file_does_not_take_the_place_of_a_folder()
    {
        Directory.CreateDirectory(At("a"));
        Assert.That(Assert.Throws<IOException>(() => AtomicFile.WriteText(At("a"), "x"))!.Message, Does.StartWith(At("a") + ": could not be written"));
        Assert.That(Directory.GetFileSystemEntries(Folder), Has.Length.EqualTo(1));
    }

    [Test]
    public void A_folder_appears_with_all_that_is_in_it()
    {
        AtomicDirectory.Write(At("run/step"), folder =>
        {
            Assert.That(Directory.Exists(At("run/step")), Is.False);
            Directory.CreateDirectory(Path.Combine(folder, "sub"));
            File.WriteAllText(Path.Combine(folder, "sub", "a"), "1");
        });
        Assert.That(File.ReadAllText(At("run/step/sub/a")), Is.EqualTo("1"));
        AtomicDirectory.Write(At("run/step/"), folder => File.WriteAllText(Path.Combine(folder, "b"), "2"));
        Assert.That(Directory.GetFileSystemEntries(At("run/step")).Select(Path.GetFileName), Is.EqualTo(new[] { "b" }));
        Assert.That(Directory.GetFileSystemEntries(At("run")), Has.Length.EqualTo(1));
    }

    [Test]
    public void A_folder_that_cannot_be_filled_leaves_the_old_one()
    {
        AtomicDirectory.Write(At("d"), folder => File.WriteAllText(Path.Combine(folder, "a"), "old"));
        IOException error = Assert.Throws<IOException>(() => AtomicDirectory.Write(At("d"), folder =>
        {
            File.WriteAllText(Path.Combine(folder, "a"), "new");
            throw new IOException("No space left on device");
        }))!;
        Assert.That(error.Message, Is.EqualTo($"{At("d")}: could not be written: No space left on device"));
        Assert.That(File.ReadAllText(At("d/a")), Is.EqualTo("old"));
        Assert.That(Directory.GetFileSystemEntries(Folder), Has.Length.EqualTo(1));
    }

    [Test]
    public void A_process_killed_between_the_renames_loses_nothing()
    {
        AtomicDirectory.Write(At("d"), folder => File.WriteAllText(Path.Combine(folder, "a"), "old"));
        Directory.Move(At("d"), At(".d.replaced"));
        AtomicDirectory.Recover(At("d"));
        Assert.That(File.ReadAllText(At("d/a")), Is.EqualTo("old"));

        // Killed after the second rename, before the old one was deleted.
        Directory.CreateDirectory(At(".d.replaced"));
        AtomicDirectory.Recover(At("d"));
        Assert.That(Directory.GetFileSystemEntries(Folder), Has.Length.EqualTo(1));
        Assert.That(File.ReadAllText(At("d/a")), Is.EqualTo("old"));
    }
}
