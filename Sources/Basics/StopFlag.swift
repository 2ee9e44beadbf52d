import Dispatch
import Foundation
import Synchronization

/// The polite request to stop: set by SIGTERM, SIGINT and SIGUSR1, polled by long loops between two
/// pieces of work, so that what is on disk is whole and the next run continues from it.
///
/// A second SIGINT ends the process at once: the handlers restore the signal's own meaning.
public enum StopFlag {
  private static let signalNumber = Atomic<Int32>(0)
  private static let sources = Mutex<[any DispatchSourceSignal]>([])

  /// Whether a stop was asked for.
  public static var isSet: Bool { signalNumber.load(ordering: .relaxed) != 0 }

  /// Asks for a stop, as the signal `number` does.
  public static func set(signal number: Int32 = SIGTERM) { signalNumber.store(number, ordering: .relaxed) }

  /// Starts to listen; called once by the command line before any work.
  public static func listen() {
    // A limit on the size of files is an error of writing (74), not the end.
    signal(SIGXFSZ, SIG_IGN)
    let queue = DispatchQueue(label: "apus.signals")
    for number in [SIGTERM, SIGINT, SIGUSR1] {
      signal(number, SIG_IGN)
      sources.withLock { sources in
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler {
          set(signal: number)
          signal(number, SIG_DFL)
        }
        source.resume()
        sources.append(source)
      }
    }
  }

  /// What to say of work that leaves nothing on disk before its end.
  public static let nothingWritten = "Nothing was written: run the same command again."

  /// Throws where a stop was asked for: the line to put between two pieces of work.
  /// - Throws: `ApusError` of kind `tryAgainLater` (exit code 75) saying what is safe on disk.
  public static func check(_ saved: String = "Run the same command again to continue.") throws {
    guard isSet else { return }
    let names = [SIGTERM: "SIGTERM", SIGINT: "SIGINT", SIGUSR1: "SIGUSR1"]
    let name = names[signalNumber.load(ordering: .relaxed)] ?? "a signal"
    throw ApusError(.tryAgainLater, "stopped cleanly on \(name)", advice: saved)
  }
}
