import Foundation
import MillraceConformance

exit(ConformanceCommand.run(Array(CommandLine.arguments.dropFirst())))
