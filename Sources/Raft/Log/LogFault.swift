internal import Glibc

/// What went wrong with a data folder.
package enum LogFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another process holds the folder.
    case inUse(directory: String, process: String)
    /// There is no member in this folder.
    case missing(directory: String)
    /// There is a member in this folder already.
    case exists(directory: String)
    /// What was flushed once cannot be read back. The member must not vote, and nothing may be cut.
    case damaged(file: String, offset: Int, reason: String)
    /// A format of another version.
    case unknownFormat(file: String, found: String)
    case system(operation: String, path: String, code: Int32)
    /// There is no space for a file that was to be made. Nothing that was there is touched, so it may be tried again.
    case full(path: String)

    package var description: String {
        switch self {
        case .inUse(let directory, let process):
            "data folder \(directory) is in use by process \(process); stop it first, or choose another folder"
        case .missing(let directory):
            "data folder \(directory) holds no member; create it with \"drover server init\" or \"join\""
        case .exists(let directory):
            "data folder \(directory) already holds a member; run it, or choose an empty folder"
        case .damaged(let file, let offset, let reason):
            """
            \(file) is damaged at byte \(offset): \(reason). Entries that were acknowledged may be missing, so this \
            member must not vote. Keep the folder, remove the member and join it again with an empty one
            """
        case .unknownFormat(let file, let found):
            "\(file) has format \(found), which this version does not know; use the version that wrote it"
        case .system(let operation, let path, let code):
            "cannot \(operation) \(path): \(String(cString: strerror(code)))"
        case .full(let path):
            "there is no space for \(path); free some on its filesystem, or enlarge it: the log goes on by itself then"
        }
    }

    /// What was to be made new found no space; it is gone again, and may be tried once more.
    func whileMaking(_ path: String) -> LogFault {
        guard case .system(_, _, let code) = self, code == ENOSPC || code == EDQUOT else { return self }
        return .full(path: path)
    }
}
