import Basics
import Testing

@Test func sha256OfTheStandardsExamples() {
  // FIPS 180-4 / NIST CAVP short messages.
  let cases: [(String, String)] = [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      String(repeating: "a", count: 1_000_000),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    ),
  ]
  for (text, digest) in cases { #expect(SHA256.hexadecimal(of: Array(text.utf8)) == digest) }
}

@Test func sha256DoesNotDependOnTheChunks() {
  let bytes = (0..<300).map { UInt8($0 & 255) }
  for size in [1, 7, 55, 56, 63, 64, 65, 128] {
    var digest = SHA256()
    for start in stride(from: 0, to: bytes.count, by: size) {
      bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { digest.update($0) }
    }
    #expect(digest.hexadecimal() == SHA256.hexadecimal(of: bytes))
  }
}

@Test func sha256IsTheSameWithAndWithoutTheProcessorsInstructions() {
  let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 9) }
  for count in [0, 1, 63, 64, 65, 128, 1000, 4999] {
    let digests = [true, false].map { inHardware in
      var digest = SHA256(inHardware: inHardware)
      bytes[..<count].withUnsafeBytes { digest.update($0) }
      return digest.hexadecimal()
    }
    #expect(digests[0] == digests[1])
  }
}
