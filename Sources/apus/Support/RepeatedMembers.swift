import Logging

/// Members of one number: several models pooled, or files given in two forms.
enum RepeatedMembers {
  /// Says that all of them count.
  static func warn(_ number: Int?, count: Int, variable: String, _ logger: Logger) {
    guard let number else { return }
    logger.warning(
      "member numbers come twice: every one counts as a member of its own",
      metadata: ["variable": "\(variable)", "number": "\(number)", "members": "\(count)"])
  }
}
