import ArgumentParser
import Basics
import Ensembles
import Foundation

/// `--shard i/n`, or `--shard auto`: one part of a run, index from 0.
struct Shard: Sendable, Hashable {
  let index: Int
  let count: Int

  init(index: Int, count: Int) { (self.index, self.count) = (index, count) }

  /// Reads the value of the option; `auto` asks the environment, see `ShardEnvironment`.
  init(argument: String) throws {
    if argument == "auto" {
      do { (index, count) = try ShardEnvironment.part(in: ProcessInfo.processInfo.environment) } catch {
        throw ValidationError("\(error)")
      }
      return
    }
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1], count > 0, (0..<count).contains(index)
    else {
      throw ValidationError("found '\(argument)', expected i/n with i from 0 to n - 1, or auto.")
    }
    (self.index, self.count) = (index, count)
  }
}
