namespace NativeRlhf.Data;

/// <summary>
/// Turns rows into token ids and checks that they fit the model. A row becomes
/// <c>prompt ⧺ completion ⧺ end-of-text</c>; prompt and completion are encoded apart, so that the tokens of a prompt do
/// not depend on its answer. Token ids in a row stand for its text as they are: no template, and no second end-of-text
/// where the list ends with one.
/// </summary>
/// <remarks>
/// Reading is lazy and encoding is not: a method of this class returns when all rows are checked, so that training
/// starts on data that are known to be good.
/// </remarks>
public sealed class RowEncoder
{
    /// <summary>What stands for the prompt in a template.</summary>
    public const string PromptPlaceholder = "{prompt}";

    private readonly ITextEncoder? _text;
    private readonly int _vocabularySize;
    private readonly int? _endOfText;
    private readonly int _maxLength;
    private readonly OnTooLong _onTooLong;
    private readonly string _before;
    private readonly string _after;

    /// <summary>An encoder for one model.</summary>
    /// <param name="text">The tokenizer, or null where the model has none and rows are token ids.</param>
    /// <param name="vocabularySize">How many token ids the model knows.</param>
    /// <param name="endOfText">The model's end-of-text token, or null for none; the tokenizer's is used where this is null.</param>
    /// <param name="maxLength">The most tokens of a row, end-of-text included; for <see cref="Prompts"/> of a prompt.</param>
    /// <param name="onTooLong">What happens to longer rows.</param>
    /// <param name="promptTemplate">The text that a prompt becomes, with <c>{prompt}</c> once in it.</param>
    /// <exception cref="InputException">The tokenizer has more tokens than the model, or the template is unusable.</exception>
    public RowEncoder(
        ITextEncoder? text,
        int vocabularySize,
        int? endOfText,
        int maxLength,
        OnTooLong onTooLong = OnTooLong.Error,
        string promptTemplate = PromptPlaceholder)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        text?.RequireWithin(vocabularySize);
        _text = text;
        _vocabularySize = vocabularySize;
        _endOfText = endOfText ?? text?.EndOfText;
        if (_endOfText is { } end && (end < 0 || end >= vocabularySize))
            throw new InputException($"the end-of-text token {end} is not a token of the model, whose ids are 0 to {vocabularySize - 1}; correct eos_token_id");
        _maxLength = maxLength;
        _onTooLong = onTooLong;
        (_before, _after) = SplitTemplate(promptTemplate)
            ?? throw new InputException($"the prompt template '{JsonMessages.OneLine(promptTemplate)}' must hold {PromptPlaceholder} exactly once");
    }

    /// <summary>The text before and after the prompt, or null unless <c>{prompt}</c> occurs exactly once.</summary>
    /// <param name="template">A prompt template.</param>
    /// <returns>The two parts.</returns>
    public static (string Before, string After)? SplitTemplate(string template) =>
        template.Split(PromptPlaceholder) is [var before, var after] ? (before, after) : null;

    /// <summary>
    /// Encodes demonstrations. The tokens of the completion and the end-of-text count for the loss; in a row without a prompt,
    /// which is taken as it is, all tokens after the first do.
    /// </summary>
    /// <param name="rows">The rows.</param>
    /// <param name="report">Counts what becomes of them.</param>
    /// <returns>The rows kept, in order; at least one.</returns>
    /// <exception cref="InputException">A row does not fit, or none is left.</exception>
    public IReadOnlyList<TokenRow> Demonstrations(IEnumerable<Demonstration> rows, DataReport report)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var kept = new List<TokenRow>();
        foreach (Demonstration row in rows)
        {
            report.Rows++;
            int[] prompt = row.Prompt is { } content ? Prompt(content, row.Place) : [];
            int[] completion = Ids(row.Completion, row.Prompt is null ? "tokens" : "completion", row.Place);
            TokenRow whole = row.Prompt is null ? new TokenRow(completion, 1) : Join(prompt, completion);
            if (whole.Counted == 0)
                throw row.Place.Error($"the row has {whole.Tokens.Length} token, and nothing comes before it to predict it from; give it a prompt");
            TokenRow? fitted = Fit(whole, row.Place, out bool cut);
            if (fitted is not { Counted: > 0 })
            {
                report.Dropped++;
                continue;
            }
            report.Truncated += cut ? 1 : 0;
            report.Tokens += fitted.Tokens.Length;
            kept.Add(fitted);
        }
        return NotEmpty(kept, report);
    }

    /// <summary>
    /// Encodes rankings and lists their pairs. A ranking whose answers are all tied is left out and counted; a row is
    /// too long if one of its answers is, and is dropped as a whole.
    /// </summary>
    /// <param name="rows">The rows.</param>
    /// <param name="report">Counts what becomes of them.</param>
    /// <returns>The rows kept, in order; at least one.</returns>
    /// <exception cref="InputException">A row does not fit, or none is left.</exception>
    public IReadOnlyList<RankedRow> Rankings(IEnumerable<Ranking> rows, DataReport report)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var kept = new List<RankedRow>();
        foreach (Ranking row in rows)
        {
            report.Rows++;
            int[] prompt = Prompt(row.Prompt, row.Place);
            int k = row.Completions.Count;
            var answers = new TokenRow[k];
            bool anyCut = false;
            bool dropped = false;
            for (int i = 0; i < k; i++)
            {
                TokenRow whole = Join(prompt, Ids(row.Completions[i], $"completions[{i}]", row.Place));
                if (whole.Tokens.Length == 0)
                    throw row.Place.Error("prompt and answer are both empty");
                TokenRow? fitted = Fit(whole, row.Place, out bool cut);
                anyCut |= cut;
                // Without a token of its own a cut answer could not be told from the others.
                dropped |= fitted is null || (cut && fitted.Tokens.Length <= prompt.Length);
                answers[i] = fitted ?? whole;
            }
            if (dropped)
            {
                report.Dropped++;
                continue;
            }
            AnswerPair[] pairs = Pairs(row.Ranks);
            report.Ties += (long)k * (k - 1) / 2 - pairs.Length;
            if (pairs.Length == 0)
            {
                report.WithoutPairs++;
                continue;
            }
            report.Truncated += anyCut ? 1 : 0;
            report.Pairs += pairs.Length;
            foreach (AnswerPair pair in pairs)
                report.IdenticalPairs += answers[pair.Better].Tokens.AsSpan().SequenceEqual(answers[pair.Worse].Tokens) ? 1 : 0;
            foreach (TokenRow answer in answers)
                report.Tokens += answer.Tokens.Length;
            kept.Add(new RankedRow(answers, [.. row.Ranks], pairs, row.Labeler));
        }
        return NotEmpty(kept, report);
    }

    /// <summary>Encodes prompts; <c>maxLength</c> is the limit of a prompt here. No end-of-text is added.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="report">Counts what becomes of them.</param>
    /// <returns>The prompts kept, in order; at least one.</returns>
    /// <exception cref="InputException">A row does not fit, or none is left.</exception>
    public IReadOnlyList<EncodedPrompt> Prompts(IEnumerable<PromptRow> rows, DataReport report)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var kept = new List<EncodedPrompt>();
        foreach (PromptRow row in rows)
        {
            report.Rows++;
            int[] tokens = Prompt(row.Prompt, row.Place);
            string? text = row.Prompt.Text is { } prompt ? _before + prompt + _after : null;
            if (tokens.Length == 0)
                throw row.Place.Error("the prompt is empty, and a model cannot begin from nothing; give at least one token");
            if (IsTooLong(tokens.Length, row.Place))
            {
                if (_onTooLong == OnTooLong.Drop)
                {
                    report.Dropped++;
                    continue;
                }
                // What the answer must follow is the end of the prompt.
                tokens = tokens[^_maxLength..];
                report.Truncated++;
            }
            report.Tokens += tokens.Length;
            kept.Add(new EncodedPrompt(tokens, text, row.Fields, row.Place));
        }
        return NotEmpty(kept, report);
    }

    /// <summary>
    /// Puts documents one after the other, each closed by the end-of-text token where there is one, and cuts the stream into
    /// windows of <c>maxLength + 1</c> tokens. An empty document adds nothing.
    /// </summary>
    /// <param name="rows">The documents.</param>
    /// <param name="report">Counts what becomes of them.</param>
    /// <returns>The windows; at least one.</returns>
    /// <exception cref="InputException">A document does not fit, or there are fewer than two tokens in all.</exception>
    public TokenWindows Windows(IEnumerable<Document> rows, DataReport report)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var stream = new List<int>();
        foreach (Document row in rows)
        {
            report.Rows++;
            int[] tokens = Ids(row.Content, row.Content.Tokens is null ? "text" : "tokens", row.Place);
            if ((long)stream.Count + tokens.Length + 1 > Array.MaxLength)
                throw row.Place.Error($"the text has more than {Array.MaxLength} tokens; split it over several runs");
            stream.AddRange(tokens);
            if (_endOfText is { } end && tokens.Length > 0 && tokens[^1] != end)
                stream.Add(end);
        }
        var windows = new TokenWindows(stream.ToArray(), _maxLength);
        if (windows.Count == 0)
            throw new InputException($"the text has {stream.Count} tokens; at least 2 are needed, one to predict the other from");
        report.LeftOverTokens += windows.LeftOver;
        report.Tokens += stream.Count - windows.LeftOver;
        return windows;
    }

    /// <summary>All pairs of answers with different ranks, in the order of their indices.</summary>
    /// <param name="ranks">The ranks of K answers, 1 is best.</param>
    /// <returns>At most K(K − 1)/2 pairs.</returns>
    public static AnswerPair[] Pairs(IReadOnlyList<int> ranks)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        var pairs = new List<AnswerPair>();
        for (int i = 0; i < ranks.Count; i++)
        {
            for (int j = i + 1; j < ranks.Count; j++)
            {
                if (ranks[i] != ranks[j])
                    pairs.Add(ranks[i] < ranks[j] ? new AnswerPair(i, j) : new AnswerPair(j, i));
            }
        }
        return [.. pairs];
    }

    private int[] Prompt(Content prompt, RowPlace place) =>
        Ids(prompt.Text is { } text ? Content.OfText(_before + text + _after) : prompt, prompt.Text is null ? "prompt_tokens" : "prompt", place);

    private TokenRow Join(int[] prompt, int[] completion)
    {
        bool close = _endOfText is { } end && (completion.Length == 0 || completion[^1] != end);
        int[] tokens = new int[prompt.Length + completion.Length + (close ? 1 : 0)];
        prompt.CopyTo(tokens, 0);
        completion.CopyTo(tokens, prompt.Length);
        if (close)
            tokens[^1] = _endOfText!.Value;
        return new TokenRow(tokens, Math.Max(1, prompt.Length));
    }

    private int[] Ids(Content content, string field, RowPlace place)
    {
        if (content.Text is { } text)
        {
            if (_text is null)
                throw place.Error($"'{field}' is text, and the model has no tokenizer; give --tokenizer DIR, or rows of token ids");
            try
            {
                return _text.Encode(text);
            }
            catch (Exception e) when (e is InputException or ArgumentException)
            {
                throw place.Error($"'{field}': {e.Message}", e);
            }
        }
        int[] ids = content.Tokens!;
        foreach (ref readonly int id in ids.AsSpan())
        {
            if (id < 0 || id >= _vocabularySize)
                throw place.Error($"'{field}' holds the token id {id}; the ids of this model are 0 to {_vocabularySize - 1}");
        }
        return ids;
    }

    /// <summary>The row within the limit; null if it is to be dropped.</summary>
    private TokenRow? Fit(TokenRow row, RowPlace place, out bool cut)
    {
        cut = false;
        if (!IsTooLong(row.Tokens.Length, place))
            return row;
        if (_onTooLong == OnTooLong.Drop)
            return null;
        cut = true;
        return new TokenRow(row.Tokens[.._maxLength], row.CountedFrom);
    }

    private bool IsTooLong(int length, RowPlace place)
    {
        if (length <= _maxLength)
            return false;
        return _onTooLong != OnTooLong.Error
            ? true
            : throw place.Error($"the row has {length} tokens and the limit is {_maxLength}; shorten it, raise maxLength, or set onTooLong to drop or truncate");
    }

    private static List<T> NotEmpty<T>(List<T> kept, DataReport report) =>
        kept.Count > 0 ? kept : throw new InputException($"no row is left to train on ({report})");
}
