using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeRlhf.Data;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Runner.Demo;
using NativeRlhf.Runner.Stages;

namespace NativeRlhf.Runner.Commands;

/// <summary>The whole method, small.</summary>
internal static class DemoCommand
{
    /// <summary>What a nat of pretraining loss counts in the demo's PPO-ptx, where a policy loss is of the order of 0.1.</summary>
    private const double PtxCoefficient = 0.1;

    public static Command Create()
    {
        var command = new Command("demo", """
            Runs the whole method in a small world that it makes: pretraining, SFT, comparisons, reward model, PPO; then compares the models.

            Example:  nativerlhf demo
            """);
        var output = new Option<string?>("--out") { Description = "folder of all files (default: runs/demo, runs/demo-2, …)", HelpName = "dir" };
        var quick = new Option<bool>("--quick") { Description = "every stage once, in seconds; too short to show the method's effect" };
        var ptx = new Option<bool>("--ptx") { Description = "a second PPO run with pretraining text mixed in (PPO-ptx), beside the first in the table" };
        command.Options.Add(output);
        command.Options.Add(quick);
        command.Options.Add(ptx);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            string folder = result.GetValue(output) ?? FreeFolder();
            OutputFolder.MustBeNew(folder);
            using var cancel = new CancellationTokenSource();
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
            {
                context.Cancel = true;
                cancel.Cancel();
            });
            var clock = Stopwatch.StartNew();
            using var device = compute.Open(result);
            Console.WriteLine($"NativeRlhf {Versions.Product} on {device.Name}; ILGPU: {Versions.Ilgpu}; files: {folder}");
            var settings = result.GetValue(quick) ? DemoSettings.Quick : DemoSettings.Full;
            if (result.GetValue(ptx)) settings = settings with { PtxCoefficient = PtxCoefficient };
            new DemoPipeline(settings, new MethodStages(device, compute.Seed(result), quiet: false, cancel.Token), folder).Run();
            Console.WriteLine($"""

                {clock.Elapsed.TotalSeconds:0} seconds. Everything is in {folder}; report.json has the table.

                What to type next:
                  nativerlhf generate --model {folder}/ppo/final --prompts {folder}/data/test-prompts.jsonl --max-new-tokens 32
                  nativerlhf chat --model {folder}/ppo/final --single --prompt-template $'{RowEncoder.PromptPlaceholder}\n' --max-new-tokens 32 --temperature 0.7
                  nativerlhf score --model {folder}/reward/final --data {folder}/data/demonstrations.jsonl --out scores.jsonl
                  nativerlhf ppo --policy {folder}/sft/final --reward {folder}/reward/final --prompts {folder}/data/prompts.jsonl --set klCoef=0 --set responseLength=32 --set steps=100 --set batchSize=128 --set miniBatchSize=32 --set learningRate=3e-4 --out {folder}/ppo-without-kl
                """);
            return ExitCodes.Done;
        });
        return command;
    }

    private static string FreeFolder()
    {
        string first = Path.Combine("runs", "demo");
        return Enumerable.Range(1, int.MaxValue).Select(i => i == 1 ? first : $"{first}-{i}").First(path => !Path.Exists(path));
    }
}
