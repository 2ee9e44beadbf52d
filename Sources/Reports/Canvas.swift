import Basics
import CCairo
import Foundation

/// A thin wrapper of one cairo surface with its context. Coordinates are nominal pixels (CSS), y down.
final class Canvas {
  /// Which side of a text its anchor is on.
  enum Anchor {
    case start, middle, end
  }

  /// The family of all text; where it is not installed, fontconfig chooses the nearest.
  static let fontFamily = "DejaVu Sans"
  /// Device pixels per nominal pixel in pixel pictures.
  static let scale = 2

  let width: Int
  let height: Int
  let format: Picture.Format
  private let surface: OpaquePointer
  private let context: OpaquePointer
  private let sink = ByteSink()
  private var isFinished = false

  /// Receives what cairo writes to a stream.
  private final class ByteSink {
    var data = Data()

    static let write: cairo_write_func_t = { closure, bytes, count in
      guard let closure, let bytes else { return CAIRO_STATUS_WRITE_ERROR }
      Unmanaged<ByteSink>.fromOpaque(closure).takeUnretainedValue().data.append(bytes, count: Int(count))
      return CAIRO_STATUS_SUCCESS
    }
  }

  /// A white surface.
  /// - Throws: `ApusError` of kind `internalFault` where cairo cannot make it (memory, size).
  init(_ format: Picture.Format, width: Int, height: Int) throws {
    self.width = width
    self.height = height
    self.format = format
    let made: OpaquePointer?
    switch format {
    case .png:
      made = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, Int32(clamping: width * Self.scale), Int32(clamping: height * Self.scale))
    case .svg:
      made = cairo_svg_surface_create_for_stream(
        ByteSink.write, Unmanaged.passUnretained(sink).toOpaque(), Double(width), Double(height))
    }
    guard let made else { throw Self.failure("cannot make a surface", CAIRO_STATUS_NO_MEMORY) }
    let status = cairo_surface_status(made)
    guard status == CAIRO_STATUS_SUCCESS, let context = cairo_create(made) else {
      cairo_surface_destroy(made)
      throw Self.failure("cannot make a surface of \(width) x \(height)", status)
    }
    surface = made
    self.context = context
    if format == .svg {
      cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX)
    } else {
      cairo_scale(context, Double(Self.scale), Double(Self.scale))
    }
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
    // Without hinting the same outlines are drawn at every scale and place.
    let options = cairo_font_options_create()
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    cairo_set_font_options(context, options)
    cairo_font_options_destroy(options)
    setSource(.white)
    cairo_paint(context)
  }

  deinit {
    cairo_destroy(context)
    // Destroying finishes a stream surface, which writes to the sink: it must still be there.
    withExtendedLifetime(sink) { cairo_surface_destroy(surface) }
  }

  private static func failure(_ what: String, _ status: cairo_status_t) -> ApusError {
    ApusError(
      .internalFault, "drawing with cairo failed: \(what)",
      found: cairo_status_to_string(status).map { String(cString: $0) } ?? "status \(status.rawValue)")
  }

  /// - Throws: `ApusError` of kind `internalFault` where any drawing since the beginning failed.
  private func check() throws {
    for status in [cairo_status(context), cairo_surface_status(surface)] where status != CAIRO_STATUS_SUCCESS
    {
      throw Self.failure("a drawing operation", status)
    }
  }

  // MARK: - Results

  /// The bytes of the picture; the canvas takes no more drawing.
  func finish() throws -> Data {
    try check()
    switch format {
    case .png:
      cairo_surface_flush(surface)
      let status = cairo_surface_write_to_png_stream(
        surface, ByteSink.write, Unmanaged.passUnretained(sink).toOpaque())
      guard status == CAIRO_STATUS_SUCCESS else { throw Self.failure("writing PNG", status) }
      return sink.data
    case .svg:
      cairo_surface_finish(surface)
      let status = cairo_surface_status(surface)
      guard status == CAIRO_STATUS_SUCCESS || status == CAIRO_STATUS_SURFACE_FINISHED else {
        throw Self.failure("writing SVG", status)
      }
      let text = Self.withFixedNames(String(decoding: sink.data, as: UTF8.self))
      return Data(Self.withShortNumbers(Array(text.utf8)))
    }
  }

  /// cairo numbers its surfaces through the life of the program ("surface17"); here they are numbered
  /// through the picture, so that the same picture has the same bytes.
  private static func withFixedNames(_ svg: String) -> String {
    let parts = svg.components(separatedBy: "surface")
    var names: [Substring: Int] = [:]
    var result = parts.first ?? ""
    for part in parts.dropFirst() {
      let digits = part.prefix { $0.isNumber }
      result += "surface"
      if !digits.isEmpty {
        let name = names[digits] ?? names.count
        names[digits] = name
        result += String(name)
      }
      result += part.dropFirst(digits.count)
    }
    return result
  }

  /// Two decimals are a fiftieth of what the eye resolves and halve the size of a chart.
  private static func withShortNumbers(_ svg: [UInt8]) -> [UInt8] {
    let (zero, nine, dot) = (UInt8(ascii: "0"), UInt8(ascii: "9"), UInt8(ascii: "."))
    func isDigit(_ at: Int) -> Bool { at < svg.count && svg[at] >= zero && svg[at] <= nine }
    var result: [UInt8] = []
    result.reserveCapacity(svg.count)
    var at = 0
    while at < svg.count {
      guard isDigit(at) else {
        result.append(svg[at])
        at += 1
        continue
      }
      var end = at
      while isDigit(end) { end += 1 }
      let whole = end
      if end < svg.count, svg[end] == dot, isDigit(end + 1) {
        end += 1
        while isDigit(end) { end += 1 }
      }
      if end - whole > 3, let value = Double(String(decoding: svg[at..<end], as: UTF8.self)) {
        var text = Array(String(format: "%.2f", value).utf8)
        while text.last == zero { text.removeLast() }
        if text.last == dot { text.removeLast() }
        result += text
      } else {
        result += svg[at..<end]
      }
      at = end
    }
    return result
  }

  /// The pixels of an image surface.
  func pixels() throws -> PixelImage {
    try check()
    cairo_surface_flush(surface)
    let (columns, rows) = (width * Self.scale, height * Self.scale)
    let stride = Int(cairo_image_surface_get_stride(surface))
    guard format == .png, let bytes = cairo_image_surface_get_data(surface) else {
      throw Self.failure("reading pixels", CAIRO_STATUS_SURFACE_TYPE_MISMATCH)
    }
    var pixels: [UInt32] = []
    pixels.reserveCapacity(columns * rows)
    for row in 0..<rows {
      let line = UnsafeRawPointer(bytes + row * stride)
      for column in 0..<columns {
        pixels.append(line.load(fromByteOffset: column * 4, as: UInt32.self) & 0xffffff)
      }
    }
    return PixelImage(width: columns, height: rows, scale: Self.scale, pixels: pixels)
  }

  // MARK: - Shapes

  private func setSource(_ colour: Colour) {
    let (r, g, b) = (Double(colour.red) / 255, Double(colour.green) / 255, Double(colour.blue) / 255)
    if colour.opacity < 1 {
      cairo_set_source_rgba(context, r, g, b, colour.opacity)
    } else {
      cairo_set_source_rgb(context, r, g, b)
    }
  }

  func moveTo(_ x: Double, _ y: Double) { cairo_move_to(context, x, y) }
  func lineTo(_ x: Double, _ y: Double) { cairo_line_to(context, x, y) }
  func closePath() { cairo_close_path(context) }

  /// Adds a line through the points to the path.
  func path(_ points: some Sequence<(x: Double, y: Double)>, closed: Bool = false) {
    var isFirst = true
    for point in points {
      if isFirst { moveTo(point.x, point.y) } else { lineTo(point.x, point.y) }
      isFirst = false
    }
    if closed && !isFirst { closePath() }
  }

  func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
    cairo_rectangle(context, x, y, width, height)
  }

  func circle(_ x: Double, _ y: Double, radius: Double) {
    cairo_new_sub_path(context)
    cairo_arc(context, x, y, radius, 0, 2 * .pi)
  }

  func stroke(_ colour: Colour, width: Double, dashes: [Double] = [], roundCaps: Bool = false) {
    setSource(colour)
    cairo_set_line_width(context, width)
    cairo_set_dash(context, dashes, Int32(dashes.count), 0)
    cairo_set_line_cap(context, roundCaps ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT)
    cairo_stroke(context)
  }

  func fill(_ colour: Colour, keepingPath: Bool = false) {
    setSource(colour)
    if keepingPath { cairo_fill_preserve(context) } else { cairo_fill(context) }
  }

  /// Draws inside the rectangle only.
  func clipped(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ draw: () throws -> Void)
    rethrows
  {
    cairo_save(context)
    rectangle(x, y, width, height)
    cairo_clip(context)
    defer { cairo_restore(context) }
    try draw()
  }

  /// Draws inside the present path only.
  func clippedToPath(_ draw: () throws -> Void) rethrows {
    cairo_save(context)
    cairo_clip(context)
    defer { cairo_restore(context) }
    try draw()
  }

  /// Paints device pixels (premultiplied 0xAARRGGBB, [row][column]) at a whole nominal position.
  func paint(pixels: [UInt32], columns: Int, rows: Int, x: Int, y: Int) throws {
    guard let image = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, Int32(columns), Int32(rows)) else {
      throw Self.failure("cannot make an image", CAIRO_STATUS_NO_MEMORY)
    }
    defer { cairo_surface_destroy(image) }
    let status = cairo_surface_status(image)
    guard status == CAIRO_STATUS_SUCCESS, let bytes = cairo_image_surface_get_data(image) else {
      throw Self.failure("cannot make an image of \(columns) x \(rows)", status)
    }
    let stride = Int(cairo_image_surface_get_stride(image))
    for row in 0..<rows {
      let line = UnsafeMutableRawPointer(bytes + row * stride)
      for column in 0..<columns {
        line.storeBytes(of: pixels[row * columns + column], toByteOffset: column * 4, as: UInt32.self)
      }
    }
    cairo_surface_mark_dirty(image)
    cairo_save(context)
    cairo_translate(context, Double(x), Double(y))
    cairo_scale(context, 1 / Double(Self.scale), 1 / Double(Self.scale))
    cairo_set_source_surface(context, image, 0, 0)
    cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_NEAREST)
    cairo_paint(context)
    cairo_restore(context)
  }

  // MARK: - Text

  private func selectFont(size: Double, bold: Bool) {
    cairo_select_font_face(
      context, Self.fontFamily, CAIRO_FONT_SLANT_NORMAL,
      bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
    cairo_set_font_size(context, size)
  }

  /// The width a text takes.
  func textWidth(_ text: String, size: Double, bold: Bool = false) -> Double {
    selectFont(size: size, bold: bold)
    var extents = cairo_text_extents_t()
    cairo_text_extents(context, Self.drawable(text), &extents)
    return extents.x_advance
  }

  /// Writes one line.
  /// - Parameters:
  ///   - x: the anchor.
  ///   - y: the baseline.
  ///   - rotation: clockwise about the anchor [radian].
  ///   - halo: a rim around the letters.
  func text(
    _ text: String, x: Double, y: Double, size: Double, bold: Bool = false, colour: Colour = .ink,
    anchor: Anchor = .start, rotation: Double = 0, halo: Colour? = nil
  ) {
    let width = textWidth(text, size: size, bold: bold)
    let shift: Double
    switch anchor {
    case .start: shift = 0
    case .middle: shift = -width / 2
    case .end: shift = -width
    }
    cairo_save(context)
    cairo_translate(context, x, y)
    if rotation != 0 { cairo_rotate(context, rotation) }
    if let halo {
      moveTo(shift, 0)
      cairo_text_path(context, Self.drawable(text))
      stroke(halo, width: size * 0.28)
    }
    setSource(colour)
    moveTo(shift, 0)
    cairo_show_text(context, Self.drawable(text))
    cairo_restore(context)
    cairo_new_path(context)
  }

  /// Control characters have no shape; a NUL would end cairo's string.
  private static func drawable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
  }

  /// Shortens a text with an ellipsis until it fits.
  func fitted(_ text: String, width: Double, size: Double, bold: Bool = false) -> String {
    guard textWidth(text, size: size, bold: bold) > width else { return text }
    var kept = text
    while !kept.isEmpty, textWidth(kept + "…", size: size, bold: bold) > width { kept.removeLast() }
    return kept + "…"
  }
}
