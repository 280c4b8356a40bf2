using BenchmarkDotNet.Running;

// All benchmarks, or those chosen: dotnet run -c Release --project bench/NativeRlhf.Bench -- --filter '*MatMul*'
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
