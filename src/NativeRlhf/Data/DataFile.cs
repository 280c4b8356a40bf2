using System.Text;
using System.Text.Unicode;

namespace NativeRlhf.Data;

/// <summary>Opens data files: what they are is told by their name, and <c>.gz</c> or <c>.bz2</c> is taken off on the way.</summary>
internal static class DataFile
{
    /// <summary>The uncompressed bytes of a file, with a UTF-8 byte order mark left in.</summary>
    /// <param name="file">The file as the user named it.</param>
    /// <exception cref="InputException">The file is absent, empty or cannot be opened.</exception>
    public static Stream Open(string file)
    {
        if (Directory.Exists(file))
            throw new InputException($"{file}: is a folder; name the data files in it");
        if (!File.Exists(file))
            throw new InputException($"{file}: no such file");
        try
        {
            var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16, FileOptions.SequentialScan);
            if (stream.CanSeek && stream.Length == 0)
            {
                stream.Dispose();
                throw new InputException($"{file}: the file is empty");
            }
            return IsGzip(file) ? new GzipMembers(stream) : IsBzip2(file) ? new Bzip2Stream(stream) : stream;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Fills the buffer as far as the stream goes; turns damage into an error that names the file.</summary>
    public static int Read(Stream stream, string file, Span<byte> buffer)
    {
        try
        {
            return stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException e)
        {
            throw new InputException($"{file}: {e.Message}; get or make the file again", e);
        }
        catch (IOException e)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Whether the name, without <c>.gz</c> or <c>.bz2</c>, ends in one of the extensions.</summary>
    public static bool Is(string file, params ReadOnlySpan<string> extensions)
    {
        string name = IsGzip(file) ? file[..^3] : IsBzip2(file) ? file[..^4] : file;
        foreach (string extension in extensions)
        {
            if (name.EndsWith(extension, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }

    /// <summary>The whole file as one string.</summary>
    /// <exception cref="InputException">The file is empty, damaged or not UTF-8.</exception>
    public static string ReadText(string file)
    {
        using Stream stream = Open(file);
        var bytes = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        for (int count; (count = Read(stream, file, buffer)) > 0;)
        {
            if (bytes.Length + count > Array.MaxLength / 2)
                throw new InputException($"{file}: a document of more than {Array.MaxLength / 2} bytes cannot be read as one; split it");
            bytes.Write(buffer, 0, count);
        }
        ReadOnlySpan<byte> text = bytes.GetBuffer().AsSpan(0, (int)bytes.Length);
        if (text.StartsWith(Encoding.UTF8.Preamble))
            text = text[Encoding.UTF8.Preamble.Length..];
        if (text.IsEmpty)
            throw new InputException($"{file}: the file is empty");
        CheckUtf8(file, 1, text);
        return Encoding.UTF8.GetString(text);
    }

    /// <summary>The lines of a text file, without their ends (LF or CRLF); an empty last one is none.</summary>
    /// <exception cref="InputException">The file is empty, damaged or not UTF-8.</exception>
    public static string[] ReadLines(string file)
    {
        string[] lines = ReadText(file).Split('\n');
        int count = lines[^1].Length == 0 ? lines.Length - 1 : lines.Length;
        return [.. lines.Take(count).Select(line => line.EndsWith('\r') ? line[..^1] : line)];
    }

    /// <summary>Throws at the line of the first byte that is not UTF-8.</summary>
    /// <param name="file">The file as the user named it.</param>
    /// <param name="line">The line at which the bytes start.</param>
    /// <param name="bytes">The bytes.</param>
    public static void CheckUtf8(string file, long line, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
            return;
        int at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int consumed) == System.Buffers.OperationStatus.Done)
            at += consumed;
        string hint = bytes[..2].SequenceEqual<byte>([0xff, 0xfe]) || bytes[..2].SequenceEqual<byte>([0xfe, 0xff])
            ? "it looks like UTF-16"
            : $"byte 0x{bytes[at]:x2}";
        throw InputException.At(file, line + bytes[..at].Count((byte)'\n'), $"not valid UTF-8 ({hint}); convert the file to UTF-8");
    }

    private static bool IsBzip2(string file) => file.EndsWith(".bz2", StringComparison.OrdinalIgnoreCase);

    private static bool IsGzip(string file) => file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
}
