using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using NativeRlhf.Kernels;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Measurement;
using NativeRlhf.Kernels.Verification.Catalogue;
using NativeRlhf.Kernels.Verification.Timing;
using NativeRlhf.Kernels.Verification.Vendor;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.KernelTools;

/// <summary>Times of ops beside what the device can do.</summary>
internal static class KernelBench
{
    private const int CpuRows = 256, GpuRows = 16384;

    public static Command Create()
    {
        var command = new Command("bench", """
            Times every op in the shapes of a model: device timers, operands that no cache holds, median and quartiles, operations or
            bytes a second, and the share of the roofline, the least time that the limits measured at the start allow. Matrix products are
            timed beside the vendor's library where it is installed: OpenBLAS, cuBLAS.

            Example:  nativerlhf kernels bench --op matmul --shape gpt2:256
            """);
        var options = new KernelOptions(command, "one variant (repeatable; without: the defaults)");
        var shape = new Option<string>("--shape")
        {
            Description = $"gpt2[:rows], width128[:rows], squares[:n,…], or sizes as in 256,768,3072 (default: gpt2 with {CpuRows} rows on a CPU, {GpuRows} on a GPU)",
            HelpName = "shape",
        };
        var seconds = new Option<double>("--seconds") { Description = "how long to sample each", DefaultValueFactory = _ => 0.3, HelpName = "x" };
        var precision = new Option<string>("--precision") { Description = "how operands are stored that need not be of float32: float32 or bfloat16", DefaultValueFactory = _ => "float32", HelpName = "type" };
        precision.AcceptOnlyFromAmong("float32", "bfloat16");
        command.Options.Add(precision);
        command.Options.Add(shape);
        command.Options.Add(seconds);
        command.SetAction(result =>
        {
            if (!(result.GetValue(seconds) > 0)) throw new InputException("--seconds must be above 0");
            var cases = KernelVerification.Cases(options.Op(result));
            var variants = options.Variants(result) is { Count: > 0 } given ? given.Cast<string?>() : [null];
            List<KernelTime> times = [];
            DeviceLimits? limits = null;
            string name = "";
            bool isJson = options.Json(result);
            foreach (string? variant in variants)
            {
                using var device = options.Open(result, variant, hasTimers: true);
                var timed = Shapes(result.GetValue(shape), cases.Where(definition => (variant is null || device.Kernels.Chosen[definition.Op] == variant) && Takes(device, definition)), device.IsHostMemory);
                if (device.IsHostMemory && !HasSizes(result.GetValue(shape)) && timed.Any(entry => IsLaunched(device, entry.Case)))
                    throw new InputException("on the CPU launched kernels run in a simulator, far too slow for the shapes of a model; give small sizes, as in --shape 16,33,65, or --device cuda");
                if (limits is null)
                {
                    limits = DeviceLimits.Measure(device);
                    name = device.Name;
                    if (!isJson) Console.WriteLine($"{name}: {Figures.Flops(limits.PeakFlops)} of float32 multiply-adds, {Figures.Bytes(limits.ReadBandwidth)} read, {Figures.Bytes(limits.CopyBandwidth)} copied; an empty launch takes {Figures.Time(limits.EmptyLaunch)}{(device.IsHostMemory ? ", simulated" : "")}");
                }

                using var vendors = new Disposables<IVendorProduct>();
                vendors.AddRange(VendorProducts.Load(device));
                var timer = new KernelTimer(device, limits, vendors, result.GetValue(seconds));
                foreach (var (definition, sizes) in timed)
                {
                    try
                    {
                        times.Add(timer.Time(definition, sizes, result.GetValue(precision)!));
                    }
                    catch (ArgumentException exception)
                    {
                        throw new InputException($"{definition.Name}: {exception.Message}", exception);
                    }
                }
            }

            bool Takes(ComputeDevice device, OpCase definition) =>
                definition.Takes(result.GetValue(precision)!) && KernelSet.AllVariants(definition.Op).First(known => known.Name == device.Kernels.Chosen[definition.Op]).Precisions is var precisions && (result.GetValue(precision) == "float32" || precisions.Contains("bfloat16"));

            if (times.Count == 0) throw new InputException($"none of these ops takes {result.GetValue(precision)} on this device; see: nativerlhf kernels list");
            if (isJson) Console.WriteLine(Json(name, limits!, times).ToJsonString(JsonStyle.Line));
            else Write(times);
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>Which shapes to time.</summary>
    /// <param name="text">A preset or sizes; null for the default.</param>
    /// <param name="cases">The cases.</param>
    /// <param name="isCpu">Whether the device is a CPU.</param>
    /// <exception cref="InputException">It is neither, or no case has so many sizes.</exception>
    internal static IReadOnlyList<(OpCase Case, TimedShape Shape)> Shapes(string? text, IEnumerable<OpCase> cases, bool isCpu)
    {
        text ??= "gpt2";
        OpCase[] all = [.. cases];
        if (HasSizes(text))
        {
            int[] sizes = Numbers(text);
            (OpCase, TimedShape)[] fitting = [.. all.Where(definition => definition.Dimensions.Count == sizes.Length).Select(definition => (definition, new TimedShape("", sizes)))];
            string wanted = string.Join("; ", all.Select(definition => $"{definition.Name} has {string.Join(",", definition.Dimensions.Select(dimension => dimension.Name))}").Take(4));
            return fitting.Length > 0 ? fitting : throw new InputException($"--shape {text}: no such op has {sizes.Length} sizes ({wanted}); name one with --op");
        }

        string[] parts = text.Split(':', 2);
        int[] numbers = parts.Length > 1 ? Numbers(parts[1]) : [];
        if (parts[0] == "squares")
        {
            if (numbers.Length == 0) numbers = isCpu ? [256, 512, 1024] : [1024, 2048, 4096, 8192];
            (OpCase, TimedShape)[] squares = [.. from definition in all where definition.Op == "matmul" from n in numbers select (definition, new TimedShape("square", [n, n, n]))];
            return squares.Length > 0 ? squares : throw new InputException("--shape squares is for matmul");
        }

        int rows = numbers.Length == 1 ? numbers[0] : numbers.Length == 0 ? isCpu ? CpuRows : GpuRows : throw new InputException($"--shape {text}: one number of rows, as in gpt2:256");
        var model = parts[0] switch
        {
            "gpt2" => ModelShape.Gpt2(rows),
            "width128" => ModelShape.Width128(rows),
            _ => throw new InputException($"--shape {text} is not known; use gpt2[:rows], width128[:rows], squares[:n,…], or sizes as in 256,768,3072"),
        };
        return [.. from definition in all from sizes in definition.Shapes(model) select (definition, sizes)];

        int[] Numbers(string list) =>
            [.. list.Split(',').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? number : throw new InputException($"--shape {text}: '{part}' is not a positive number"))];
    }

    private static bool HasSizes(string? shape) => shape is { Length: > 0 } && (char.IsDigit(shape[0]) || shape[0] == '-');

    private static bool IsLaunched(ComputeDevice device, OpCase definition) =>
        KernelSet.AllVariants(definition.Op).First(variant => variant.Name == device.Kernels.Chosen[definition.Op]).IsLaunched;

    private static void Write(List<KernelTime> times)
    {
        var table = new ResultTable("<method", "<shape", "<variant", "median", "quartiles", "rate", "of the roofline");
        foreach (var time in times)
        {
            string sizes = time.Case.Format(time.Sizes);
            table.Add(
                time.Roofline, time.Case.Name, time.Label.Length > 0 ? $"{time.Label}: {sizes}" : sizes, time.Precision == "float32" ? time.Variant : $"{time.Variant}, {time.Precision}", Figures.Time(time.Time.Median),
                $"{Figures.Time(time.Time.Lower)} to {Figures.Time(time.Time.Upper)}", Figures.Rate(time.Flops, time.Bytes, time.Time.Median), Figures.Percent(time.Roofline));
            foreach (var vendor in time.Vendors)
            {
                table.Add(
                    "", string.Create(CultureInfo.InvariantCulture, $"  ours is {vendor.Time.Median / time.Time.Median:0.00} × as fast as this"), vendor.Name, Figures.Time(vendor.Time.Median),
                    $"{Figures.Time(vendor.Time.Lower)} to {Figures.Time(vendor.Time.Upper)}", Figures.Rate(time.Flops, time.Bytes, vendor.Time.Median), "");
            }
        }

        table.Write();
    }

    private static JsonObject Json(string device, DeviceLimits limits, List<KernelTime> times) => new()
    {
        ["device"] = device,
        ["ilgpu"] = Versions.Ilgpu,
        ["peak_flops"] = limits.PeakFlops,
        ["read_bandwidth"] = limits.ReadBandwidth,
        ["copy_bandwidth"] = limits.CopyBandwidth,
        ["empty_launch"] = limits.EmptyLaunch,
        ["results"] = new JsonArray([.. times.Select(time => (JsonNode)new JsonObject
        {
            ["method"] = time.Case.Name,
            ["label"] = time.Label,
            ["shape"] = new JsonObject(time.Case.Dimensions.Zip(time.Sizes, (dimension, size) => KeyValuePair.Create(dimension.Name, (JsonNode?)size))),
            ["variant"] = time.Variant,
            ["precision"] = time.Precision,
            ["seconds"] = Seconds(time.Time),
            ["flops"] = time.Flops,
            ["bytes"] = time.Bytes,
            ["flops_per_second"] = time.Flops / time.Time.Median,
            ["bytes_per_second"] = time.Bytes / time.Time.Median,
            ["roofline"] = time.Roofline,
            ["vendors"] = new JsonArray([.. time.Vendors.Select(vendor => (JsonNode)new JsonObject { ["name"] = vendor.Name, ["seconds"] = Seconds(vendor.Time) })]),
        })]),
    };

    private static JsonObject Seconds(CallTime time) => new() { ["median"] = time.Median, ["lower"] = time.Lower, ["upper"] = time.Upper, ["samples"] = time.Samples };
}
