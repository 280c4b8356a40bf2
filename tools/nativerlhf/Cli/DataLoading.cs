using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Model;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Cli;

/// <summary>From data files to encoded rows, for one model.</summary>
internal sealed class DataLoading(GptConfig model, TextTokenizer? tokenizer)
{
    /// <summary>What was read, a line for each set of files.</summary>
    public List<string> Notes { get; } = [];

    public IReadOnlyList<TokenRow> Windows(string label, IReadOnlyList<string> files, TrainerConfiguration configuration)
    {
        int length = MaxLength(configuration.MaxLength);
        var report = new DataReport();
        var windows = new RowEncoder(tokenizer, model.VocabularySize, model.EosToken, length).Windows(files.SelectMany(RowReader.Documents), report);
        Notes.Add($"{label}: {windows.Count:N0} windows of {length} tokens; {report}");
        return [.. Enumerable.Range(0, windows.Count).Select(i => new TokenRow(windows[i].ToArray(), 1))];
    }

    public IReadOnlyList<TokenRow> Demonstrations(string label, IReadOnlyList<string> files, PromptTrainerConfiguration configuration) =>
        Noted(label, report => Encoder(configuration).Demonstrations(files.SelectMany(RowReader.Demonstrations), report));

    public IReadOnlyList<RankedRow> Rankings(string label, IReadOnlyList<string> files, PromptTrainerConfiguration configuration) =>
        Noted(label, report => Encoder(configuration).Rankings(files.SelectMany(RowReader.Rankings), report));

    public IReadOnlyList<EncodedPrompt> Prompts(string label, IReadOnlyList<string> files, int maxLength, OnTooLong onTooLong, string template) =>
        Noted(label, report => new RowEncoder(tokenizer, model.VocabularySize, model.EosToken, maxLength, onTooLong, template).Prompts(files.SelectMany(RowReader.Prompts), report));

    /// <summary>Prompts that leave room for an answer within maxLength.</summary>
    public IReadOnlyList<EncodedPrompt> Prompts(string label, IReadOnlyList<string> files, PromptTrainerConfiguration configuration, int responseLength)
    {
        int room = MaxLength(configuration.MaxLength) - responseLength;
        if (room < 1) throw new InputException($"responseLength {responseLength} leaves no room for a prompt within {MaxLength(configuration.MaxLength)} tokens");
        return Prompts(label, files, room, configuration.OnTooLong, configuration.PromptTemplate);
    }

    /// <summary>The configured length, or the model's context, which it must not exceed.</summary>
    public int MaxLength(int? configured)
    {
        if (configured > model.Positions) throw new InputException($"maxLength is {configured}, but the model has {model.Positions} positions (n_positions)");
        return configured ?? model.Positions;
    }

    private RowEncoder Encoder(PromptTrainerConfiguration configuration) => new(
        tokenizer, model.VocabularySize, model.EosToken, MaxLength(configuration.MaxLength), configuration.OnTooLong, configuration.PromptTemplate);

    private IReadOnlyList<T> Noted<T>(string label, Func<DataReport, IReadOnlyList<T>> read)
    {
        var report = new DataReport();
        var rows = read(report);
        Notes.Add($"{label}: {report}");
        return rows;
    }
}
