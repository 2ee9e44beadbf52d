// makani's own keys, so that its files read as they are.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Basics
import Foundation
import Sphere

/// Sizes and choices of the Spherical Fourier Neural Operator, under makani's own keys
/// (spec/hens.md 1.1), so that a HENS `config.json` reads as it is.
public struct SFNOConfiguration: Codable, Sendable, Hashable {
  /// Rows and columns of the input grid.
  public var inp_shape: [Int]
  /// Rows and columns of the output grid; must equal `inp_shape`.
  public var out_shape: [Int]
  /// Input channels: prognostic, then features.
  public var inp_chans: Int
  /// Output channels.
  public var out_chans: Int
  /// Width of the latent space.
  public var embed_dim: Int
  /// Number of blocks.
  public var num_layers: Int
  /// Hidden width of a block's MLP over `embed_dim`.
  public var mlp_ratio: Double = 2
  /// The inner grid has 1/scale_factor of the rows and columns.
  public var scale_factor: Int = 1
  /// Part of the inner grid's degrees and orders that is kept.
  public var hard_thresholding_fraction: Double = 1
  /// Outer grid: `equiangular` (with poles) or `legendre-gauss`.
  public var model_grid_type: String = "equiangular"
  /// Inner grid: likewise.
  public var sht_grid_type: String = "legendre-gauss"
  /// Always `linear`: the only filter of HENS.
  public var filter_type: String = "linear"
  /// Always `dhconv`: weights per degree, shared over orders.
  public var operator_type: String = "dhconv"
  /// Always `instance_norm`.
  public var normalization_layer: String = "instance_norm"
  /// Hidden layers of encoder and decoder: 1.
  public var encoder_layers: Int = 1
  /// A 1x1 convolution from all inputs to the outputs.
  public var big_skip: Bool = true

  /// A configuration; keys left out take HENS' values.
  public init(
    shape: [Int], inputChannels: Int, outputChannels: Int, embedding: Int, blocks: Int, scaleFactor: Int = 1,
    mlpRatio: Double = 2, hardThresholdingFraction: Double = 1, modelGridType: String = "equiangular",
    shtGridType: String = "legendre-gauss"
  ) {
    inp_shape = shape
    out_shape = shape
    inp_chans = inputChannels
    out_chans = outputChannels
    embed_dim = embedding
    num_layers = blocks
    mlp_ratio = mlpRatio
    scale_factor = scaleFactor
    hard_thresholding_fraction = hardThresholdingFraction
    model_grid_type = modelGridType
    sht_grid_type = shtGridType
  }

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case inp_shape, out_shape, inp_chans, out_chans, embed_dim, num_layers, mlp_ratio, scale_factor
    case hard_thresholding_fraction, model_grid_type, sht_grid_type, filter_type, operator_type
    case normalization_layer, encoder_layers, big_skip
  }

  /// Reads makani's JSON; absent keys take the values above, further keys are makani's business.
  public init(from decoder: any Decoder) throws {
    let box = try decoder.container(keyedBy: CodingKeys.self)
    inp_shape = try box.decode([Int].self, forKey: .inp_shape)
    out_shape = try box.decodeIfPresent([Int].self, forKey: .out_shape) ?? inp_shape
    inp_chans = try box.decode(Int.self, forKey: .inp_chans)
    out_chans = try box.decode(Int.self, forKey: .out_chans)
    embed_dim = try box.decode(Int.self, forKey: .embed_dim)
    num_layers = try box.decode(Int.self, forKey: .num_layers)
    mlp_ratio = try box.decodeIfPresent(Double.self, forKey: .mlp_ratio) ?? 2
    scale_factor = try box.decodeIfPresent(Int.self, forKey: .scale_factor) ?? 1
    hard_thresholding_fraction =
      try box.decodeIfPresent(Double.self, forKey: .hard_thresholding_fraction) ?? 1
    model_grid_type = try box.decodeIfPresent(String.self, forKey: .model_grid_type) ?? "equiangular"
    sht_grid_type = try box.decodeIfPresent(String.self, forKey: .sht_grid_type) ?? "legendre-gauss"
    filter_type = try box.decodeIfPresent(String.self, forKey: .filter_type) ?? "linear"
    operator_type = try box.decodeIfPresent(String.self, forKey: .operator_type) ?? "dhconv"
    normalization_layer =
      try box.decodeIfPresent(String.self, forKey: .normalization_layer) ?? "instance_norm"
    encoder_layers = try box.decodeIfPresent(Int.self, forKey: .encoder_layers) ?? 1
    big_skip = try box.decodeIfPresent(Bool.self, forKey: .big_skip) ?? true
  }

  /// Hidden width of a block's MLP.
  public var hidden: Int { Int(Double(embed_dim) * mlp_ratio) }

  /// The grid of inputs and outputs.
  /// - Throws: `ApusError` of kind `badData` for an unknown grid type.
  public func outerGrid() throws -> SphereGrid {
    try SphereGrid(try kind(model_grid_type), latitudes: inp_shape[0], longitudes: inp_shape[1])
  }

  /// The grid of the inner blocks: `inp_shape` / `scale_factor`, rounded down.
  public func innerGrid() throws -> SphereGrid {
    try SphereGrid(
      try kind(sht_grid_type), latitudes: inp_shape[0] / scale_factor, longitudes: inp_shape[1] / scale_factor
    )
  }

  /// Degrees l that the spectral convolutions keep.
  public var degrees: Int { Int(Double(inp_shape[0] / scale_factor) * hard_thresholding_fraction) }
  /// Orders m that they keep, before m <= l cuts further.
  public var orders: Int {
    Int(Double(inp_shape[1] / scale_factor / 2 + 1) * hard_thresholding_fraction)
  }

  /// Checks what the network can do.
  /// - Throws: `ApusError` of kind `badData` naming the key.
  public func validate(file: String? = nil) throws {
    func demand(_ truth: Bool, _ key: String, _ found: String, _ expected: String) throws {
      guard truth else {
        throw ApusError(
          .badData, "network configuration is not supported", file: file, variable: key, found: found,
          expected: expected)
      }
    }
    // Before anything is worked out from them: products of these stay far below what a whole number holds.
    try demand(
      inp_shape.count == 2 && inp_shape.allSatisfy { (4...100_000).contains($0) }, "inp_shape",
      "\(inp_shape)",
      "[rows, columns]")
    for (key, value) in [
      ("embed_dim", embed_dim), ("num_layers", num_layers), ("inp_chans", inp_chans),
      ("out_chans", out_chans),
    ] {
      try demand((1...65_536).contains(value), key, "\(value)", "1 to 65536")
    }
    try demand((0.001...1000).contains(mlp_ratio), "mlp_ratio", "\(mlp_ratio)", "0.001 to 1000")
    try demand(
      hard_thresholding_fraction > 0 && hard_thresholding_fraction <= 1, "hard_thresholding_fraction",
      "\(hard_thresholding_fraction)", "in (0, 1]")
    try demand(out_shape == inp_shape, "out_shape", "\(out_shape)", "\(inp_shape)")
    try demand((1...16).contains(scale_factor), "scale_factor", "\(scale_factor)", "1 to 16")
    try demand(
      inp_shape[0] / scale_factor >= 3, "scale_factor", "\(scale_factor)", "an inner grid of at least 3 rows")
    try demand(filter_type == "linear", "filter_type", filter_type, "linear")
    try demand(operator_type == "dhconv", "operator_type", operator_type, "dhconv")
    try demand(
      normalization_layer == "instance_norm", "normalization_layer", normalization_layer, "instance_norm")
    try demand(encoder_layers == 1, "encoder_layers", "\(encoder_layers)", "1")
    try demand(big_skip, "big_skip", "\(big_skip)", "true")
    try demand(hidden >= 1, "mlp_ratio", "\(mlp_ratio)", "at least one hidden channel")
    try demand(
      degrees >= 1 && orders >= 1, "hard_thresholding_fraction", "\(hard_thresholding_fraction)",
      "at least one degree and order")
    _ = try outerGrid()
    _ = try innerGrid()
  }

  private func kind(_ name: String) throws -> SphereGrid.Kind {
    switch name {
    case "equiangular": return .equiangular
    case "legendre-gauss": return .gaussian
    default:
      throw ApusError(
        .badData, "unknown grid type", variable: "model_grid_type", found: name,
        expected: "equiangular or legendre-gauss")
    }
  }
}
