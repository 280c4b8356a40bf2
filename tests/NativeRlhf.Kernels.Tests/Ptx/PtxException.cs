namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>What a device would fault on, answer with garbage, or leave to chance; it names the instruction.</summary>
/// <param name="message">What happened.</param>
public sealed class PtxException(string message) : Exception(message);
