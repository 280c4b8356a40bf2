namespace NativeRlhf.Configuration;

/// <summary>Keys whose values are allowed one by one but not together.</summary>
/// <param name="Key">The key to change, in its JSON name.</param>
/// <param name="Message">What is wrong, with the values, and what to do.</param>
public readonly record struct ConfigurationProblem(string Key, string Message);
