import CLinux
import Glibc
import HostAgentCore

/// A container whose first process runs, as its supervisor holds it.
struct RunningChild {
    var process: pid_t
    /// What is read for its log.
    var output: Int32
    /// -1 for a terminal, which has one stream.
    var error: Int32
    /// Kept open as long as it is to have an input; -1 for none.
    var input: Int32
    var address: String?
    /// Its network namespace; -1 for the machine's.
    var network: Int32 = -1
    /// What did not go as wished and does not keep it from running.
    var notes: [String] = []
}

/// A pipe whose ends no program inherits.
struct ShimPipe {
    var read: Int32
    var write: Int32

    init() throws(OperationFailure) {
        var ends: [Int32] = [-1, -1]
        guard CLinux.pipe2(&ends, O_CLOEXEC) == 0 else { throw FolderTree.failure("make", "a pipe") }
        read = ends[0]
        write = ends[1]
    }
}

/// Its standard streams, as the child gets them and as the supervisor keeps them.
struct ChildStreams {
    var childInput: Int32
    var childOutput: Int32
    var childError: Int32
    var keptInput: Int32 = -1
    var output: Int32
    var error: Int32

    init(keepsInput: Bool) throws(OperationFailure) {
        let out = try ShimPipe()
        let err = try ShimPipe()
        (output, childOutput) = (out.read, out.write)
        (error, childError) = (err.read, err.write)
        if keepsInput {
            let input = try ShimPipe()
            (childInput, keptInput) = (input.read, input.write)
        } else {
            childInput = open("/dev/null", O_RDONLY | O_CLOEXEC)
        }
        for descriptor in [output, error] {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
    }

    func closeChildEnds() {
        for descriptor in [childInput, childOutput, childError] { close(descriptor) }
    }
}
