/// The version of Apus, as in CHANGELOG.md: in `--version`, manifests and file attributes.
public let apusVersion = "0.1.0"
