import Basics
import Foundation
import Sphere

/// A map of a global field: shaded, with coastlines, graticule and colour bar, and where wanted contour
/// lines of a second field, dots and markers.
public struct MapFigure: Sendable {
  /// Lines of equal value of a second field on the same grid.
  public struct Contours: Sendable {
    /// [latitude][longitude], rows north to south.
    public var values: [Float]
    /// Distance between lines, in the values' unit; nil for about ten lines.
    public var interval: Double?
    /// What the lines are, for the text under the colour bar: "Ensemble mean".
    public var name: String
    /// Unit of the values.
    public var units: String

    /// Lines of equal value.
    public init(values: [Float], interval: Double? = nil, name: String, units: String) {
      self.values = values
      self.interval = interval
      self.name = name
      self.units = units
    }
  }

  /// A place worth pointing at.
  public struct Marker: Sendable, Hashable {
    /// Degrees north.
    public var latitude: Double
    /// Degrees east, any turn.
    public var longitude: Double
    /// Written beside the marker.
    public var label: String

    /// A place worth pointing at.
    public init(latitude: Double, longitude: Double, label: String = "") {
      self.latitude = latitude
      self.longitude = longitude
      self.label = label
    }

    /// The highest and the lowest value of a field [latitude][longitude] with their values as labels; none
    /// where the field is constant or has no finite value.
    public static func extremes(of values: [Float], on grid: SphereGrid) -> [Marker] {
      var (least, most): (Int?, Int?) = (nil, nil)
      for (point, value) in values.prefix(grid.pointCount).enumerated() where value.isFinite {
        if least.map({ value < values[$0] }) ?? true { least = point }
        if most.map({ value > values[$0] }) ?? true { most = point }
      }
      guard let least, let most, values[least] != values[most] else { return [] }
      let (latitudes, longitudes) = (grid.latitudes, grid.longitudes)
      return [("max", most), ("min", least)].map { name, point in
        Marker(
          latitude: latitudes[point / grid.longitudeCount],
          longitude: longitudes[point % grid.longitudeCount],
          label: "\(name) \(Ticks.short(Double(values[point])))")
      }
    }
  }

  /// The grid of all fields of the map.
  public let grid: SphereGrid
  /// The shaded field [latitude][longitude], rows north to south; NaN is drawn grey.
  public let values: [Float]
  /// Heading.
  public var title: String
  /// Second line of the heading: initial time, lead time, ensemble size.
  public var subtitle = ""
  /// What is shaded, written under the colour bar.
  public var quantity: String
  /// Unit of the shaded field.
  public var units: String
  /// Colours.
  public var colourMap = ColourMap.sequential
  /// The span of the colours.
  public var range = ValueScale.Range.robust
  /// Bands or continuous colours.
  public var shading = ValueScale.Shading.banded
  /// The value that is white in a diverging colour map with a robust range.
  public var centre = 0.0
  /// How the globe is laid flat.
  public var projection = MapProjection.robinson
  /// The meridian in the middle [degrees east].
  public var centralLongitude = 0.0
  /// Lines of equal value of a second field.
  public var contours: Contours?
  /// Grid points with a dot, [latitude][longitude]: where something is significant, for example.
  public var dots: [Bool]?
  /// Places pointed at.
  public var markers: [Marker] = []
  /// Nominal width [CSS pixel], 320...4000.
  public var width = 900

  /// A map of `values` [latitude][longitude] on `grid`.
  public init(_ values: [Float], on grid: SphereGrid, title: String, quantity: String, units: String) {
    self.values = values
    self.grid = grid
    self.title = title
    self.quantity = quantity
    self.units = units
  }

  // MARK: - Layout

  /// Where the parts of the picture are [CSS pixel].
  package struct Layout: Sendable {
    package let width: Int
    package let height: Int
    package let left: Int
    package let top: Int
    package let mapWidth: Int
    package let mapHeight: Int
    let projection: MapProjection
    let centralLongitude: Double
    /// Nominal pixels per unit of the projection.
    let pixelsPerUnit: Double

    /// The place of a longitude relative to the central meridian (-180...180) and a latitude.
    func point(relative longitude: Double, _ latitude: Double) -> (x: Double, y: Double) {
      let plane = projection.forward(longitude: longitude, latitude: latitude)
      return (
        Double(left) + Double(mapWidth) / 2 + plane.x * pixelsPerUnit,
        Double(top) + Double(mapHeight) / 2 - plane.y * pixelsPerUnit
      )
    }

    /// The place of a longitude [degrees east, any turn] and latitude in the picture.
    package func point(longitude: Double, latitude: Double) -> (x: Double, y: Double) {
      point(relative: relative(longitude), latitude)
    }

    /// Longitude relative to the central meridian, -180..<180.
    func relative(_ longitude: Double) -> Double {
      let turned = longitude - centralLongitude + 180
      return turned - (turned / 360).rounded(.down) * 360 - 180
    }
  }

  /// Where the parts of the picture are.
  package var layout: Layout {
    let width = min(max(width, 320), 4000)
    let left = 36
    let mapWidth = width - 2 * left
    let pixelsPerUnit = Double(mapWidth) / 2 / projection.halfWidth
    let mapHeight = Int((projection.halfHeight * 2 * pixelsPerUnit).rounded())
    let top = 16 + (title.isEmpty ? 0 : 24) + (subtitle.isEmpty ? 0 : 18)
    return Layout(
      width: width, height: top + mapHeight + 82, left: left, top: top, mapWidth: mapWidth,
      mapHeight: mapHeight, projection: projection, centralLongitude: centralLongitude,
      pixelsPerUnit: pixelsPerUnit)
  }

  // MARK: - Results

  /// The map as PNG at twice its nominal size.
  /// - Throws: `ApusError` of kind `badData` where a field does not have as many values as the grid has
  ///   points, of kind `internalFault` where cairo fails.
  public func picture() throws -> Picture {
    let canvas = try draw()
    return Picture(
      format: .png, data: try canvas.finish(), width: canvas.width, height: canvas.height,
      alternativeText: alternativeText)
  }

  /// The pixels of the map before packing.
  package func pixels() throws -> PixelImage { try draw().pixels() }

  private var alternativeText: String {
    let finite = values.filter(\.isFinite)
    var text = "World map: \(title)."
    if !subtitle.isEmpty { text += " \(subtitle)." }
    if let least = finite.min(), let most = finite.max() {
      text +=
        " \(quantity) from \(Ticks.short(Double(least))) to \(Ticks.short(Double(most)))\(units == "1" ? "" : " " + units)."
    } else {
      text += " No finite values."
    }
    if let contours { text += " Contour lines: \(contours.name)." }
    return text
  }

  private func check(_ count: Int, _ what: String) throws {
    guard count == grid.pointCount else {
      throw ApusError(
        .badData, "\(what) does not fit the grid of the map", variable: title, found: "\(count) values",
        expected: "\(grid.pointCount) (\(grid))")
    }
  }

  private func draw() throws -> Canvas {
    try check(values.count, "the shaded field")
    if let contours { try check(contours.values.count, "the contoured field") }
    if let dots { try check(dots.count, "the mask of dots") }
    let layout = layout
    let scale = ValueScale(
      values: values, rowWeights: grid.cosineWeights, range: range, shading: shading, map: colourMap,
      centre: centre)
    let canvas = try Canvas(.png, width: layout.width, height: layout.height)
    let available = Double(layout.mapWidth)
    var baseline = 24.0
    if !title.isEmpty {
      // A long heading is written smaller before it is cut.
      let size = min(16, max(11, 16 * available / canvas.textWidth(title, size: 16, bold: true)))
      canvas.text(
        canvas.fitted(title, width: available + 1, size: size, bold: true), x: Double(layout.left),
        y: baseline,
        size: size, bold: true)
      baseline += 20
    }
    if !subtitle.isEmpty {
      canvas.text(
        canvas.fitted(subtitle, width: available, size: 12), x: Double(layout.left), y: baseline, size: 12,
        colour: .mutedInk)
    }
    try shade(canvas, layout, scale)
    outline(canvas, layout)
    canvas.clippedToPath {
      if let dots { drawDots(dots, canvas, layout) }
      drawGraticule(canvas, layout)
      drawCoastlines(canvas, layout)
      if let contours { drawContours(contours, canvas, layout) }
    }
    outline(canvas, layout)
    canvas.stroke(.frame, width: 1)
    labelGraticule(canvas, layout)
    drawMarkers(canvas, layout)
    if !values.contains(where: \.isFinite) {
      let middle = layout.point(relative: 0, 0)
      canvas.text(
        "no finite values", x: middle.x, y: middle.y + 5, size: 14, colour: .mutedInk, anchor: .middle,
        halo: .missing)
    }
    drawColourBar(canvas, layout, scale)
    return canvas
  }

  // MARK: - Layers

  /// Colours every device pixel by inverse projection, four samples a pixel against jagged edges.
  private func shade(_ canvas: Canvas, _ layout: Layout, _ scale: ValueScale) throws {
    let sampler = GridSampler(values, on: grid)
    let fine = Canvas.scale * 2
    let (columns, rows) = (layout.mapWidth * Canvas.scale, layout.mapHeight * Canvas.scale)
    let centreX = Double(layout.mapWidth) / 2
    let centreY = Double(layout.mapHeight) / 2
    var pixels = [UInt32](repeating: 0, count: columns * rows)
    let width = columns * 2
    var sums = [UInt32](repeating: 0, count: columns * 4)
    for row in 0..<rows {
      for index in sums.indices { sums[index] = 0 }
      for half in 0..<2 {
        let y = (centreY - (Double(row * 2 + half) + 0.5) / Double(fine)) / layout.pixelsPerUnit
        guard let latitude = projection.latitude(at: y) else { continue }
        let between = sampler.row(at: latitude)
        let degreesPerUnit = 180 / .pi / projection.widthPerRadian(at: latitude)
        for column in 0..<width {
          let x = ((Double(column) + 0.5) / Double(fine) - centreX) / layout.pixelsPerUnit
          let longitude = x * degreesPerUnit
          guard abs(longitude) <= 180 else { continue }
          let colour = scale.colour(of: sampler.value(at: between, longitude: longitude + centralLongitude))
          let at = column / 2 * 4
          sums[at] += UInt32(colour.red)
          sums[at + 1] += UInt32(colour.green)
          sums[at + 2] += UInt32(colour.blue)
          sums[at + 3] += 1
        }
      }
      for column in 0..<columns {
        let at = column * 4
        let samples = sums[at + 3]
        guard samples > 0 else { continue }
        // Premultiplied: a sum over the samples inside, divided by all four.
        let (red, green, blue) = ((sums[at] + 2) / 4, (sums[at + 1] + 2) / 4, (sums[at + 2] + 2) / 4)
        let opacity = (samples * 255 + 2) / 4
        pixels[row * columns + column] = (opacity << 24) | (red << 16) | (green << 8) | blue
      }
    }
    try canvas.paint(pixels: pixels, columns: columns, rows: rows, x: layout.left, y: layout.top)
  }

  private func outline(_ canvas: Canvas, _ layout: Layout) {
    let north = stride(from: -90.0, through: 90, by: 1)
    canvas.path(
      north.map { layout.point(relative: -180, $0) } + north.map { layout.point(relative: 180, -$0) },
      closed: true)
  }

  private func drawGraticule(_ canvas: Canvas, _ layout: Layout) {
    for latitude in stride(from: -60.0, through: 60, by: 30) {
      canvas.path([layout.point(relative: -180, latitude), layout.point(relative: 180, latitude)])
    }
    for longitude in stride(from: 0.0, to: 360, by: 30) {
      let relative = layout.relative(longitude)
      guard relative > -180 else { continue }
      canvas.path(stride(from: -90.0, through: 90, by: 2).map { layout.point(relative: relative, $0) })
    }
    canvas.stroke(Colour(0x303a42, opacity: 0.22), width: 0.6)
  }

  private func labelGraticule(_ canvas: Canvas, _ layout: Layout) {
    for latitude in stride(from: -60.0, through: 60, by: 30) {
      let edge = layout.point(relative: -180, latitude)
      let text = latitude == 0 ? "0°" : "\(Int(abs(latitude)))°\(latitude < 0 ? "S" : "N")"
      canvas.text(text, x: edge.x - 5, y: edge.y + 3.3, size: 9, colour: .mutedInk, anchor: .end)
    }
    for longitude in stride(from: 0.0, to: 360, by: 60) {
      let relative = layout.relative(longitude)
      guard abs(relative) <= 150, layout.width >= 400 || relative.truncatingRemainder(dividingBy: 120) == 0
      else {
        continue
      }
      let edge = layout.point(relative: relative, -90)
      let text =
        longitude == 0 || longitude == 180
        ? "\(Int(longitude))°" : longitude < 180 ? "\(Int(longitude))°E" : "\(Int(360 - longitude))°W"
      canvas.text(text, x: edge.x, y: edge.y + 12, size: 9, colour: .mutedInk, anchor: .middle)
    }
  }

  /// Adds a line of longitudes and latitudes to the path, cut at the map's left and right edges.
  /// - Returns: the pieces in picture coordinates.
  @discardableResult
  private func addLine(
    _ points: [(longitude: Double, latitude: Double)], _ canvas: Canvas, _ layout: Layout
  ) -> [[(x: Double, y: Double)]] {
    var pieces: [[(x: Double, y: Double)]] = []
    var piece: [(x: Double, y: Double)] = []
    var previous: (relative: Double, latitude: Double)?
    for point in points {
      let relative = layout.relative(point.longitude)
      if let before = previous, abs(relative - before.relative) > 180 {
        let edge = before.relative < 0 ? -180.0 : 180.0
        let unwrapped = relative + 2 * edge
        let span = unwrapped - before.relative
        let fraction = span == 0 ? 0 : (edge - before.relative) / span
        let latitude = before.latitude + (point.latitude - before.latitude) * fraction
        piece.append(layout.point(relative: edge, latitude))
        pieces.append(piece)
        piece = [layout.point(relative: -edge, latitude)]
      }
      piece.append(layout.point(relative: relative, point.latitude))
      previous = (relative, point.latitude)
    }
    pieces.append(piece)
    for piece in pieces where piece.count > 1 { canvas.path(piece) }
    return pieces.filter { $0.count > 1 }
  }

  private func drawCoastlines(_ canvas: Canvas, _ layout: Layout) {
    for line in Coastlines.lines { addLine(line, canvas, layout) }
    // Brown beside black contour lines, or the two are taken for each other.
    let colour = contours == nil ? Colour(0x26323a, opacity: 0.85) : Colour(0x6e4a22, opacity: 0.9)
    canvas.stroke(colour, width: layout.width < 600 ? 0.6 : 0.8)
  }

  private func drawContours(_ contours: Contours, _ canvas: Canvas, _ layout: Layout) {
    let finite = contours.values.filter(\.isFinite)
    guard let least = finite.min(), let most = finite.max(), least < most else { return }
    let levels = contourLevels(contours, least: Double(least), most: Double(most))
    let refined = ContourLines.refine(contours.values, on: grid)
    var labels: [(x: Double, y: Double, rotation: Double, text: String)] = []
    var places: [(x: Double, y: Double, radius: Double)] = []
    for (level, text) in zip(levels.values, levels.labels) {
      for line in ContourLines.trace(refined, level: level) {
        let points = line.isClosed ? line.points + line.points.prefix(1) : line.points
        if line.isClosed && isSpeck(points, layout) { continue }
        for piece in addLine(points, canvas, layout) {
          let half = canvas.textWidth(text, size: 9) / 2 + 4
          for place in Self.labelPlaces(on: piece, halfLength: half) {
            let inside = layout.projection.inverse(
              x: (place.x - Double(layout.left) - Double(layout.mapWidth) / 2) / layout.pixelsPerUnit,
              y: -(place.y - Double(layout.top) - Double(layout.mapHeight) / 2) / layout.pixelsPerUnit)
            guard let inside, abs(inside.longitude) < 172, abs(inside.latitude) < 84,
              places.allSatisfy({
                hypot($0.x - place.x, $0.y - place.y) > $0.radius + half + ($0.radius + half) * 0.25
              })
            else { continue }
            places.append((place.x, place.y, half))
            labels.append((place.x, place.y, place.rotation, text))
          }
        }
      }
    }
    canvas.stroke(Colour(0x111820), width: layout.width < 600 ? 0.7 : 0.95)
    for label in labels {
      let (s, c) = (sin(label.rotation), cos(label.rotation))
      canvas.text(
        label.text, x: label.x - 3.2 * s, y: label.y + 3.2 * c, size: 9, colour: Colour(0x111820),
        anchor: .middle, rotation: label.rotation, halo: Colour(0xffffff, opacity: 0.9))
    }
  }

  /// Whether a ring is too small on the map to say anything.
  private func isSpeck(_ points: [(longitude: Double, latitude: Double)], _ layout: Layout) -> Bool {
    let places = points.map { layout.point(longitude: $0.longitude, latitude: $0.latitude) }
    let (xs, ys) = (places.map(\.x), places.map(\.y))
    return (xs.max() ?? 0) - (xs.min() ?? 0) < 5 && (ys.max() ?? 0) - (ys.min() ?? 0) < 5
  }

  private func contourLevels(_ contours: Contours, least: Double, most: Double) -> Ticks {
    let automatic = Ticks.linear(covering: least, most, target: 10)
    guard let interval = contours.interval, interval > 0, interval.isFinite else { return automatic }
    let (first, last) = ((least / interval).rounded(.up), (most / interval).rounded(.down))
    // A careless interval must not ask for a million lines.
    guard last >= first, last - first <= 200 else { return automatic }
    return Ticks(values: (0...Int(last - first)).map { (first + Double($0)) * interval }, step: interval)
  }

  /// Places along a line that are straight enough for a label of the given half length, a good distance
  /// apart; `rotation` keeps the text upright.
  private static func labelPlaces(
    on points: [(x: Double, y: Double)], halfLength: Double
  ) -> [(x: Double, y: Double, rotation: Double)] {
    var travelled = [0.0]
    for (a, b) in zip(points, points.dropFirst()) {
      travelled.append((travelled.last ?? 0) + hypot(b.x - a.x, b.y - a.y))
    }
    let total = travelled.last ?? 0
    guard total > 5 * halfLength else { return [] }
    func point(at distance: Double) -> (x: Double, y: Double) {
      var (low, high) = (0, points.count - 1)
      while high - low > 1 {
        let middle = (low + high) / 2
        if travelled[middle] <= distance { low = middle } else { high = middle }
      }
      let span = travelled[high] - travelled[low]
      let t = span > 0 ? (distance - travelled[low]) / span : 0
      return (
        points[low].x + (points[high].x - points[low].x) * t,
        points[low].y + (points[high].y - points[low].y) * t
      )
    }
    var places: [(x: Double, y: Double, rotation: Double)] = []
    let spacing = 300.0
    let count = max(1, Int(total / spacing))
    for number in 0..<count {
      let wanted = total * (Double(number) + 0.5) / Double(count)
      var best: (straightness: Double, x: Double, y: Double, rotation: Double)?
      for shift in stride(from: -0.3, through: 0.3, by: 0.05) {
        let distance = wanted + shift * total / Double(count)
        guard distance > halfLength, distance < total - halfLength else { continue }
        let (a, b) = (point(at: distance - halfLength), point(at: distance + halfLength))
        let middle = point(at: distance)
        let chord = hypot(b.x - a.x, b.y - a.y)
        let sag = hypot((a.x + b.x) / 2 - middle.x, (a.y + b.y) / 2 - middle.y)
        let straightness = chord / (2 * halfLength) - 0.05 * sag
        if straightness > best?.straightness ?? 0.9 {
          var rotation = atan2(b.y - a.y, b.x - a.x)
          if rotation > .pi / 2 { rotation -= .pi } else if rotation <= -.pi / 2 { rotation += .pi }
          best = (straightness, middle.x, middle.y, rotation)
        }
      }
      if let best { places.append((best.x, best.y, best.rotation)) }
    }
    return places
  }

  /// Dots at the marked grid points, thinned so that they stay 7 pixels apart.
  private func drawDots(_ dots: [Bool], _ canvas: Canvas, _ layout: Layout) {
    let latitudes = grid.latitudes
    let longitudes = grid.longitudes
    let spacing = 7.0
    var lastY = -Double.infinity
    var places: [(x: Double, y: Double)] = []
    for (row, latitude) in latitudes.enumerated() {
      let y = layout.point(relative: 0, latitude).y
      guard y - lastY >= spacing * 0.95 else { continue }
      lastY = y
      let step =
        layout.projection.widthPerRadian(at: latitude) * layout.pixelsPerUnit * 2 * .pi
        / Double(grid.longitudeCount)
      let every = max(1, Int((spacing / step).rounded(.up)))
      for column in stride(from: 0, to: grid.longitudeCount, by: every)
      where dots[row * grid.longitudeCount + column] {
        let point = layout.point(longitude: longitudes[column], latitude: latitude)
        places.append(point)
      }
    }
    // A halo, or they would be lost on the darkest colours.
    for (radius, colour) in [(2.0, Colour(0xffffff, opacity: 0.7)), (1.1, Colour(0x1f2933))] {
      for place in places { canvas.circle(place.x, place.y, radius: radius) }
      canvas.fill(colour)
    }
  }

  private func drawMarkers(_ canvas: Canvas, _ layout: Layout) {
    for marker in markers where abs(marker.latitude) <= 90 && marker.longitude.isFinite {
      let point = layout.point(longitude: marker.longitude, latitude: marker.latitude)
      canvas.circle(point.x, point.y, radius: 4)
      canvas.stroke(.white, width: 3.4)
      canvas.circle(point.x, point.y, radius: 4)
      canvas.stroke(Colour(0xc2185b), width: 1.7)
      guard !marker.label.isEmpty else { continue }
      let isRight = point.x > Double(layout.left + layout.mapWidth) - 90
      canvas.text(
        marker.label, x: point.x + (isRight ? -8 : 8), y: point.y + 3.6, size: 10, bold: true,
        colour: Colour(0x9c1049), anchor: isRight ? .end : .start, halo: Colour(0xffffff, opacity: 0.9))
    }
  }

  private func drawColourBar(_ canvas: Canvas, _ layout: Layout, _ scale: ValueScale) {
    let barWidth = Double(layout.mapWidth) * 0.64
    let left = Double(layout.left) + (Double(layout.mapWidth) - barWidth) / 2
    let top = Double(layout.top + layout.mapHeight) + 24
    let height = 12.0
    func x(_ value: Double) -> Double { left + (value - scale.low) / (scale.high - scale.low) * barWidth }
    if scale.isSmooth {
      let strips = Int(barWidth * 2)
      for strip in 0..<strips {
        // Each strip reaches under the next: no seams.
        canvas.rectangle(left + Double(strip) / 2, top, min(1, barWidth - Double(strip) / 2), height)
        canvas.fill(scale.smoothColour(at: (Double(strip) + 0.5) / Double(strips)))
      }
    } else {
      for (number, (from, to)) in zip(scale.edges, scale.edges.dropFirst()).enumerated() {
        canvas.rectangle(x(from), top, x(to) - x(from), height)
        canvas.fill(scale.bandColour(number))
      }
    }
    // Pointed ends say that the field goes further.
    let bands = scale.edges.count - 1
    for (extends, end, tip, number) in [
      (scale.extendsBelow, left, left - 14, -1),
      (scale.extendsAbove, left + barWidth, left + barWidth + 14, bands),
    ] where extends {
      canvas.path([(end, top), (tip, top + height / 2), (end, top + height)], closed: true)
      canvas.fill(scale.isSmooth ? scale.smoothColour(at: number < 0 ? 0 : 1) : scale.bandColour(number))
    }
    var rim: [(x: Double, y: Double)] = [(left, top), (left + barWidth, top)]
    if scale.extendsAbove { rim.append((left + barWidth + 14, top + height / 2)) }
    rim += [(left + barWidth, top + height), (left, top + height)]
    if scale.extendsBelow { rim.append((left - 14, top + height / 2)) }
    canvas.path(rim, closed: true)
    canvas.stroke(.frame, width: 0.8)

    let ticks = scale.labelledTicks
    let labels = ticks.labels
    let size = 10.0
    let widest = labels.map { canvas.textWidth($0, size: size) }.max() ?? 0
    let distance = ticks.values.count > 1 ? x(ticks.values[1]) - x(ticks.values[0]) : barWidth
    let every = max(1, Int(((widest + 8) / distance).rounded(.up)))
    // Counted from zero or the centre, so that the roundest values keep their labels.
    let anchor = ticks.values.indices.min { abs(ticks.values[$0]) < abs(ticks.values[$1]) } ?? 0
    for (number, value) in ticks.values.enumerated() {
      canvas.path([(x(value), top + height), (x(value), top + height + 4)])
      canvas.stroke(.frame, width: 0.8)
      if (number - anchor) % every == 0 {
        canvas.text(labels[number], x: x(value), y: top + height + 15, size: size, anchor: .middle)
      }
    }
    var caption = "\(quantity) [\(ticks.exponentPrefix)\(units)]"
    if let contours { caption += "  ·  lines: \(contours.name) [\(contours.units)]" }
    canvas.text(
      canvas.fitted(caption, width: Double(layout.mapWidth), size: 11),
      x: Double(layout.left) + Double(layout.mapWidth) / 2, y: top + height + 32, size: 11, anchor: .middle)
    if values.contains(where: { !$0.isFinite }) {
      let right = Double(layout.left + layout.mapWidth)
      let width = canvas.textWidth("no value", size: 9)
      canvas.rectangle(right - width - 16, top + 1, 11, 10)
      canvas.fill(.missing)
      canvas.text("no value", x: right, y: top + 9.5, size: 9, colour: .mutedInk, anchor: .end)
    }
  }
}
