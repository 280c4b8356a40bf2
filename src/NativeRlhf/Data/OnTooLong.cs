namespace NativeRlhf.Data;

/// <summary>What happens to a row of more tokens than the limit.</summary>
public enum OnTooLong
{
    /// <summary>It is an error that names the row.</summary>
    Error,

    /// <summary>The row is left out and counted.</summary>
    Drop,

    /// <summary>
    /// The row is cut and counted: a prompt to be answered loses its beginning, other rows lose their end. A row of
    /// which nothing would be left to learn from is left out and counted as dropped.
    /// </summary>
    Truncate,
}
