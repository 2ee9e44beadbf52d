import Foundation

/// Text as HTML.
package enum HTMLText {
  /// `text` with the five characters that mean something to HTML replaced, and without control characters,
  /// which HTML5 does not allow: safe as content and inside quoted attributes.
  package static func escaped(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count + 16)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      default:
        let value = scalar.value
        let isControl = value < 32 || (127...159).contains(value)
        let isNoncharacter = value & 0xfffe == 0xfffe || (0xfdd0...0xfdef).contains(value)
        if !isControl && !isNoncharacter { result.unicodeScalars.append(scalar) }
      }
    }
    return result
  }
}
