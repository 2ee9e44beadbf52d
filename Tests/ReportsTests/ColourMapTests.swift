import Reports
import Testing

@Suite struct ColourMapTests {
  private func lightness(_ map: ColourMap, _ fraction: Double) -> Double {
    LabColour(map.colour(at: fraction)).lightness
  }

  @Test(arguments: [ColourMap.sequential, .heat])
  func lightnessOfSequentialMapsFallsAllTheWay(map: ColourMap) {
    let steps = (0...128).map { lightness(map, Double($0) / 128) }
    for (before, after) in zip(steps, steps.dropFirst()) { #expect(after < before) }
    #expect(steps[0] > 95)
    #expect(steps[128] < 25)
  }

  @Test func divergingMapIsWhiteInTheMiddleAndDarkensEvenlyToBothEnds() {
    let map = ColourMap.diverging
    #expect(map.colour(at: 0.5) == Colour(0xffffff))
    for step in 0..<64 {
      let (near, far) = (0.5 * Double(step) / 64, 0.5 * Double(step + 1) / 64)
      #expect(lightness(map, 0.5 + far) < lightness(map, 0.5 + near))
      #expect(lightness(map, 0.5 - far) < lightness(map, 0.5 - near))
    }
    let (low, high) = (map.colour(at: 0), map.colour(at: 1))
    #expect(low.blue > low.red && high.red > high.blue)
    #expect(abs(lightness(map, 0) - lightness(map, 1)) < 4)
  }

  @Test(arguments: [ColourMap.sequential, .heat, .diverging])
  func equalStepsLookEqual(map: ColourMap) {
    // Within each half of a diverging map: its halves differ in length.
    for half in [0.0, 0.5] {
      let labs = (0...16).map { LabColour(map.colour(at: half + 0.5 * Double($0) / 16)) }
      let steps = zip(labs, labs.dropFirst()).map { $0.difference(from: $1) }
      let mean = steps.reduce(0, +) / Double(steps.count)
      for step in steps { #expect(abs(step - mean) < 0.25 * mean) }
    }
  }

  /// Machado, Oliveira and Fernandes 2009: full deuteranopia, in linear light (applied here to sRGB, as
  /// the authors' own table is commonly used).
  @Test(arguments: [ColourMap.sequential, .heat, .diverging])
  func stepsStayApartWithoutGreenCones(map: ColourMap) {
    func seen(_ colour: Colour) -> LabColour {
      let (r, g, b) = (Double(colour.red), Double(colour.green), Double(colour.blue))
      func component(_ value: Double) -> UInt8 { UInt8(min(max(value.rounded(), 0), 255)) }
      return LabColour(
        Colour(
          red: component(0.367322 * r + 0.860646 * g - 0.227968 * b),
          green: component(0.280085 * r + 0.672501 * g + 0.047413 * b),
          blue: component(-0.011820 * r + 0.042940 * g + 0.968881 * b)))
    }
    let labs = (0...10).map { seen(map.colour(at: Double($0) / 10)) }
    for i in labs.indices {
      for j in labs.indices where j > i { #expect(labs[i].difference(from: labs[j]) > 5) }
    }
  }

  @Test func colourSpaceGoesThereAndBack() {
    for hexadecimal: UInt32 in [0x000000, 0xffffff, 0xff0000, 0x00ff00, 0x0000ff, 0x123456, 0xc0ffee] {
      #expect(LabColour(Colour(hexadecimal)).colour == Colour(hexadecimal))
    }
    // CIE: white has lightness 100; sRGB red has L* 53.24, a* 80.09, b* 67.20.
    #expect(abs(LabColour(Colour(0xffffff)).lightness - 100) < 0.01)
    #expect(
      LabColour(Colour(0xff0000)).difference(from: LabColour(lightness: 53.24, a: 80.09, b: 67.20)) < 0.05)
  }

  @Test func outsideIsTheEndAndNotANumberIsGrey() {
    #expect(ColourMap.heat.colour(at: -3) == ColourMap.heat.colour(at: 0))
    #expect(ColourMap.heat.colour(at: 7) == ColourMap.heat.colour(at: 1))
    let grey = ColourMap.heat.colour(at: .nan)
    #expect(grey.red == grey.green && grey.green == grey.blue)
  }
}
