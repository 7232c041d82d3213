import CLinux
import Glibc

/// A file descriptor that is closed with its owner, at the latest, and that no program inherits.
final class Descriptor {
    /// -1 when it could not be opened, and once it is closed.
    private(set) var number: Int32

    /// Takes over `number`, or a copy above 2 if it is one that a child's standard streams would overwrite.
    init(owning number: Int32) {
        guard (0...2).contains(number) else {
            self.number = number
            return
        }
        self.number = fcntl(number, F_DUPFD_CLOEXEC, 3)
        Glibc.close(number)
    }

    deinit {
        close()
    }

    func close() {
        if number >= 0 { Glibc.close(number) }
        number = -1
    }

    var isOpen: Bool { number >= 0 }

    static func open(_ path: String, _ flags: Int32) -> Descriptor {
        Descriptor(owning: Glibc.open(path, flags | O_CLOEXEC, 0o640))
    }

    func setNonBlocking() -> Bool {
        let flags: Int32 = fcntl(number, F_GETFL)
        return flags >= 0 && fcntl(number, F_SETFL, flags | O_NONBLOCK) == 0
    }
}

/// The two ends of a pipe.
struct Pipe {
    let read: Descriptor
    let write: Descriptor

    /// Nil when the process has no descriptors left; `errno` tells.
    init?() {
        var ends: [Int32] = [-1, -1]
        guard CLinux.pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
        read = Descriptor(owning: ends[0])
        write = Descriptor(owning: ends[1])
    }
}

/// The text of the last failure of a system call.
func systemMessage(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }
