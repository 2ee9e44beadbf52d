import Basics
import Testing

/// Paths as text: for every directory d and name n, "d/n" parts into d and n.
@Suite struct FilePathTests {
  @Test func partsOfAPath() {
    for name in ["x", "é", "a.nc", "two words", ".hidden", "日"] {
      #expect(FilePath.directory(of: name) == "" && FilePath.name(of: name) == name)
      for directory in ["d", ".", "..", "a/b", "/", "/a", "ü/é"] {
        let path = directory == "/" ? "/" + name : directory + "/" + name
        #expect(FilePath.directory(of: path) == directory, "\(path)")
        #expect(FilePath.name(of: path) == name, "\(path)")
        #expect(FilePath.directory(of: path + "/") == directory && FilePath.name(of: path + "//") == name)
      }
    }
    #expect(
      FilePath.directory(of: "a//b") == "a" && FilePath.name(of: "/") == "/" && FilePath.name(of: "") == "")
  }

  @Test(arguments: [
    ("a.nc", "nc"), ("a", ""), ("d.x/a", ""), (".hidden", ""), ("a.tar.gz", "gz"), ("a.", ""),
    ("x.yml/", "yml"),
  ]) func endings(_ path: String, _ ending: String) {
    #expect(FilePath.ending(of: path) == ending)
  }
}
