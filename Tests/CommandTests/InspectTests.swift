import Foundation
import Operators
import Testing

@Suite struct InspectTests {
  /// A checkpoint of two tensors.
  static func writeCheckpoint(to file: URL) throws {
    let tensors = SafeTensors(
      metadata: [
        "config": #"{"inp_shape":[6,12],"inp_chans":2,"out_chans":1,"embed_dim":4,"num_layers":1}"#,
        "channels": #"["msl"]"#, "units": #"["Pa"]"#, "grid": "gaussian 6 12", "step_hours": "6",
        "provenance": #"{"seed": 3}"#,
      ],
      tensors: [
        "residual_transform.weight": .init([1, 2], shape: [1, 2, 1, 1]),
        "encoder.fwd.0.bias": .init([0, 0, 0, 0], shape: [4]),
      ])
    try tensors.write(file.path)
  }

  @Test func checkpointAsTextAndJSON() throws {
    let scratch = try Scratch()
    let file = scratch.file("model.safetensors")
    try InspectTests.writeCheckpoint(to: file)
    let text = try Binary.run(["inspect", file.path])
    #expect(text.code == 0)
    #expect(text.output.contains("parameters  6\n"))
    #expect(text.output.contains("channels    msl [Pa]"))
    #expect(text.output.contains("provenance  seed: 3"))
    let json = try Binary.run(["inspect", file.path, "--json"]).json()
    #expect(json["kind"] as? String == "checkpoint")
    #expect(json["channels"] as? [String] == ["msl"])
    #expect(json["step_hours"] as? Int == 6)
  }

  @Test func missingAndTruncatedFiles() throws {
    let scratch = try Scratch()
    let missing = try Binary.run(["inspect", "nowhere.nc"])
    #expect(missing.code == 66)
    #expect(missing.errors == "apus: error: nowhere.nc: no such file.\n")
    let file = scratch.file("model.safetensors")
    try InspectTests.writeCheckpoint(to: file)
    let whole = try Data(contentsOf: file)
    try whole.dropLast(5).write(to: file)
    let truncated = try Binary.run(["inspect", file.path])
    #expect(truncated.code == 65)
    #expect(truncated.errors.contains("file is truncated"))
    try whole.prefix(40).write(to: file)
    #expect(try Binary.run(["inspect", file.path]).code == 65)
    try "name: run".write(to: scratch.file("run.yml"), atomically: true, encoding: .utf8)
    let runFile = try Binary.run(["inspect", "run.yml"], in: scratch.directory)
    #expect(runFile.code == 64 && runFile.errors.contains("apus plan run.yml"), "\(runFile.errors)")
  }
}
