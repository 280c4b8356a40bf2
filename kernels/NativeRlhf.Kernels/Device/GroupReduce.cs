using ILGPU;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// Tree reductions over a one-dimensional group, in a fixed order. All threads call together and all get the result.
/// <c>shared</c> has a place for each of them and may be reused at once.
/// </summary>
internal static class GroupReduce
{
    /// <summary>The sum over the group.</summary>
    public static float Sum(ArrayView<float> shared, float value)
    {
        int lane = Group.IdxX;
        shared[lane] = value;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (lane < half) shared[lane] += shared[lane + half];
            Group.Barrier();
        }

        float sum = shared[0];
        Group.Barrier();
        return sum;
    }

    /// <summary>The maximum over the group.</summary>
    public static float Max(ArrayView<float> shared, float value)
    {
        int lane = Group.IdxX;
        shared[lane] = value;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (lane < half) shared[lane] = MathF.Max(shared[lane], shared[lane + half]);
            Group.Barrier();
        }

        float max = shared[0];
        Group.Barrier();
        return max;
    }

    /// <summary>The smallest integer of the group.</summary>
    public static int Min(ArrayView<int> shared, int value)
    {
        int lane = Group.IdxX;
        shared[lane] = value;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (lane < half) shared[lane] = Math.Min(shared[lane], shared[lane + half]);
            Group.Barrier();
        }

        int min = shared[0];
        Group.Barrier();
        return min;
    }

    /// <summary>In a group of columns × lanes, the sum over the lanes of each column; only lane 0 (Y = 0) gets it.</summary>
    public static float SumLanes(ArrayView<float> shared, float value)
    {
        int columns = Group.DimX, lane = Group.IdxY;
        int place = (lane * columns) + Group.IdxX;
        shared[place] = value;
        Group.Barrier();
        for (int half = Group.DimY / 2; half > 0; half /= 2)
        {
            if (lane < half) shared[place] += shared[place + (half * columns)];
            Group.Barrier();
        }

        return shared[place];
    }
}
