import Foundation

/// Programs that are not ours, and that may leave others running when they end.
package enum OutsideProgram {
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    /// Runs a program to its end.
    ///
    /// Not by Foundation's `Process`, which waits until all that the program started have ended too: a broker goes on. For the same reason what it says goes to a file and not
    /// into a pipe, and the program gets no other open file of this process.
    package static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let path = NSTemporaryDirectory() + "millrace-output-\(UUID().uuidString)"
        defer { unlink(path) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The shell may keep one of its own for the script.
        let closing =
            "for f in /dev/fd/*; do f=${f##*/}; if [ $f -gt 2 ] && [ $f -ne 255 ]; then eval \"exec $f>&-\"; fi; done; exec \"$@\""
        var pointers = (["/bin/bash", "-c", closing, "bash", program] + arguments).map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        pointers.append(nil)
        var child = pid_t()
        guard posix_spawn(&child, "/bin/bash", &actions, nil, pointers, environ) == 0 else {
            throw Failure(description: "\(program) cannot be started.")
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return (status, try String(contentsOfFile: path, encoding: .utf8))
    }

    /// What a program said, standard output and errors together.
    ///
    /// - Throws: `Failure` with the end of it when the program failed.
    package static func output(of program: String, _ arguments: [String]) throws -> String {
        let (status, output) = try run(program, arguments)
        guard status == 0 else {
            throw Failure(description: "\(program) \(arguments.joined(separator: " ")) failed: \(output.suffix(2000))")
        }
        return output
    }
}
