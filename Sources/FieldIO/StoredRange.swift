/// What stored numbers of a variable mean before scale and offset: whether their sign is a bit like the others, and which
/// are beyond what the file calls valid. As netCDF4-python reads them.
struct StoredRange {
  /// What is added to numbers below 0 (`_Unsigned = "true"`); 0: nothing.
  private let span: Double
  /// Valid numbers, after that.
  private let least, largest: Double
  /// Whether infinities can be stored: they are no values.
  private let isFloating: Bool

  /// - Returns: nil where all stored numbers are what they are.
  init?(_ variable: NetCDFReader.Variable) {
    let spans = ["byte": 256.0, "short": 65_536, "int": 4_294_967_296]
    isFloating = variable.typeName == "float" || variable.typeName == "double"
    span = variable.attributes["_Unsigned"]?.text?.lowercased() == "true" ? spans[variable.typeName] ?? 0 : 0
    let isFloating = isFloating, span = span
    func bounds(_ name: String, _ count: Int) -> [Double]? {
      guard let numbers = variable.attributes[name]?.numbers, numbers.count == count,
        // Of packed data they are packed too (CF 2.5.1); others are not known to be.
        numbers.allSatisfy({ isFloating ? !$0.isNaN : $0 == $0.rounded() })
      else { return nil }
      return numbers.map { span > 0 && $0 < 0 ? $0 + span : $0 }
    }
    let range = bounds("valid_range", 2)
    least = range?[0] ?? bounds("valid_min", 1)?[0] ?? -.infinity
    largest = range?[1] ?? bounds("valid_max", 1)?[0] ?? .infinity
    if !isFloating && span == 0 && least == -.infinity && largest == .infinity { return nil }
  }

  /// A stored number as the file means it; NaN where it is not valid.
  @inline(__always) func meaning(of stored: Double) -> Double {
    let value = stored < 0 ? stored + span : stored
    return value >= least && value <= largest && value.isFinite ? value : .nan
  }

  /// The same in single precision, which holds these numbers to the last bit.
  func apply(to values: inout [Float]) {
    let (span, least, largest) = (Float(span), Float(least), Float(largest))
    values.withUnsafeMutableBufferPointer { values in
      for i in values.indices {
        let value = values[i] < 0 ? values[i] + span : values[i]
        values[i] =
          value >= least && value <= largest && abs(value) <= .greatestFiniteMagnitude ? value : .nan
      }
    }
  }
}
