import Basics
import FieldIO
import RunFiles

/// What a training learns from, by content: a training is only gone on with on the data that it began with.
enum InputDigests {
  /// SHA-256 of every file that some paths and patterns name, in their order. Names do not enter: data may move.
  /// - Throws: `ApusError` of kind `inputMissing` for what is not there.
  static func of(_ inputs: [InputPath], threads: Int) throws -> [String] {
    let files = try FileList.expand(inputs.paths)
    let digests = Slots<String>(files.count)
    try Parallel.forEach(files.count, threads: threads) { index, _ in
      digests[index] = try SHA256.hexadecimal(ofFile: files[index])
    }
    return files.indices.compactMap { digests[$0] }
  }

  /// Stands for a run file, by its digest, and the content of all that it reads: what decides the bits of a training.
  /// - Throws: as `of`.
  static func fingerprint(runFile digest: String, _ inputs: [InputPath], threads: Int) throws -> String {
    try SortedJSON.digest([digest] + of(inputs, threads: threads))
  }
}
