import CYAML

/// One step of libyaml's parser, copied into Swift values.
struct YAMLEvent {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd, sequenceEnd, mappingEnd
        case alias(String)
        case scalar(String, style: YAMLNode.ScalarStyle, tag: String?, anchor: String?)
        case sequenceStart(anchor: String?)
        case mappingStart(anchor: String?)
    }

    var kind: Kind
    var line: Int
    var column: Int
}

/// libyaml's parser over one text.
///
/// The C structure lives on the heap, because libyaml keeps its address; the bytes must outlive this value, which
/// `YAML.parse` sees to. Used by one caller at a time.
struct YAMLEvents: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let file: String
    private let bytes: UnsafeBufferPointer<UInt8>

    init(_ bytes: UnsafeBufferPointer<UInt8>, file: String) throws(YAMLError) {
        let parser: UnsafeMutablePointer<yaml_parser_t> = .allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw YAMLError(file: file, line: 1, column: 1, message: "no memory left for the parser")
        }
        self.parser = parser
        self.file = file
        self.bytes = bytes
        // Told, not guessed: a text that begins like UTF-16 is refused.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    func next() throws(YAMLError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        return YAMLEvent(
            kind: Self.kind(event),
            line: Int(event.start_mark.line) + 1,
            column: Int(event.start_mark.column) + 1
        )
    }

    private static func kind(_ event: yaml_event_t) -> YAMLEvent.Kind {
        switch event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
        case YAML_SEQUENCE_START_EVENT: return .sequenceStart(anchor: text(event.data.sequence_start.anchor))
        case YAML_MAPPING_START_EVENT: return .mappingStart(anchor: text(event.data.mapping_start.anchor))
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let content = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .scalar(
                String(decoding: content, as: UTF8.self),
                style: scalar.style == YAML_PLAIN_SCALAR_STYLE ? .plain : .quoted,
                tag: text(scalar.tag),
                anchor: text(scalar.anchor)
            )
        default: return .streamEnd  // also what libyaml gives after the end
        }
    }

    private static func text(_ string: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        string.map { String(cString: $0) }
    }

    private func failure() -> YAMLError {
        let state: yaml_parser_t = parser.pointee
        var message: String = state.problem.map { String(cString: $0) } ?? "not YAML"
        if let context = state.context {
            // The problem may show itself far below the bracket or quote that was left open.
            message = "\(String(cString: context)) from line \(state.context_mark.line + 1): \(message)"
        }
        guard state.error == YAML_READER_ERROR else {
            return YAMLError(
                file: file,
                line: Int(state.problem_mark.line) + 1,
                column: Int(state.problem_mark.column) + 1,
                message: message
            )
        }
        // The reader knows only the byte's offset.
        let before = bytes.prefix(max(0, min(bytes.count, Int(state.problem_offset))))
        let lineStart: Int = (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        let lead: String = String(decoding: before[lineStart...], as: UTF8.self)
        return YAMLError(
            file: file,
            line: before.count { $0 == UInt8(ascii: "\n") } + 1,
            column: lead.unicodeScalars.count + 1,
            message: message
        )
    }
}
