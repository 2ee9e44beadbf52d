import Basics
import Foundation

/// The safetensors file format: a JSON header with names, types, shapes and places, then raw
/// little-endian numbers (huggingface/safetensors, format documentation).
public struct SafeTensors: Sendable {
  /// One tensor; numbers are held as Float64-capable raw bytes until asked for.
  public struct Tensor: Sendable {
    /// `F32`, `F64`, `F16`, `BF16`, `I64`...
    public let type: String
    /// Sizes, slowest axis first; empty for a scalar.
    public let shape: [Int]
    /// Raw little-endian bytes.
    public let bytes: Data

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// A float32 tensor.
    public init(_ values: [Float], shape: [Int]) {
      precondition(values.count == shape.reduce(1, *))
      type = "F32"
      self.shape = shape
      bytes = values.withUnsafeBytes { Data($0) }
    }

    /// A float16 tensor, rounded to nearest: half the size for weights that do not need more.
    public init(half values: [Float], shape: [Int]) {
      precondition(values.count == shape.reduce(1, *))
      type = "F16"
      self.shape = shape
      bytes = values.map { Float16($0) }.withUnsafeBytes { Data($0) }
    }

    init(type: String, shape: [Int], bytes: Data) {
      self.type = type
      self.shape = shape
      self.bytes = bytes
    }

    /// The numbers as Float; nil for a type that is no number of ours.
    public var floats: [Float]? { decode() }
    /// The numbers as Double; nil for a type that is no number of ours.
    public var doubles: [Double]? { decode() }

    private func decode<Number: BinaryFloatingPoint>() -> [Number]? {
      func read<Raw>(_ raw: Raw.Type, _ convert: (Raw) -> Number) -> [Number] {
        bytes.withUnsafeBytes { buffer in
          (0..<count).map {
            convert(buffer.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Raw>.stride, as: Raw.self))
          }
        }
      }
      switch type {
      case "F32": return read(Float.self) { Number($0) }
      case "F64": return read(Double.self) { Number($0) }
      case "F16": return read(Float16.self) { Number($0) }
      case "BF16": return read(UInt16.self) { Number(Float(bitPattern: UInt32($0) << 16)) }
      case "I64": return read(Int64.self) { Number($0) }
      case "I32": return read(Int32.self) { Number($0) }
      default: return nil
      }
    }
  }

  /// Free text by key; Apus keeps JSON in it.
  public var metadata: [String: String]
  /// Tensors by name.
  public var tensors: [String: Tensor]

  /// A file's content in memory.
  public init(metadata: [String: String] = [:], tensors: [String: Tensor] = [:]) {
    self.metadata = metadata
    self.tensors = tensors
  }

  private static let sizes = [
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
  ]

  /// The JSON object at the beginning of a file, and where the tensors' bytes begin.
  /// - Throws: `ApusError` of kind `badData` for what is no header, or cut off.
  static func header(_ bytes: UnsafeRawBufferPointer, file: String) throws -> (root: [String: Any], body: Int)
  {
    func bad(_ problem: String, found: String? = nil, expected: String? = nil) -> ApusError {
      ApusError(
        .badData, problem, file: file, found: found, expected: expected,
        advice: "Copy or write the file again.")
    }
    guard bytes.count >= 8 else {
      throw bad("no safetensors file: too short", found: "\(bytes.count) bytes", expected: "at least 8")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= 100_000_000, 8 + Int(length) <= bytes.count else {
      throw bad(
        "no safetensors file, or its header is cut off", found: "\(bytes.count) bytes",
        expected: "a header of \(length) bytes")
    }
    let text = Data(bytes[8..<(8 + Int(length))])
    guard let root = try? JSONSerialization.jsonObject(with: text) as? [String: Any] else {
      throw bad("the header is no JSON object")
    }
    return (root, 8 + Int(length))
  }

  /// Reads a file.
  /// - Throws: `ApusError`: missing (66), or no whole safetensors file (65).
  public static func read(_ path: String) throws -> SafeTensors {
    guard FileManager.default.fileExists(atPath: path) else {
      throw ApusError(.inputMissing, "no such file", file: path)
    }
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) else {
      throw ApusError(.inputMissing, "cannot be read", file: path)
    }
    func bad(_ problem: String, variable: String? = nil, found: String? = nil, expected: String? = nil)
      -> ApusError
    {
      ApusError(
        .badData, problem, file: path, variable: variable, found: found, expected: expected,
        advice: "Copy or write the file again.")
    }
    let (root, body) = try data.withUnsafeBytes { try header($0, file: path) }
    var result = SafeTensors()
    for (name, value) in root {
      if name == "__metadata__" {
        result.metadata = (value as? [String: String]) ?? [:]
        continue
      }
      guard let entry = value as? [String: Any], let type = entry["dtype"] as? String,
        let shape = entry["shape"] as? [Int], let range = entry["data_offsets"] as? [Int], range.count == 2,
        shape.allSatisfy({ $0 >= 0 })
      else { throw bad("malformed header entry", variable: name) }
      guard let size = sizes[type] else { throw bad("unknown number type", variable: name, found: type) }
      var bytes = size
      for extent in shape {
        let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
        guard !overflow else { throw bad("absurd shape", variable: name, found: "\(shape)") }
        bytes = product
      }
      guard range[0] >= 0, range[1] >= range[0], range[1] < .max - body else {
        throw bad("absurd place", variable: name, found: "bytes \(range[0]) to \(range[1])")
      }
      guard range[1] - range[0] == bytes else {
        throw bad(
          "shape and size disagree", variable: name, found: "\(range[1] - range[0]) bytes",
          expected: "\(bytes) bytes for \(type) \(shape)")
      }
      guard body + range[1] <= data.count else {
        throw bad(
          "file is truncated", variable: name, found: "\(data.count) bytes",
          expected: "at least \(body + range[1])")
      }
      result.tensors[name] = Tensor(
        type: type, shape: shape, bytes: data.subdata(in: (body + range[0])..<(body + range[1])))
    }
    return result
  }

  /// The file's bytes: tensors by name in alphabetical order, so that equal content gives equal files.
  public func encoded() -> Data {
    var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
    var offset = 0
    let names = tensors.keys.sorted()
    for name in names {
      guard let tensor = tensors[name] else { continue }
      header[name] = [
        "dtype": tensor.type, "shape": tensor.shape, "data_offsets": [offset, offset + tensor.bytes.count],
      ]
      offset += tensor.bytes.count
    }
    var json =
      (try? JSONSerialization.data(withJSONObject: header, options: [.sortedKeys])) ?? Data("{}".utf8)
    while json.count % 8 != 0 { json.append(0x20) }
    var file = Data()
    withUnsafeBytes(of: UInt64(json.count).littleEndian) { file.append(contentsOf: $0) }
    file.append(json)
    for name in names { if let tensor = tensors[name] { file.append(tensor.bytes) } }
    return file
  }

  /// Writes under a temporary name, flushes to the device and renames: a visible file is a whole file.
  /// - Throws: `ApusError` of kind `cannotCreateOutput` or `inputOutput`.
  public func write(_ path: String) throws { try WholeFile.write(encoded(), to: path) }

  /// A tensor that must be there, with the shape it must have.
  /// - Throws: `ApusError` of kind `badData` naming `file`, the tensor, its shape and the shape wanted.
  public func floats(_ name: String, shape: [Int]? = nil, file: String) throws -> [Float] {
    guard let tensor = tensors[name] else {
      throw ApusError(
        .badData, "tensor is missing", file: file, variable: name,
        found: "\(tensors.count) other tensors", expected: shape.map { "shape \($0)" })
    }
    if let shape, tensor.shape != shape {
      throw ApusError(
        .badData, "tensor has the wrong shape", file: file, variable: name, found: "\(tensor.shape)",
        expected: "\(shape)", advice: "Use a checkpoint of this network.")
    }
    guard let values = tensor.floats else {
      throw ApusError(.badData, "tensor holds no numbers", file: file, variable: name, found: tensor.type)
    }
    return values
  }
}
