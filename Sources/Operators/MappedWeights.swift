import Basics
import Foundation

/// Weights in the order of `ParameterLayout`, one float32 tensor `apus.flat` of a safetensors file that starts
/// on a cache line: a network of any size is mapped, not read, and processes on one machine share its pages.
///
/// makani's order has the degree fastest in the spectral weights, which no product can use as it lies; a file
/// in this order is made once.
public enum MappedWeights {
  /// The tensor's name.
  public static let tensor = "apus.flat"

  /// Creates a file of `configuration`'s weights, filled piece by piece.
  ///
  /// Written under a temporary name and renamed, so that a visible file is a whole one.
  /// - Parameters:
  ///   - metadata: beside `config`, which is added.
  ///   - fill: writes `count` numbers of the flat array, from number `first` on, to `target`; called on
  ///     several threads.
  /// - Throws: `ApusError`: `cannotCreateOutput`, `inputOutput` (disk full), `badData` for a configuration
  ///   that is not HENS'.
  public static func create(
    _ path: String, _ configuration: SFNOConfiguration, metadata: [String: String] = [:],
    threads: Int = Parallel.defaultThreads,
    fill: (_ target: UnsafeMutablePointer<Float>, _ first: Int, _ count: Int) -> Void
  ) throws {
    try configuration.validate()
    let layout = ParameterLayout(configuration)
    var texts = metadata
    texts["config"] = try SortedJSON.text(configuration)
    let bytes = layout.count * 4
    let header: [String: Any] = [
      "__metadata__": texts,
      tensor: ["dtype": "F32", "shape": [layout.count], "data_offsets": [0, bytes]],
    ]
    var start = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys])
    while (start.count + 8) % 64 != 0 { start.append(0x20) }
    let prefix = withUnsafeBytes(of: UInt64(start.count).littleEndian) { Data($0) } + start
    let part = "\(path).tmp-\(getpid())"
    try WholeFile.write(prefix, to: part)
    defer { unlink(part) }
    let descriptor = open(part, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw ApusError(.cannotCreateOutput, "cannot create the file", file: path)
    }
    defer { close(descriptor) }
    let total = prefix.count + bytes
    // Takes the space now: a full disk is an error here rather than a fault in the middle.
    let failure = posix_fallocate(descriptor, 0, off_t(total))
    guard failure == 0 else {
      throw ApusError(
        .inputOutput, "no room for the weights: \(String(cString: strerror(failure)))", file: path,
        expected: "\(total) bytes", advice: "Free some space and run the same command again.")
    }
    let address = mmap(nil, total, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let address, address != MAP_FAILED else {
      throw ApusError(.inputOutput, "cannot be mapped into memory", file: path, expected: "\(total) bytes")
    }
    let numbers = (address + prefix.count).bindMemory(to: Float.self, capacity: layout.count)
    let piece = 1 << 20
    Team(threads: threads).each((layout.count + piece - 1) / piece) { index, _ in
      let first = index * piece
      fill(numbers + first, first, min(piece, layout.count - first))
    }
    munmap(address, total)
    guard fsync(descriptor) == 0, rename(part, path) == 0 else {
      throw ApusError(
        .inputOutput, "writing failed: \(String(cString: strerror(errno)))", file: path,
        advice: "Free some space and run the same command again.")
    }
  }

  /// Maps a file's weights.
  /// - Returns: the configuration and the flat array; nil for a safetensors file of another kind.
  /// - Throws: `ApusError`: `inputMissing`, or `badData` for a file that is damaged or cut off.
  public static func map(_ path: String) throws -> (SFNOConfiguration, AlignedBuffer<Float>)? {
    let file = try MappedFile(path)
    func bad(_ problem: String, found: String? = nil, expected: String? = nil) -> ApusError {
      ApusError(
        .badData, problem, file: path, variable: tensor, found: found, expected: expected,
        advice: "Copy or write the file again.")
    }
    let (root, body) = try SafeTensors.header(
      UnsafeRawBufferPointer(start: file.start, count: file.count), file: path)
    guard let entry = root[tensor] as? [String: Any] else { return nil }
    guard let range = entry["data_offsets"] as? [Int], range.count == 2, entry["dtype"] as? String == "F32",
      let texts = root["__metadata__"] as? [String: String], let text = texts["config"],
      let configuration = try? JSONDecoder().decode(SFNOConfiguration.self, from: Data(text.utf8))
    else { throw bad("the header lacks the network's configuration or the place of the weights") }
    try configuration.validate(file: path)
    let count = ParameterLayout(configuration).count
    guard range[0] >= 0, range[1] >= range[0], range[1] <= file.count else {
      throw bad(
        "file is truncated", found: "\(file.count) bytes",
        expected: "weights at bytes \(range[0]) to \(range[1])")
    }
    let offset = body + range[0]
    guard range[1] - range[0] == 4 * count, offset % 64 == 0 else {
      throw bad(
        "the weights do not fit the network", found: "\(range[1] - range[0]) bytes at \(offset)",
        expected: "\(4 * count) bytes at a multiple of 64")
    }
    guard offset + 4 * count <= file.count else {
      throw bad("file is truncated", found: "\(file.count) bytes", expected: "\(offset + 4 * count)")
    }
    return (configuration, AlignedBuffer(file, offset: offset, count: count))
  }
}
