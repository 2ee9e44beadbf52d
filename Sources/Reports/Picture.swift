import Foundation

/// A finished picture, ready for a file or for `HTMLReport`. The same input gives the same bytes.
public struct Picture: Sendable, Hashable {
  /// How the bytes are to be read.
  public enum Format: String, Sendable, Codable, CaseIterable {
    /// Pixels at twice the nominal size.
    case png
    /// Lines and outlines, text included, hence independent of the reader's fonts.
    case svg

    /// The media type of a data URI.
    public var mediaType: String { self == .png ? "image/png" : "image/svg+xml" }
  }

  /// How `data` is to be read.
  public let format: Format
  /// The contents of a file of that format.
  public let data: Data
  /// Nominal width [CSS pixel].
  public let width: Int
  /// Nominal height [CSS pixel].
  public let height: Int
  /// What the picture says, for readers who do not see it.
  public let alternativeText: String

  /// Pictures made elsewhere may be put into reports too.
  public init(format: Format, data: Data, width: Int, height: Int, alternativeText: String) {
    self.format = format
    self.data = data
    self.width = width
    self.height = height
    self.alternativeText = alternativeText
  }
}

/// Pixels before they are packed into a PNG.
package struct PixelImage: Sendable, Hashable {
  package let width: Int
  package let height: Int
  /// Device pixels per nominal pixel.
  package let scale: Int
  /// [row][column] 0xRRGGBB.
  package let pixels: [UInt32]

  /// The pixel at a nominal position (CSS pixel from the left and the top).
  package subscript(x: Double, y: Double) -> UInt32 {
    let column = min(max(Int(x * Double(scale)), 0), width - 1)
    let row = min(max(Int(y * Double(scale)), 0), height - 1)
    return pixels[row * width + column]
  }
}
