using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ops;

public class AdamWTests(string device, string variant) : OpTests(device, variant)
{
    [Test]
    public void Five_steps([Values] AdamForm form, [Values(0f, 0.1f)] float weightDecay)
    {
        foreach (int length in Pick([1, 17, 693, 20_001], new[] { 1, 693 }))
        {
            double[] w = TestData.Normal(1, length), m = new double[length], v = new double[length];
            Tensor weights = Bench.Upload(w), firstMoments = Bench.Upload(m), secondMoments = Bench.Upload(v);
            for (int t = 1; t <= 5; t++)
            {
                var step = new AdamWStep(0.01f * t, 0.9f, 0.95f, 1e-5f, weightDecay, t == 3 ? 0.25f : 1, t, form);
                double[] g = TestData.Normal(10 + t, length, t == 2 ? 1e-5 : 0.1);
                Reference.AdamW.Step(
                    w, g, m, v, step.LearningRate, step.Beta1, step.Beta2, step.Epsilon, step.WeightDecay, step.GradientScale, t, form == AdamForm.TensorFlow);
                Kernels.AdamW.Step(weights, Bench.Upload(g), firstMoments, secondMoments, step);
            }

            AssertClose(weights, w, 5, $"weights, {length}");
            AssertClose(firstMoments, m, 5, $"first moments, {length}");
            AssertClose(secondMoments, v, 5, $"second moments, {length}");
        }
    }

    [Test]
    public void The_update_of_zero_weights_is_accurate_by_itself([Values] AdamForm form)
    {
        const int length = 693;
        var step = new AdamWStep(3e-4f, 0.9f, 0.999f, 1e-8f, 0.1f, 0.5f, 7, form);
        double[] w = new double[length], g = TestData.Normal(1, length, 1e-3), m = TestData.Normal(2, length, 1e-3), v = [.. TestData.Normal(3, length, 1e-3).Select(x => (double)(float)(x * x))];
        Tensor weights = Bench.Upload(w), firstMoments = Bench.Upload(m), secondMoments = Bench.Upload(v);
        Reference.AdamW.Step(
            w, g, m, v, step.LearningRate, step.Beta1, step.Beta2, step.Epsilon, step.WeightDecay, step.GradientScale, 7, form == AdamForm.TensorFlow);
        Kernels.AdamW.Step(weights, Bench.Upload(g), firstMoments, secondMoments, step);
        AssertClose(weights, w, 1, "weights");
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        int length = bench.IsSimulated ? 693 : 50_001;
        Tensor weights = bench.Upload(TestData.Normal(1, length)), gradients = bench.Upload(TestData.Normal(2, length));
        Tensor firstMoments = bench.Upload(new double[length]), secondMoments = bench.Upload(new double[length]);
        foreach (var form in Enum.GetValues<AdamForm>())
            bench.Kernels.AdamW.Step(weights, gradients, firstMoments, secondMoments, new AdamWStep(0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, 1, 1, form));
        return [weights, firstMoments, secondMoments];
    }
}
