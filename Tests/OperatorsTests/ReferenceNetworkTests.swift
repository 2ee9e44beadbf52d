import Basics
import Foundation
import Operators
import Testing

/// The HENS training code's own network on PyTorch is the judge.
@Suite struct ReferenceNetworkTests {
  @Test func outputAndEveryGradient() throws {
    let check = try GradientCheck(
      path: Bundle.module.bundlePath + "/Resources/sfno_hens_small.safetensors", gradients: true)
    for line in check.lines {
      let bound = line.name == "output" ? 1e-5 : 1e-4
      #expect(line.relativeError <= bound, "\(line.name): \(line.relativeError)")
    }
    #expect(check.lines.count == 2 + 37)
  }
}
