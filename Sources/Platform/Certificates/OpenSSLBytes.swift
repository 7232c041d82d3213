internal import COpenSSL

/// DER from one of OpenSSL's `i2d` functions.
func encoded(_ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32) -> [UInt8]? {
    var output: UnsafeMutablePointer<UInt8>?
    let count: Int32 = write(&output)
    guard count > 0, let output else { return nil }
    // Keys pass here, too: nothing of them stays in freed memory.
    defer { CRYPTO_clear_free(output, Int(count), #file, #line) }
    return Array(UnsafeBufferPointer(start: output, count: Int(count)))
}

/// Reads one object with one of OpenSSL's `d2i` functions; nil when the bytes are not exactly that object.
func decoded(
    _ bytes: [UInt8],
    _ read: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?,
    free: (OpaquePointer) -> Void
) -> OpaquePointer? {
    ERR_clear_error()
    defer { ERR_clear_error() }
    return bytes.withUnsafeBufferPointer { buffer in
        guard let start = buffer.baseAddress else { return nil }
        var position: UnsafePointer<UInt8>? = start
        guard let object: OpaquePointer = read(&position, buffer.count) else { return nil }
        guard position == start + buffer.count else {
            free(object)
            return nil
        }
        return object
    }
}

/// The content of an ASN.1 string.
func content(_ string: UnsafePointer<ASN1_STRING>) -> [UInt8] {
    let count: Int = Int(ASN1_STRING_length(string))
    guard count > 0, let bytes = ASN1_STRING_get0_data(string) else { return [] }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
}
