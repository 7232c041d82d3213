import HTTP

extension Problem {
    /// What the HTTP server refused before it was a request, with the code of its status.
    init(refused refusal: HTTPRefusal) {
        let code: String =
            switch refusal.status {
            case 400: "Bad Request"
            case 408: "Request Timeout"
            case 413: "Request Entity Too Long"
            case 414: "Request-URI Too Long"
            case 417: "Expectation Failed"
            case 431: "Request Header Fields Too Large"
            case 501: "Not Implemented"
            case 505: "HTTP Version Not Supported"
            case ..<500: "Bad Request"
            default: "Internal Server Error"
            }
        self.init(status: refusal.status, code: code, message: "\(refusal.message).")
    }
}
