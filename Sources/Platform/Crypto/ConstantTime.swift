import COpenSSL

/// Comparison of secrets that takes the same time wherever they differ.
package enum ConstantTime {
    /// True when both hold the same bytes.
    ///
    /// Only the length may leak: compare digests of secrets, which all have one length.
    package static func equals(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        return withContiguousBytes(left) { left in
            withContiguousBytes(right) { right in
                // Two empty collections have no address, which the C function would not like.
                guard let first = left.baseAddress, let second = right.baseAddress else { return left.isEmpty }
                return CRYPTO_memcmp(first, second, left.count) == 0
            }
        }
    }
}
