using System.CommandLine;
using NativeRlhf.Configuration;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Runner.Iteration;

namespace NativeRlhf.Runner.Commands;

/// <summary>Iterated RLHF from a plan.</summary>
internal static class IterateCommand
{
    public static Command Create()
    {
        var command = new Command("iterate", """
            Iterated RLHF: in every round the current policy answers prompts, a judge ranks the answers, a reward model is trained on the
            comparisons of all rounds so far, and the policy is trained on (by ppo, raft or dpo). The plan is a file of JSON; rounds are
            folders round-001, round-002, … with ordinary runs, and rounds.jsonl says how each went.

            Example:  nativerlhf iterate --plan plan.json --out runs/iterate
            """);
        var plan = new Option<string>("--plan") { Description = "plan (JSON; comments allowed)", Required = true, HelpName = "file" };
        var set = new Option<string[]>("--set") { Description = "a setting that wins over the plan, as in rounds=5 or ppo.klCoef=0.1 (repeatable)", HelpName = "key=value" };
        var output = new Option<string>("--out") { Description = "folder of the rounds", Required = true, HelpName = "dir" };
        var resume = new Option<bool>("--resume") { Description = "continue the iteration in --out" };
        foreach (Option option in new Option[] { plan, set, output, resume }) command.Options.Add(option);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            var settings = ConfigurationLoader.Load<IterationPlan>(result.GetValue(plan), result.GetValue(set));
            using var device = compute.Open(result);
            using var interruption = new Interruption();
            return new IteratedTraining(settings, device, compute.Seed(result), result.GetValue(output)!, interruption.Token).Run(result.GetValue(resume));
        });
        return command;
    }
}
