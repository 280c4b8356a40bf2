using System.CommandLine;
using System.Text.Json.Nodes;
using NativeRlhf.Kernels;
using NativeRlhf.Kernels.Verification.Catalogue;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.KernelTools;

/// <summary>Which variants every op has.</summary>
internal static class KernelList
{
    public static Command Create()
    {
        var command = new Command("list", """
            Lists every op: its methods, the variants that it has on this device, the default first, and what each variant needs.

            Example:  nativerlhf kernels list --device cpu
            """);
        var options = new KernelOptions(command, variants: null);
        command.SetAction(result =>
        {
            using var device = options.Open(result);
            var cases = KernelVerification.Cases(options.Op(result));
            string[] ops = [.. cases.Select(definition => definition.Op).Distinct()];
            if (options.Json(result))
            {
                Console.WriteLine(new JsonObject
                {
                    ["device"] = device.Name,
                    ["ilgpu"] = Versions.Ilgpu,
                    ["ops"] = new JsonArray([.. ops.Select(op =>
                    {
                        var here = KernelSet.Variants(device, op);
                        return (JsonNode)new JsonObject
                        {
                            ["op"] = op,
                            ["methods"] = new JsonArray([.. Methods(cases, op).Select(method => (JsonNode)method)]),
                            ["default"] = device.Kernels.Chosen[op],
                            ["variants"] = new JsonArray([.. KernelSet.AllVariants(op).Select(variant => (JsonNode)new JsonObject
                            {
                                ["name"] = variant.Name,
                                ["precisions"] = new JsonArray([.. variant.Precisions.Select(precision => (JsonNode)precision)]),
                                ["needs"] = variant.Needs,
                                ["here"] = here.Contains(variant.Name),
                            })]),
                        };
                    })]),
                }.ToJsonString(JsonStyle.Line));
                return ExitCodes.Done;
            }

            Console.WriteLine($"{device.Name}; ILGPU: {Versions.Ilgpu}");
            var table = new ResultTable("<op", "<default", "<others on this device", "<methods");
            foreach (string op in ops)
            {
                string chosen = device.Kernels.Chosen[op];
                table.Add(op, chosen, string.Join(", ", KernelSet.Variants(device, op).Where(variant => variant != chosen)), string.Join(", ", Methods(cases, op)));
            }

            table.Write();
            var variants = new ResultTable("<variant", "<precision", "<needs", "<here");
            foreach (var variant in ops.SelectMany(KernelSet.AllVariants).GroupBy(variant => variant.Name).Select(group => group.MaxBy(variant => variant.Precisions.Count)!))
                variants.Add(variant.Name, string.Join(", ", variant.Precisions), variant.Needs, ops.Any(op => KernelSet.Variants(device, op).Contains(variant.Name)) ? "yes" : "no");
            variants.Write();
            return ExitCodes.Done;
        });
        return command;
    }

    private static IEnumerable<string> Methods(IEnumerable<OpCase> cases, string op) => cases.Where(definition => definition.Op == op).Select(definition => definition.Method);
}
