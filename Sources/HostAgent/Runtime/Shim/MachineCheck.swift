import CLinux
import Glibc
import HostAgentCore
import JSON

/// What this machine permits a supervisor, found out by trying.
enum MachineCheck {
    /// In a process of its own, which changes and ends.
    static func run(_ folder: String) -> JSONValue {
        var answer: JSONObject = [:]
        answer["namespaces"] = JSONValue(refusal(of: namespaces()))
        answer["overlay"] = JSONValue(refusal(of: overlay(folder)))
        return .object(answer)
    }

    private static func refusal(of code: Int32) -> String? { code == 0 ? nil : String(cString: strerror(code)) }

    private static func namespaces() -> Int32 {
        for kind in [CLINUX_NEWNS, CLINUX_NEWUTS, CLINUX_NEWIPC, CLINUX_NEWNET, CLINUX_NEWPID] {
            if clinux_unshare(Int32(kind)) != 0 { return errno }
        }
        return mount("none", "/", nil, UInt(MS_REC) | UInt(MS_SLAVE), nil) == 0 ? 0 : errno
    }

    private static func overlay(_ folder: String) -> Int32 {
        for name in ["", "/lower", "/upper", "/work", "/merged"] { mkdir(folder + name, 0o700) }
        guard chdir(folder) == 0 else { return errno }
        let code: Int32 =
            mount("overlay", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work") == 0 ? 0 : errno
        if code == 0 { umount2("merged", Int32(MNT_DETACH)) }
        return code
    }
}
