namespace NativeRlhf.Reporting.Charts;

/// <summary>What is done to a curve before it is drawn.</summary>
internal static class Curve
{
    /// <summary>
    /// A curve of fewer points that looks the same: of equal stretches of points the lowest and the highest stay, and the first and the
    /// last of all.
    /// </summary>
    /// <param name="points">The points, in order.</param>
    /// <param name="most">The most points of the result, ≥ 4.</param>
    /// <returns>Some of the points, in order; all of them if they are few enough.</returns>
    public static IReadOnlyList<Point> Thin(IReadOnlyList<Point> points, int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 4);
        if (points.Count <= most) return points;
        int buckets = (most - 2) / 2, inner = points.Count - 2;
        List<Point> kept = [points[0]];
        for (int bucket = 0; bucket < buckets; bucket++)
        {
            int from = 1 + (int)((long)inner * bucket / buckets), to = 1 + (int)((long)inner * (bucket + 1) / buckets);
            int low = from, high = from;
            for (int i = from + 1; i < to; i++)
            {
                if (points[i].Y < points[low].Y) low = i;
                if (points[i].Y > points[high].Y) high = i;
            }

            kept.Add(points[Math.Min(low, high)]);
            if (low != high) kept.Add(points[Math.Max(low, high)]);
        }

        kept.Add(points[^1]);
        return kept;
    }

    /// <summary>
    /// The exponential moving average of the values, corrected for its start at zero: s_i = w·s_(i−1) + (1 − w)·y_i, shown as
    /// s_i / (1 − w^i).
    /// </summary>
    /// <param name="points">The points, in order.</param>
    /// <param name="weight">w of the past, from 0 (nothing changes) to below 1.</param>
    /// <returns>As many points, at the same places, without intervals.</returns>
    public static IReadOnlyList<Point> Smooth(IReadOnlyList<Point> points, double weight)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(weight);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(weight, 1);
        double sum = 0, mass = 0;
        var result = new Point[points.Count];
        for (int i = 0; i < result.Length; i++)
        {
            sum = weight * sum + (1 - weight) * points[i].Y;
            mass = weight * mass + (1 - weight);
            result[i] = new Point(sum / mass, points[i].X);
        }

        return result;
    }

    /// <summary>So many items at equal distances, the first and the last among them; all if they are few enough.</summary>
    /// <param name="items">The items.</param>
    /// <param name="most">The most of them, ≥ 2.</param>
    public static IReadOnlyList<T> Spread<T>(IReadOnlyList<T> items, int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 2);
        return items.Count <= most ? items : [.. Enumerable.Range(0, most).Select(i => items[(int)((long)i * (items.Count - 1) / (most - 1))])];
    }
}
