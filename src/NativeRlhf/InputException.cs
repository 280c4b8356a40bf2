namespace NativeRlhf;

/// <summary>
/// What a user supplied (a file, a row, an option, a configuration key) cannot be used as it is.
/// The message is one line: what, where (as <c>file:line</c> where there is one), and what to do.
/// The runner prints it and ends with exit code 2.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>An error that names its own place.</summary>
    /// <param name="message">One line that says what is wrong, where, and what to do.</param>
    /// <param name="inner">The exception that revealed it, or none.</param>
    public InputException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>An error at a line of a file: the message starts with <c>file:line: </c>.</summary>
    /// <param name="file">The file as the user named it.</param>
    /// <param name="line">The line, counted from 1.</param>
    /// <param name="message">What is wrong and what to do.</param>
    /// <param name="inner">The exception that revealed it, or none.</param>
    /// <returns>The exception, to be thrown.</returns>
    public static InputException At(string file, long line, string message, Exception? inner = null) =>
        new($"{file}:{line}: {message}", inner);
}
