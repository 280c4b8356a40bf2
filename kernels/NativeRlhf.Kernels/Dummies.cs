namespace NativeRlhf.Kernels.Ops;
internal sealed class EmbeddingPortable { }
internal sealed class LayerNormPortable { }
internal sealed class MatMulPortable { }
internal sealed class AttentionPortable { }
internal sealed class CachedAttentionPortable { }
internal sealed class ActivationPortable { }
internal sealed class DropoutPortable { }
internal sealed class ElementwisePortable { }
internal sealed class LogProbPortable { }
internal sealed class RankingLossPortable { }
internal sealed class PpoLossPortable { }
internal sealed class NormPortable { }
internal sealed class AdamWPortable { }
internal sealed class SamplingPortable { }
