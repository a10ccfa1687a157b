// swift-tools-version: 6.2
import PackageDescription

// A package of somebody else, built in CI: whoever depends on Millrace needs no unsafe flags, no C++ interoperability and no Kafka client library.
let package = Package(
    name: "word-count",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "millrace", path: "../..")],
    targets: [.executableTarget(name: "WordCount", dependencies: [.product(name: "Millrace", package: "millrace")])]
)
