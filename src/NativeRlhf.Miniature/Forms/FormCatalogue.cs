namespace NativeRlhf.Miniature.Forms;

/// <summary>All forms of task of a world.</summary>
internal sealed class FormCatalogue
{
    private readonly Dictionary<string, Form> byName;

    public FormCatalogue(World world)
    {
        All =
        [
            new SentenceForm(world), new StoryForm(world), new ThanksForm(world), new InviteForm(world), new AdvertForm(world),
            new FactForm(world), new MisconceptionForm(world),
            new ListForm(world),
            new ChatForm(world), new Provocation(world),
            new PastForm(world), new AskForm(world), new PoliteForm(world),
            new SummaryForm(world),
            new ClassForm(world), new SentimentForm(world),
            new RepeatForm(world), new CountForm(world),
            new ReadingForm(world),
            new ExtractionForm(world),
        ];
        byName = All.ToDictionary(form => form.Name, StringComparer.Ordinal);
    }

    public IReadOnlyList<Form> All { get; }

    /// <summary>The form of an instruction.</summary>
    public Form Of(Instruction instruction)
    {
        if (!byName.TryGetValue(instruction.Intent.Form, out Form? form))
        {
            throw new ArgumentException(
                $"\"{instruction.Intent.Form}\" is no form of task; expected one of {string.Join(", ", byName.Keys)}.");
        }

        return form.Knows(instruction.Intent)
            ? form
            : throw new ArgumentException(
                $"This world does not know what the prompt \"{instruction.Prompt.TrimEnd()}\" is about ({instruction.Intent}); was it made with another WorldSize?");
    }
}
