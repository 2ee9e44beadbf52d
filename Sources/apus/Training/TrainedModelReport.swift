import Basics
import Foundation

/// What came of training an emulator or a variational forecaster: for the terminal, the card and the metadata.
protocol TrainedModelReport: Encodable, CustomStringConvertible {
  /// What such a model is.
  static var what: String { get }
  /// The file that was written.
  var file: String { get set }
  var name: String { get }
  /// Wall-clock time of the training [s].
  var seconds: Double? { get set }
  var licence: String? { get }
  /// SHA-256 of what was trained.
  var runFile: String { get }
  /// Names and values, one a line.
  var rows: [(String, String)] { get }
}

extension TrainedModelReport {
  /// As JSON, for the model's metadata: without place and time, so that the same training gives the same file.
  func provenance() throws -> String {
    var plain = self
    plain.seconds = nil
    plain.file = ""
    return try SortedJSON.text(plain)
  }

  /// Writes the card beside the model.
  /// - Throws: `ApusError` where the model cannot be read or the card not be written.
  func writeCard() throws {
    let size = try MappedFile(file).count
    let cells =
      [
        ("file", "`\(FilePath.name(of: file))`, \(Sizes.text(size))"),
        ("SHA-256", "`\(try SHA256.hexadecimal(ofFile: file))`"), ("licence", licence ?? "not stated"),
        ("run file", "SHA-256 `\(runFile)`"),
      ] + rows
    let head = [
      "# \(Markdown.line(name))", "",
      "Made by Apus \(apusVersion): \(Self.what) (`apus train`); this card was written with the file.", "",
      "| | |", "|---|---|",
    ]
    let lines = head + cells.map { "| \($0.0) | \(Markdown.cell($0.1)) |" }
    try WholeFile.write(Data((lines.joined(separator: "\n") + "\n").utf8), to: TrainingFiles.card(file))
  }

  var description: String {
    (["wrote \(file)"] + rows.map { "  \($0.0): \($0.1)" }).joined(separator: "\n")
  }
}
