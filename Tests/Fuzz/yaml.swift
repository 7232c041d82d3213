import YAML

/// YAML out of any text: no crash, however deep, wide or full of aliases it is.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self)
    _ = try? YAML.parse(text, file: "compose.yml")
    return 0
}
