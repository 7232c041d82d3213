import HTTP
import JSON

@testable import Gateway

/// What an administrator may configure, against what a client may ask for: the first line is the template of a path, the
/// second a path; the rest is read as a whole configuration.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self)
    let lines: [Substring] = text.split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
    if lines.count > 1, let template = try? PathTemplate(String(lines[0])) {
        _ = template.matches(String(lines[1]))
        let segments: [String] = lines[1].split(separator: "/").map(String.init)
        _ = APIPath(segments: segments)
    }
    if lines.count > 2 { _ = try? InterceptorConfig(String(lines[2])) }
    return 0
}
