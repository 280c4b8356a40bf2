using System.CommandLine;
using BenchmarkDotNet.Running;
using NativeRlhf.Bench.SideBySide;

// Op by op with BenchmarkDotNet:            dotnet run -c Release --project bench/NativeRlhf.Bench -- --filter '*MatMul*'
// Side by side with OpenBLAS and PyTorch:   dotnet run -c Release --project bench/NativeRlhf.Bench -- side-by-side
if (args is ["side-by-side", ..]) return new RootCommand { Comparison.Create() }.Parse(args).Invoke();
BenchmarkSwitcher.FromAssembly(typeof(Comparison).Assembly).Run(args);
return 0;
