using System.CommandLine;

namespace NativeRlhf.Runner.Commands;

internal static class DemoCommand
{
    public static Command Create() => new("demo");
}
