import Foundation
import Testing

/// The help pages are kept as files; `APUS_REWRITE_SNAPSHOTS=1 swift test -c release --filter HelpTests`
/// writes them anew.
@Suite struct HelpTests {
  static let rewrites = ProcessInfo.processInfo.environment["APUS_REWRITE_SNAPSHOTS"] == "1"
  static let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Resources/help")

  /// The commands that the help of a command, or of `apus` itself, lists.
  static func commands(of page: [String] = []) throws -> [String] {
    let lines = try Binary.run(page + ["--help"]).output.split(
      separator: "\n", omittingEmptySubsequences: false)
    let listed = lines.drop { !$0.hasPrefix("SUBCOMMANDS:") }.dropFirst().prefix { $0.hasPrefix("  ") }
    return listed.filter { !$0.hasPrefix("   ") }.compactMap {
      $0.split(separator: " ").first.map(String.init)
    }
  }

  @Test func everyHelpPageIsAsFiled() throws {
    let commands = try HelpTests.commands()
    #expect(commands.count > 1)
    let pages =
      try [[]] + commands.map { [$0] }
      + commands.flatMap { command in try HelpTests.commands(of: [command]).map { [command, $0] } }
    for page in pages {
      let outcome = try Binary.run(page + ["--help"])
      #expect(outcome.code == 0)
      let name = (["apus"] + page).joined(separator: "-") + ".txt"
      if HelpTests.rewrites {
        try outcome.output.write(
          to: HelpTests.source.appendingPathComponent(name), atomically: true, encoding: .utf8)
      } else {
        let filed = Bundle.module.bundlePath + "/Resources/help/\(name)"
        #expect((try? String(contentsOfFile: filed, encoding: .utf8)) == outcome.output, "\(name)")
      }
    }
  }

  @Test func helpAndVersionSucceed() throws {
    let version = try Binary.run(["--version"])
    #expect(version.code == 0)
    #expect(version.output.first?.isNumber == true)
    #expect(try Binary.run([]).code == 0)
  }

  @Test func unknownFlagsAndCommandsAreUsageErrors() throws {
    let flag = try Binary.run(["inspect", "x.nc", "--jsno"])
    #expect(flag.code == 64)
    #expect(flag.errors.hasPrefix("apus: error: Unknown option '--jsno'. Did you mean '--json'?"))
    #expect(flag.output.isEmpty)
    let command = try Binary.run(["inspekt"])
    #expect(command.code == 64)
    let nothing = try Binary.run(["inspect"])
    #expect(nothing.code == 64)
  }
}
