// One import runs an app on the embedded default.
@_exported import MillraceCore
@_exported import MillraceJSON
@_exported import MillraceLog
@_exported import MillraceRocksDB
@_exported import MillraceStreams
@_exported import MillraceSystem
