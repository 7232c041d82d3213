import Limits

/// Reads YAML 1.1 as compose files use it: one document, scalar keys, aliases and merge keys.
///
/// Limits: `Limits.yamlDocumentBytes`, `Limits.yamlDepth` and `Limits.yamlNodes`; the last two count what aliases
/// stand for, so a small text cannot become a large tree.
package enum YAML {
    /// The document's root; a null node for a text without a document.
    ///
    /// `file` is only what errors call the text.
    package static func parse(_ text: String, file: String) throws(YAMLError) -> YAMLNode {
        let bytes: [UInt8] = Array(text.utf8)
        guard bytes.count <= Limits.yamlDocumentBytes else {
            let message: String = "the document has \(bytes.count) bytes, at most \(Limits.yamlDocumentBytes) are read"
            throw YAMLError(file: file, line: 1, column: 1, message: message)
        }
        return try bytes.withUnsafeBufferPointer { (buffer: UnsafeBufferPointer<UInt8>) throws(YAMLError) -> YAMLNode in
            var composer = YAMLComposer(events: try YAMLEvents(buffer, file: file), file: file)
            return try composer.document()
        }
    }
}
