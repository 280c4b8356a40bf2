using System.CommandLine;
using System.Text.Json.Nodes;
using NativeRlhf.Kernels.Verification.Compilation;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.KernelTools;

/// <summary>The compiled text of kernels, and what it contains.</summary>
internal static class KernelCompilation
{
    // Addresses of global memory are mostly generic ones.
    private static readonly (string Heading, string[] Kinds)[] Counted =
    [
        ("fma", ["fma"]), ("mul, add", ["muladd"]), ("mma.sync", ["mma.sync"]), ("ldmatrix", ["ldmatrix"]), ("cp.async", ["cp.async"]), ("ld", ["ld.global", "ld.generic"]),
        ("st", ["st.global", "st.generic"]), ("ld.shared", ["ld.shared"]), ("st.shared", ["st.shared"]), ("bar", ["bar"]), ("atom", ["atom"]), ("branch", ["branch"]),
    ];

    public static Command Create()
    {
        var command = new Command("compile", """
            Compiles kernels to PTX or OpenCL C, for which no GPU has to be there but the ILGPU package, and writes one file each. Of PTX it
            says the registers (virtual ones: the driver gives them places later), shared and local memory, and the instructions by kind.

            Example:  nativerlhf kernels compile --target ptx --arch sm_80 --op matmul --out ptx
            """);
        var target = new Option<string>("--target") { Description = "ptx or opencl", DefaultValueFactory = _ => "ptx", HelpName = "name" };
        target.AcceptOnlyFromAmong("ptx", "opencl");
        var architecture = new Option<string>("--arch") { Description = "ptx: the chip", DefaultValueFactory = _ => "sm_80", HelpName = "sm_NN" };
        var op = new Option<string?>("--op") { Description = "one op (without: all kernels)", HelpName = "name" };
        var output = new Option<string>("--out") { Description = "folder of the files", Required = true, HelpName = "dir" };
        var json = new Option<bool>("--json") { Description = "one JSON object" };
        var verbose = new Option<bool>("--verbose") { Description = "show where an error comes from" };
        foreach (Option option in new Option[] { target, architecture, op, output, json, verbose }) command.Options.Add(option);
        command.SetAction(result =>
        {
            if (KernelCompiler.Absence is { } absence) throw new InputException(absence);
            bool isPtx = result.GetValue(target) == "ptx";
            string directory = result.GetValue(output)!;
            if (File.Exists(directory)) throw new InputException($"{directory}: is a file; choose another --out");
            OutputFolder.MustBeWritable(Path.Combine(directory, "ptx"));
            try
            {
                var kernels = MarkedKernels.Of(result.GetValue(op));
                Directory.CreateDirectory(directory);
                List<(MarkedKernel Kernel, string File, string Text)> compiled = [];
                foreach (var kernel in kernels)
                {
                    string file = Path.Combine(directory, $"{kernel.Name}.{(isPtx ? "ptx" : "cl")}");
                    string text = isPtx ? KernelCompiler.ToPtx(kernel, result.GetValue(architecture)!) : KernelCompiler.ToOpenCl(kernel);
                    File.WriteAllText(file, text);
                    compiled.Add((kernel, file, text));
                }

                if (result.GetValue(json)) Console.WriteLine(Json(compiled, isPtx).ToJsonString(JsonStyle.Line));
                else if (isPtx) WritePtx(compiled);
                else WriteOpenCl(compiled);
            }
            catch (ArgumentException exception)
            {
                throw new InputException(exception.Message, exception);
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static void WritePtx(List<(MarkedKernel Kernel, string File, string Text)> compiled)
    {
        var table = new ResultTable(["<kernel", "f32", "b32", "b64", "pred", "shared", "local", "instr.", .. Counted.Select(column => column.Heading), "of 128 bits"]);
        foreach (var (kernel, _, text) in compiled)
        {
            var statistics = PtxStatistics.Parse(text);
            table.Add(
            [
                kernel.Name, Registers("f32"), Registers("b32"), Registers("b64"), Registers("pred"),
                statistics.UsesDynamicShared ? $"{statistics.SharedBytes}+" : $"{statistics.SharedBytes}", $"{statistics.LocalBytes}", $"{statistics.Total}",
                .. Counted.Select(column => $"{column.Kinds.Sum(statistics.Count)}"), $"{statistics.Instructions.Where(entry => entry.Key.EndsWith(".128", StringComparison.Ordinal)).Sum(entry => entry.Value)}",
            ]);

            string Registers(string type) => $"{statistics.Registers.GetValueOrDefault(type)}";
        }

        table.Write();
        Console.WriteLine($"{compiled.Count} kernels. Registers are virtual, by type; shared and local memory in bytes (+: more at launch).");
    }

    private static void WriteOpenCl(List<(MarkedKernel Kernel, string File, string Text)> compiled)
    {
        var table = new ResultTable("<kernel", "lines", "barriers", "<file");
        foreach (var (kernel, file, text) in compiled) table.Add(kernel.Name, $"{Occurrences(text, "\n")}", $"{Occurrences(text, "barrier(")}", file);
        table.Write();
    }

    private static JsonObject Json(List<(MarkedKernel Kernel, string File, string Text)> compiled, bool isPtx) => new()
    {
        ["kernels"] = new JsonArray([.. compiled.Select(entry =>
        {
            var (kernel, file, text) = entry;
            var line = new JsonObject { ["kernel"] = kernel.Name, ["file"] = file };
            if (!isPtx) return (JsonNode)line;
            var statistics = PtxStatistics.Parse(text);
            line["virtual_registers"] = Counts(statistics.Registers);
            line["shared_bytes"] = statistics.SharedBytes;
            line["dynamic_shared"] = statistics.UsesDynamicShared;
            line["local_bytes"] = statistics.LocalBytes;
            line["instructions"] = Counts(statistics.Instructions);
            return line;
        })]),
    };

    private static JsonObject Counts(IReadOnlyDictionary<string, int> counts) => new(counts.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value)));

    private static int Occurrences(string text, string part) => text.Split(part).Length - 1;
}
