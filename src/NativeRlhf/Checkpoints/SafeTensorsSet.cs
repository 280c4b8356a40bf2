using System.Text.Json;
using NativeRlhf.Data;

namespace NativeRlhf.Checkpoints;

/// <summary>
/// The tensors of a model directory: <c>model.safetensors</c>, or the several files that <c>model.safetensors.index.json</c> lists.
/// </summary>
public sealed class SafeTensorsSet : IDisposable
{
    /// <summary>The name of the file where there is one.</summary>
    public const string FileName = "model.safetensors";

    /// <summary>The name of the list of files where there are several.</summary>
    public const string IndexName = FileName + ".index.json";

    private readonly List<SafeTensorsReader> _files = [];
    private readonly Dictionary<string, SafeTensorsReader> _fileOf = [];

    private SafeTensorsSet()
    {
    }

    /// <summary>All tensors, file by file.</summary>
    public IEnumerable<TensorHeader> Tensors => _files.SelectMany(file => file.Tensors);

    /// <summary>The text entries of the first file's <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _files[0].Metadata;

    /// <summary>Opens the tensors of a model directory and checks all headers.</summary>
    /// <param name="directory">The model directory.</param>
    /// <returns>The tensors, to be disposed of.</returns>
    /// <exception cref="InputException">There are none, or a file or the list contradicts itself or another.</exception>
    public static SafeTensorsSet Open(string directory)
    {
        var set = new SafeTensorsSet();
        try
        {
            string single = Path.Combine(directory, FileName);
            string index = Path.Combine(directory, IndexName);
            if (File.Exists(single))
                set.Add(SafeTensorsReader.Open(single));
            else if (File.Exists(index))
                set.AddListed(directory, index);
            else
                throw new InputException($"{directory}: there is neither {FileName} nor {IndexName}; is it a model directory?");
            return set;
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    /// <summary>Finds a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The tensor, or null if there is none of that name.</returns>
    public TensorHeader? Find(string name) => _fileOf.GetValueOrDefault(name)?.Find(name);

    /// <summary>The file that holds a tensor.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <returns>The reader; it is the set's, not to be disposed of.</returns>
    /// <exception cref="InputException">There is no such tensor.</exception>
    public SafeTensorsReader FileOf(string name) =>
        _fileOf.TryGetValue(name, out SafeTensorsReader? file)
            ? file
            : throw new InputException($"{_files[0].FilePath}: there is no tensor '{name}'{(_files.Count > 1 ? $" in it or the {_files.Count - 1} other files" : "")}");

    /// <summary>Reads a whole tensor as float32: see <see cref="SafeTensorsReader.ReadFloats(string, Span{float}, bool)"/>.</summary>
    /// <param name="name">The tensor's name; its type must be F32, F16 or BF16.</param>
    /// <param name="destination">Overwritten; as long as the tensor has elements.</param>
    /// <param name="requireFinite">Whether NaN and infinities are errors.</param>
    /// <exception cref="InputException">There is no such tensor, it is not of that type or size, it is not finite, or it cannot be read.</exception>
    public void ReadFloats(string name, Span<float> destination, bool requireFinite = false) =>
        FileOf(name).ReadFloats(name, destination, requireFinite);

    /// <summary>Closes all files.</summary>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    private void Add(SafeTensorsReader file)
    {
        _files.Add(file);
        foreach (TensorHeader tensor in file.Tensors)
        {
            if (!_fileOf.TryAdd(tensor.Name, file))
                throw new InputException($"{file.FilePath}: tensor '{tensor.Name}' is also in {_fileOf[tensor.Name].FilePath}");
        }
    }

    private void AddListed(string directory, string index)
    {
        Dictionary<string, string> listed = ReadIndex(index);
        foreach (string file in listed.Values.Distinct().Order(StringComparer.Ordinal))
            Add(SafeTensorsReader.Open(Path.Combine(directory, file)));
        foreach ((string name, string file) in listed)
        {
            if (!_fileOf.TryGetValue(name, out SafeTensorsReader? holder) || Path.GetFileName(holder.FilePath) != file)
                throw new InputException($"{index}: tensor '{name}' should be in {file} and is not");
        }
        foreach ((string name, SafeTensorsReader file) in _fileOf)
        {
            if (!listed.ContainsKey(name))
                throw new InputException($"{file.FilePath}: tensor '{name}' is not listed in {IndexName}");
        }
    }

    private static Dictionary<string, string> ReadIndex(string index)
    {
        string text = DataFile.ReadText(index);
        var listed = new Dictionary<string, string>();
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("weight_map", out JsonElement map)
                || map.ValueKind != JsonValueKind.Object)
                throw new InputException($"{index}: there is no 'weight_map' that says which file holds which tensor");
            foreach (JsonProperty entry in map.EnumerateObject())
            {
                string? file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : null;
                // Names from a downloaded file must not lead out of its folder.
                if (file is null or "" or "." or ".." || file.AsSpan().ContainsAny('/', '\\', '\0'))
                    throw new InputException($"{index}: tensor '{entry.Name}' must be in a file of the same folder, not in {JsonMessages.Quote(entry.Value)}");
                if (!listed.TryAdd(entry.Name, file))
                    throw new InputException($"{index}: tensor '{entry.Name}' is listed twice");
            }
        }
        catch (JsonException e)
        {
            throw InputException.At(index, (e.LineNumber ?? 0) + 1, $"not valid JSON: {JsonMessages.Reason(e)}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{index}: not valid JSON: {e.Message}", e);
        }
        return listed.Count > 0 ? listed : throw new InputException($"{index}: the 'weight_map' is empty");
    }
}
