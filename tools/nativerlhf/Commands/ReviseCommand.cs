using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Feedback;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Rollout;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Commands;

/// <summary>Constitutional AI: answers criticised and revised by principles.</summary>
internal static class ReviseCommand
{
    private const string Exec = "exec:";

    public static Command Create()
    {
        var command = new Command("revise", """
            Answers each prompt, then criticises and revises the answer by principles of a constitution (Bai et al. 2022), as rows ready
            for: nativerlhf sft

            Example:  nativerlhf revise --model runs/sft/final --prompts red-team.jsonl --constitution constitution.json --rounds 2 --out revised.jsonl
            """);
        var modelOption = new Option<string>("--model") { Description = "model directory that answers", Required = true, HelpName = "dir" };
        var prompts = PretrainCommand.DataOption("--prompts", "rows with prompt");
        prompts.Required = true;
        var constitutionOption = new Option<string>("--constitution") { Description = "principles and templates (JSON; comments allowed)", Required = true, HelpName = "file" };
        var rounds = new Option<int>("--rounds") { Description = "revisions of each answer", DefaultValueFactory = _ => 1, HelpName = "n" };
        var critic = new Option<string?>("--critic") { Description = "what writes critiques: a model directory or exec:COMMAND (default: the reviser)", HelpName = "spec" };
        var reviser = new Option<string?>("--reviser") { Description = "what writes revisions: a model directory or exec:COMMAND (default: --model)", HelpName = "spec" };
        var critiqueTokens = new Option<int?>("--max-critique-tokens") { Description = "the most tokens of a critique (default: as of an answer)", HelpName = "n" };
        var judge = new Option<string[]>("--judge") { Description = $"score all versions of an answer and keep the best, not the last: {RewardSpec.Help}", HelpName = "spec" };
        var output = new Option<string>("--out") { Description = "file of JSON lines to write; must not exist", Required = true, HelpName = "file" };
        foreach (Option option in new Option[] { modelOption, prompts, constitutionOption, rounds, critic, reviser, critiqueTokens, judge, output }) command.Options.Add(option);
        var sampling = new SamplingArguments(command);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            string file = result.GetValue(output)!, directory = result.GetValue(modelOption)!;
            int n = result.GetValue(rounds);
            string[] specs = result.GetValue(judge) ?? [];
            var settings = sampling.Read(result);
            if (Path.Exists(file)) throw new InputException($"{file}: exists; choose another --out");
            SamplingArguments.Require(n >= 1, "--rounds must be at least 1");
            SamplingArguments.Require(result.GetValue(critiqueTokens) is null or >= 1, "--max-critique-tokens must be at least 1");
            var constitution = Constitution.Load(result.GetValue(constitutionOption)!);
            SamplingArguments.Require(constitution.ForRevision.Count > 0, $"{result.GetValue(constitutionOption)}: no principle has a 'revision' request; give one");
            PromptRow[] rows = [.. result.GetValue(prompts)!.SelectMany(RowReader.Prompts)];
            SamplingArguments.Require(rows.Length > 0, $"{result.GetValue(prompts)![0]}: holds no prompt");
            if (rows.FirstOrDefault(row => row.Prompt.Text is null) is { } ids) throw ids.Place.Error("the prompt is token ids, but critiques and revisions are text; give prompts as text");

            using var device = compute.Open(result);
            ulong seed = compute.Seed(result);
            using var models = new Disposables<Gpt>();
            var loaded = new Dictionary<string, (Gpt Model, TextTokenizer Tokenizer)>();
            var (model, tokenizer) = Load(directory);
            var encoded = settings.Encoder(model.Config, tokenizer).Prompts(rows, new DataReport());
            var options = settings.Options(model.Config, seed);
            int longest = encoded.Max(prompt => prompt.Tokens.Length);
            using var reviserWriter = Writer(result.GetValue(reviser) ?? directory, options.MaxNewTokens);
            using var criticWriter = Writer(result.GetValue(critic) ?? result.GetValue(reviser) ?? directory, result.GetValue(critiqueTokens) ?? options.MaxNewTokens);
            using var scorer = specs.Length > 0 ? RewardSpec.Open(specs, device, model.Config, model.Config.Positions) : null;

            PromptAnswer[] answers;
            using (var sampler = new PromptSampler(model, tokenizer, rows.Length, longest, options.MaxNewTokens)) answers = sampler.Answer(encoded, options);
            DraftAnswer[] drafts = [.. answers.Select(answer => new DraftAnswer(answer.Prompt.Text!, answer.Text!, answer.Prompt.Place))];
            var revisions = ConstitutionalRevision.Revise(constitution, drafts, n, criticWriter, reviserWriter, seed);

            var whole = new RowEncoder(tokenizer, model.Config.VocabularySize, model.Config.EosToken, model.Config.Positions, promptTemplate: settings.Template);
            List<JsonObject> lines = [];
            int changed = 0;
            double initialScore = 0, keptScore = 0;
            for (int i = 0; i < rows.Length; i++)
            {
                string[] versions = [drafts[i].Text, .. revisions[i].Select(revision => revision.Text)];
                double[] scores = scorer?.Score([.. versions.Select(version => Request(i, version))]) ?? [];
                // Of equal scores the later, which has been revised more often.
                int kept = scores.Length == 0 ? n : Enumerable.Range(0, versions.Length).Reverse().MaxBy(version => scores[version]);
                if (versions[kept].Length == 0) continue; // no demonstration
                var line = AnswerRows.Begin(rows[i]);
                line["completion"] = versions[kept];
                line["initial"] = versions[0];
                line["revisions"] = new JsonArray([.. revisions[i].Select(ToJson)]);
                if (scores.Length > 0)
                {
                    line["scores"] = AnswerRows.Array(scores);
                    line["labeler"] = string.Join(" + ", specs);
                    initialScore += scores[0];
                    keptScore += scores[kept];
                }

                line["model"] = directory;
                line["sampling"] = settings.ToJson(options);
                lines.Add(line);
                changed += versions[kept] == versions[0] ? 0 : 1;
            }

            SamplingArguments.Require(lines.Count > 0, "all answers are empty; the models end at once");
            JsonLines.Write(file, lines);
            string empty = lines.Count < rows.Length ? $"; {rows.Length - lines.Count} prompts dropped, whose answers stayed empty" : "";
            string scored = specs.Length > 0 ? string.Create(CultureInfo.InvariantCulture, $"; mean score {initialScore / lines.Count:0.####} before, {keptScore / lines.Count:0.####} after") : "";
            Console.WriteLine($"{file}: {lines.Count:N0} answers, {changed:N0} of them changed by {n} revision{(n == 1 ? "" : "s")}{scored}{empty}");
            return ExitCodes.Done;

            (Gpt Model, TextTokenizer Tokenizer) Load(string folder)
            {
                if (loaded.TryGetValue(folder, out var known)) return known;
                var gpt = folder == directory ? settings.Load(device, folder) : ModelDirectory.Load(device, folder, ScoreHead.None);
                models.Add(gpt);
                var own = (folder == directory ? settings.Tokenizer(folder) : TextTokenizer.TryLoad(folder))
                    ?? throw new InputException($"{folder}: has no tokenizer, but critiques and revisions are text");
                own.RequireWithin(gpt.Config.VocabularySize, folder == directory ? null : folder);
                return loaded[folder] = (gpt, own);
            }

            IWriter Writer(string spec, int maxNewTokens)
            {
                if (spec.StartsWith(Exec, StringComparison.Ordinal)) return new CommandWriter(spec[Exec.Length..]);
                var (writer, itsTokenizer) = Load(spec);
                return new ModelWriter(writer, itsTokenizer, constitution.Stop, options with { MaxNewTokens = maxNewTokens });
            }

            RewardRequest Request(int i, string version)
            {
                var demonstration = new Demonstration(rows[i].Prompt, Content.OfText(version), rows[i].Place);
                return new RewardRequest(drafts[i].Prompt, version, whole.Demonstrations([demonstration], new DataReport())[0].Tokens, rows[i].Fields);
            }
        });
        return command;
    }

    private static JsonObject ToJson(Revision revision)
    {
        var json = new JsonObject { ["principle"] = revision.Principle };
        if (revision.Critique is not null) json["critique"] = revision.Critique;
        json["revision"] = revision.Text;
        return json;
    }
}
