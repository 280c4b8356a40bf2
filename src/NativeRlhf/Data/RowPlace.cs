namespace NativeRlhf.Data;

/// <summary>Where a row came from, so that a message about it can name the place.</summary>
/// <param name="File">The file as the user named it.</param>
/// <param name="Line">The line at which the row starts, counted from 1.</param>
public readonly record struct RowPlace(string File, long Line)
{
    /// <summary>An error about this row: <c>file:line: message</c>.</summary>
    /// <param name="message">What is wrong and what to do.</param>
    /// <param name="inner">The exception that revealed it, or none.</param>
    /// <returns>The exception, to be thrown.</returns>
    public InputException Error(string message, Exception? inner = null) =>
        InputException.At(File, Line, JsonMessages.OneLine(message), inner);

    /// <summary><c>file:line</c>.</summary>
    /// <returns>The place as messages name it.</returns>
    public override string ToString() => $"{File}:{Line}";
}
