using NativeRlhf.Miniature;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Runner.Stages;

namespace NativeRlhf.Runner.Demo;

/// <summary>The method of the paper from raw text to the aligned policy, in the small world of NativeRlhf.Miniature.</summary>
internal sealed class DemoPipeline(DemoSettings settings, MethodStages stages, string folder)
{
    private readonly World _world = new((long)stages.Seed, WorldSize.Demo);

    /// <summary>Runs all stages and prints the report.</summary>
    public void Run()
    {
        Heading(1, "the world: text from the web, instructions, demonstrations");
        string data = Place("data");
        var files = new WorldStage(data);
        var instructions = new Instructions(_world);
        var written = new WorldFiles(_world, settings.World);
        foreach (string line in WorldFolder.Write(data, [written.Web, written.WebHeldOut, written.Demonstrations, written.Prompts, written.TestPrompts])) Console.WriteLine($"data/{line}");
        var tokenizer = files.TrainTokenizer(settings.VocabularySize);
        Console.WriteLine($"byte-level BPE of {tokenizer.VocabularySize} tokens");

        Heading(2, "pretraining on the web text");
        int parameters = stages.Initialize(settings.Layers, settings.Heads, settings.Width, settings.Positions, tokenizer, Place("initial"));
        Console.WriteLine($"{settings.Layers} layers of width {settings.Width}, {parameters:N0} parameters");
        stages.Pretrain(settings.Pretraining, Place("initial"), files, Place("pretrain"));

        Heading(3, "supervised fine-tuning on demonstrations");
        stages.Sft(settings.Sft, Place("pretrain/final"), files, Place("sft"));

        Heading(4, "comparisons: labelers rank answers of the SFT model");
        stages.Compare(settings.Comparisons, _world, instructions, Place("sft/final"), data, Console.WriteLine);

        Heading(5, "reward model from the rankings");
        stages.Reward(settings.Reward, Place("sft/final"), data, files, Place("reward"));

        Heading(6, "PPO against the reward model");
        Ppo("ppo", 0);
        if (settings.PtxCoefficient > 0) Ppo("ppo-ptx", settings.PtxCoefficient);

        Heading(7, "what changed");
        new DemoReport(settings, stages, _world, files, Place).Write();

        void Ppo(string name, double ptxCoefficient) =>
            stages.Ppo(name, settings.Ppo with { PtxCoef = ptxCoefficient }, Place("sft/final"), Place("reward/final"), files, Place(name));
    }

    private string Place(string name) => Path.Combine(folder, name);

    private static void Heading(int number, string text) => Console.WriteLine($"\n[{number}/7] {text}");
}
