import Foundation
import Operators
import Testing

@Suite struct CheckpointCheckTests {
  /// The HENS training code's own small network; the copy that OperatorsTests ships.
  static let reference = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent(
      "OperatorsTests/Resources/sfno_hens_small.safetensors")

  /// The reference with something changed, in `scratch`.
  static func changed(_ scratch: Scratch, _ change: (inout SafeTensors) throws -> Void) throws -> String {
    var file = try SafeTensors.read(reference.path)
    try change(&file)
    let path = scratch.file("changed.safetensors").path
    try file.write(path)
    return path
  }

  /// A tensor with every number multiplied.
  static func scaled(_ tensor: SafeTensors.Tensor?, by factor: Float) throws -> SafeTensors.Tensor {
    let tensor = try #require(tensor)
    return .init(try #require(tensor.floats).map { $0 * factor }, shape: tensor.shape)
  }

  @Test func outputAndEveryGradientOfTheReference() throws {
    let weights = try SafeTensors.read(Self.reference.path).tensors.keys.filter { $0.hasPrefix("grad.") }
    let text = try Binary.run(["checkpoint", "check", Self.reference.path, "--gradients"])
    #expect(text.code == 0)
    #expect(text.errors.isEmpty)
    #expect(text.output.contains("\(weights.count + 1) of \(weights.count + 1) within their bars"))
    let json = try Binary.run(["checkpoint", "check", Self.reference.path, "--gradients", "--json"]).json()
    #expect(json["passed"] as? Bool == true)
    let tensors = try #require(json["tensors"] as? [[String: Any]])
    #expect(Set(tensors.compactMap { $0["name"] as? String }) == Set(weights).union(["output"]))
    for tensor in tensors {
      let error = try #require(tensor["relative_error"] as? Double)
      // Float32 leaves some trace; a zero would mean that nothing was compared.
      #expect(error > 0 && error <= (tensor["name"] as? String == "output" ? 1e-5 : 1e-4))
    }
  }

  @Test func withoutGradientsOnlyTheOutput() throws {
    let json = try Binary.run(["checkpoint", "check", Self.reference.path, "--json"]).json()
    let tensors = try #require(json["tensors"] as? [[String: Any]])
    #expect(tensors.compactMap { $0["name"] as? String } == ["output"])
  }

  @Test func aWrongAnswerFailsAndSaysWhich() throws {
    let scratch = try Scratch()
    let output = try Self.changed(scratch) {
      $0.tensors["output"] = try Self.scaled($0.tensors["output"], by: 1.001)
    }
    let wrongOutput = try Binary.run(["checkpoint", "check", output])
    #expect(wrongOutput.code == 65)
    #expect(wrongOutput.errors.contains("'output': the network does not reproduce the stored answer (1 of 1"))
    #expect(wrongOutput.output.contains("above 1e-05"))
    let name = "grad.model.blocks.1.filter.filter.weight"
    let gradient = try Self.changed(scratch) {
      $0.tensors[name] = try Self.scaled($0.tensors[name], by: 1.001)
    }
    let wrongGradient = try Binary.run(["checkpoint", "check", gradient, "--gradients"])
    #expect(wrongGradient.code == 65)
    #expect(wrongGradient.errors.contains("'\(name)'"))
    #expect(try Binary.run(["checkpoint", "check", gradient]).code == 0)
  }

  @Test func notANumberFails() throws {
    let scratch = try Scratch()
    let path = try Self.changed(scratch) {
      $0.tensors["input"] = try Self.scaled($0.tensors["input"], by: .nan)
    }
    let outcome = try Binary.run(["checkpoint", "check", path])
    #expect(outcome.code == 65)
    #expect(outcome.errors.contains("relative error nan"))
  }

  @Test func missingAndTruncatedFiles() throws {
    let missing = try Binary.run(["checkpoint", "check", "nowhere.safetensors"])
    #expect(missing.code == 66)
    #expect(missing.errors == "apus: error: nowhere.safetensors: no such file.\n")
    let scratch = try Scratch()
    let file = scratch.file("cut.safetensors")
    let whole = try Data(contentsOf: Self.reference)
    for length in [whole.count - 4, 5000, 4, 0] {
      try whole.prefix(length).write(to: file)
      let cut = try Binary.run(["checkpoint", "check", file.path, "--gradients"])
      #expect(cut.code == 65, "\(length) bytes")
      #expect(cut.errors.contains("cut.safetensors: "))
      #expect(cut.output.isEmpty)
    }
  }

  @Test(arguments: ["input", "output", "model.encoder.fwd.0.weight"])
  func aMissingTensorIsNamed(_ name: String) throws {
    let scratch = try Scratch()
    let path = try Self.changed(scratch) { $0.tensors[name] = nil }
    let outcome = try Binary.run(["checkpoint", "check", path])
    #expect(outcome.code == 65)
    #expect(outcome.errors.contains("'\(name)': tensor is missing"))
  }

  @Test(arguments: ["target", "grad.input", "grad.model.blocks.0.norm0.weight"])
  func gradientsNeedTheirAnswers(_ name: String) throws {
    let scratch = try Scratch()
    let path = try Self.changed(scratch) { $0.tensors[name] = nil }
    let outcome = try Binary.run(["checkpoint", "check", path, "--gradients"])
    #expect(outcome.code == 65)
    #expect(outcome.errors.contains("'\(name)': tensor is missing"))
    #expect(try Binary.run(["checkpoint", "check", path]).code == 0)
  }

  @Test(arguments: ["input", "output", "model.blocks.0.filter.filter.weight"])
  func aWrongShapeIsNamed(_ name: String) throws {
    let scratch = try Scratch()
    let path = try Self.changed(scratch) {
      let tensor = try #require($0.tensors[name])
      let values = try #require(tensor.floats)
      // The same numbers under another shape.
      $0.tensors[name] = .init(values, shape: Array(tensor.shape.reversed()))
    }
    let outcome = try Binary.run(["checkpoint", "check", path])
    #expect(outcome.code == 65)
    #expect(outcome.errors.contains("'\(name)': tensor has the wrong shape"))
  }

  @Test func aFileWithoutANetworkIsNamed() throws {
    let scratch = try Scratch()
    let none = try Self.changed(scratch) { $0.metadata["config"] = nil }
    let outcome = try Binary.run(["checkpoint", "check", none])
    #expect(outcome.code == 65)
    #expect(outcome.errors.contains("'config': no network configuration"))
    let garbled = try Self.changed(scratch) { $0.metadata["config"] = "{" }
    #expect(try Binary.run(["checkpoint", "check", garbled]).code == 65)
  }
}
