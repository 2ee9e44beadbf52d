import ArgumentParser
import Kernels
import RunFiles

/// `--matmul-precision`, for commands that forecast without a run file.
struct PrecisionOptions: ParsableArguments {
  @Option(help: "Of the 1x1 convolutions' products, as the key of run files: highest, high or medium.")
  var matmulPrecision = MatmulPrecision.highest

  var precision: ProductPrecision { ProductPrecision(matmulPrecision) }
}

extension MatmulPrecision: ExpressibleByArgument {}

extension ProductPrecision {
  /// What `matmul_precision` says.
  init(_ setting: MatmulPrecision) {
    switch setting {
    case .highest: self = .highest
    case .high: self = .high
    case .medium: self = .medium
    }
  }
}
