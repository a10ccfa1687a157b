import Foundation
import MillraceConformance

exit(ConformanceCommand(write: { print($0) }).run(Array(CommandLine.arguments.dropFirst())))
