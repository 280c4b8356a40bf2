using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using NativeRlhf.Kernels;
using NativeRlhf.Kernels.Verification;
using NativeRlhf.Kernels.Verification.Catalogue;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.KernelTools;

/// <summary>Every variant against the oracle.</summary>
internal static class KernelVerification
{
    public static Command Create()
    {
        var command = new Command("verify", """
            Proves every variant that this device has against the oracle, loops in double, on random odd shapes. Outputs hold NaN (or
            ones where they are added to) beforehand, and nothing around the operands may be touched. Ends with exit code 1 if a variant
            is wrong, and says how to repeat that case.

            Example:  nativerlhf kernels verify --op matmul --cases 20
            """);
        var options = new KernelOptions(command, "one variant (repeatable; without: all that the device has)");
        var cases = new Option<int?>("--cases") { Description = "shapes of every method (default: 5, and 2 where kernels run in a simulator)", HelpName = "n" };
        var seed = new Option<ulong>("--seed") { Description = "seed of the first shape; the next ones count on", DefaultValueFactory = _ => 42, HelpName = "n" };
        command.Options.Add(cases);
        command.Options.Add(seed);
        command.SetAction(result =>
        {
            if (result.GetValue(cases) is < 1) throw new InputException("--cases must be at least 1");
            var chosen = Cases(options.Op(result));
            IReadOnlyList<string> variants = options.Variants(result);
            if (variants.Count == 0)
            {
                using var device = options.Open(result);
                variants = [.. chosen.Select(definition => definition.Op).Distinct().SelectMany(op => KernelSet.Variants(device, op)).Distinct()];
            }

            bool isJson = options.Json(result);
            var table = new ResultTable("<variant", "<precision", "<method", "shapes", "largest error", "of at most", "<output", "<shape");
            List<Verdict> verdicts = [];
            string name = "";
            foreach (string variant in variants)
            {
                using var device = options.Open(result, variant, hasTimers: false);
                name = device.Name;
                using var verifier = new Verifier(device);
                foreach (var definition in chosen.Where(definition => device.Kernels.Chosen[definition.Op] == variant))
                {
                    var known = KernelSet.AllVariants(definition.Op).First(known => known.Name == variant);
                    int count = result.GetValue(cases) ?? (device.IsHostMemory && known.IsLaunched ? 2 : 5);
                    foreach (string precision in known.Precisions.Where(definition.Takes)) Verify(precision);

                    void Verify(string precision)
                    {
                        List<Verdict> own = [.. Enumerable.Range(0, count).Select(i => verifier.Verify(definition, result.GetValue(seed) + (ulong)i, precision))];
                        verdicts.AddRange(own);
                        var worst = own.MaxBy(verdict => verdict.Failure is null ? verdict.Error == 0 ? 0 : verdict.Error / verdict.Limit : double.PositiveInfinity)!;
                        table.Add(variant, precision, definition.Name, $"{count}", Format(worst.Error), Format(worst.Limit), worst.Output, worst.Failure is null ? worst.Shape : $"FAILED: {worst.Shape}");
                    }
                }
            }

            Verdict[] failed = [.. verdicts.Where(verdict => verdict.Failure is not null)];
            if (isJson)
            {
                Console.WriteLine(new JsonObject
                {
                    ["device"] = name,
                    ["passed"] = failed.Length == 0,
                    ["cases"] = new JsonArray([.. verdicts.Select(verdict => (JsonNode)new JsonObject
                    {
                        ["variant"] = verdict.Variant.Name,
                        ["precision"] = verdict.Precision,
                        ["method"] = verdict.Case.Name,
                        ["seed"] = verdict.Seed,
                        ["shape"] = verdict.Shape,
                        ["output"] = verdict.Output,
                        ["error"] = double.IsFinite(verdict.Error) ? verdict.Error : null,
                        ["limit"] = verdict.Limit,
                        ["failure"] = verdict.Failure,
                    })]),
                }.ToJsonString(JsonStyle.Line));
            }
            else
            {
                Console.WriteLine(name);
                table.Write();
                Console.WriteLine(failed.Length == 0 ? $"{verdicts.Count} cases agree with the oracle." : $"{failed.Length} of {verdicts.Count} cases do not agree with the oracle:");
                foreach (var verdict in failed)
                    Console.WriteLine($"{verdict.Case.Name}, {verdict.Variant.Name}, {verdict.Precision}, {verdict.Shape}: {verdict.Failure}; {verdict.Output} has error {Format(verdict.Error)} of at most {Format(verdict.Limit)}. Again: nativerlhf kernels verify --op {verdict.Case.Name} --variant {verdict.Variant.Name} --seed {verdict.Seed} --cases 1");
            }

            return failed.Length == 0 ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }

    /// <summary>The cases that a name stands for.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static IReadOnlyList<OpCase> Cases(string? name)
    {
        try
        {
            return OpCatalogue.Find(name);
        }
        catch (ArgumentException exception)
        {
            throw new InputException(exception.Message, exception);
        }
    }

    private static string Format(double error) => error == 0 ? "0" : error.ToString("0.0e+0", CultureInfo.InvariantCulture);
}
