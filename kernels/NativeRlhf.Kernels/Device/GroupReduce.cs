using ILGPU;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// Reductions over a one-dimensional group, in a fixed order and with three barriers: a few lanes reduce what all have
/// written, then every thread reduces what those have. All threads call together and all get the result. <c>shared</c>
/// has a place for each of them and may be reused at once.
/// </summary>
internal static class GroupReduce
{
    /// <summary>The lanes of the first stage: about the square root of the group size.</summary>
    private static int Lanes => Math.Min(Group.DimX, Group.DimX >= 64 ? 16 : 2);

    /// <summary>The sum over the group.</summary>
    public static float Sum(ArrayView<float> shared, float value)
    {
        int lane = Group.IdxX, lanes = Lanes;
        shared[lane] = value;
        Group.Barrier();
        if (lane < lanes)
        {
            for (int i = lane + lanes; i < Group.DimX; i += lanes) value += shared[i];
            shared[lane] = value;
        }

        Group.Barrier();
        float sum = shared[0];
        for (int i = 1; i < lanes; i++) sum += shared[i];
        Group.Barrier();
        return sum;
    }

    /// <summary>Four sums at once.</summary>
    public static Float4 Sum(ArrayView<Float4> shared, Float4 value)
    {
        int lane = Group.IdxX, lanes = Lanes;
        shared[lane] = value;
        Group.Barrier();
        if (lane < lanes)
        {
            for (int i = lane + lanes; i < Group.DimX; i += lanes) value = value.Add(1, shared[i]);
            shared[lane] = value;
        }

        Group.Barrier();
        var sum = shared[0];
        for (int i = 1; i < lanes; i++) sum = sum.Add(1, shared[i]);
        Group.Barrier();
        return sum;
    }

    /// <summary>The maximum over the group.</summary>
    public static float Max(ArrayView<float> shared, float value)
    {
        int lane = Group.IdxX, lanes = Lanes;
        shared[lane] = value;
        Group.Barrier();
        if (lane < lanes)
        {
            for (int i = lane + lanes; i < Group.DimX; i += lanes) value = MathF.Max(value, shared[i]);
            shared[lane] = value;
        }

        Group.Barrier();
        float max = shared[0];
        for (int i = 1; i < lanes; i++) max = MathF.Max(max, shared[i]);
        Group.Barrier();
        return max;
    }

    /// <summary>The smallest integer of the group.</summary>
    public static int Min(ArrayView<int> shared, int value)
    {
        int lane = Group.IdxX, lanes = Lanes;
        shared[lane] = value;
        Group.Barrier();
        if (lane < lanes)
        {
            for (int i = lane + lanes; i < Group.DimX; i += lanes) value = Math.Min(value, shared[i]);
            shared[lane] = value;
        }

        Group.Barrier();
        int min = shared[0];
        for (int i = 1; i < lanes; i++) min = Math.Min(min, shared[i]);
        Group.Barrier();
        return min;
    }

    /// <summary>In a group of columns × lanes, the sum over the lanes of each column; only lane 0 (Y = 0) gets it.</summary>
    public static float SumLanes(ArrayView<float> shared, float value)
    {
        int columns = Group.DimX, place = (Group.IdxY * columns) + Group.IdxX;
        shared[place] = value;
        Group.Barrier();
        if (Group.IdxY == 0)
        {
            for (int lane = 1; lane < Group.DimY; lane++) value += shared[(lane * columns) + Group.IdxX];
        }

        return value;
    }

    /// <summary>The same of four sums at once.</summary>
    public static Float4 SumLanes(ArrayView<Float4> shared, Float4 value)
    {
        int columns = Group.DimX, place = (Group.IdxY * columns) + Group.IdxX;
        shared[place] = value;
        Group.Barrier();
        if (Group.IdxY == 0)
        {
            for (int lane = 1; lane < Group.DimY; lane++) value = value.Add(1, shared[(lane * columns) + Group.IdxX]);
        }

        return value;
    }
}
