import Basics
import Fields
import Testing

@Suite struct ChannelTests {
  @Test(arguments: [
    ("z500", "m", "geopotential_height", 500), ("vo850", "s-1", "atmosphere_relative_vorticity", 850),
    ("q1000", "kg kg-1", "specific_humidity", 1000),
  ])
  func pressureLevelChannels(name: String, unit: String, standardName: String, level: Int) throws {
    let channel = try #require(ChannelCatalogue.channel(name))
    #expect(channel.name == name)
    #expect(channel.unit == unit)
    #expect(channel.standardName == standardName)
    #expect(channel.level == level)
  }

  @Test func singleLevelChannelsAndUnknownNames() throws {
    #expect(ChannelCatalogue.channel("msl")?.unit == "Pa")
    // u10 is the wind at 10 m, not u at 10 hPa.
    #expect(ChannelCatalogue.channel("u10")?.height == 10)
    #expect(ChannelCatalogue.channel("u10")?.level == nil)
    #expect(ChannelCatalogue.channel("nonsense") == nil)
    #expect(ChannelCatalogue.channel("z") == nil)
    #expect(ChannelCatalogue.channel("z5000") == nil)
  }

  @Test func namesOfOtherProjects() {
    #expect(ChannelCatalogue.quantity(ofVariable: "2t") == "t2m")
    #expect(ChannelCatalogue.quantity(ofVariable: "psl") == "msl")
    #expect(ChannelCatalogue.quantity(ofVariable: "gh") == "z")
    #expect(ChannelCatalogue.quantity(ofVariable: "unheard_of") == "unheard_of")
  }
}

@Suite struct UnitsTests {
  @Test(arguments: [
    ("hPa", "Pa", 1013.25, 101_325), ("degC", "K", 20, 293.15), ("s**-1", "s-1", 3e-5, 3e-5),
    ("m**2 s**-2", "m", 9.80665, 1), ("g kg-1", "kg kg-1", 5, 0.005), ("m", "kg m-2", 0.002, 2),
    ("millibars", "Pa", 1, 100), ("gpm", "m", 5500, 5500),
  ])
  func conversions(from: String, to: String, value: Double, expected: Double) throws {
    let way = try Units.conversion(from: from, to: to)
    #expect(abs(value * way.scale + way.offset - expected) <= 1e-12 * abs(expected))
  }

  @Test func backAndForthIsTheIdentity() throws {
    let there = try Units.conversion(from: "m", to: "m2 s-2")
    let back = try Units.conversion(from: "m2 s-2", to: "m")
    #expect(abs(there.scale * back.scale - 1) < 1e-15)
  }

  @Test func incompatibleUnitsAreNamed() {
    let error = #expect(throws: ApusError.self) {
      try Units.conversion(from: "K", to: "Pa", file: "a.nc", variable: "msl")
    }
    #expect(error?.kind == .badData)
    #expect(error?.description.contains("a.nc: 'msl': units are wrong: found 'K', expected 'Pa'") == true)
  }
}
