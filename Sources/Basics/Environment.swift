import Foundation

/// The value of an environment variable, or nil where unset or empty.
public func environmentValue(_ name: String) -> String? {
  guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else { return nil }
  return value
}

/// Processors this process may use.
public let processorCount = ProcessInfo.processInfo.activeProcessorCount
