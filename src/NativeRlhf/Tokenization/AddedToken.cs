namespace NativeRlhf.Tokenization;

/// <summary>A token that stands for one literal text and is not made by the tokenizer's algorithm.</summary>
/// <param name="Id">The token's id.</param>
/// <param name="Text">The text, not empty.</param>
/// <param name="IsSpecial">
/// Whether the token controls the model (an end of text, say): its text within ordinary text is then encoded as
/// ordinary text unless recognition is asked for. A token that is not special is recognised always.
/// </param>
public sealed record AddedToken(int Id, string Text, bool IsSpecial);
