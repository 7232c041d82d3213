import HTTP
import JSON
import Model
import Store

/// How a document goes out: as JSON to programs, as a page to people (contract A17).
enum DocumentFormat {
    /// - Parameters:
    ///   - request: nil for one that never came to be one; its answer is JSON.
    ///   - user: the caller's name, where it is known.
    static func response(
        _ status: Int,
        _ document: JSONValue,
        to request: HTTPRequest?,
        _ links: Links,
        user: String?,
        _ view: StoreView
    ) -> HTTPResponse {
        guard let request, wantsPage(request) else {
            return HTTPResponse(
                status: status,
                headers: ["Content-Type": "application/json; charset=utf-8"],
                body: JSONWriter.bytes(document)
            )
        }
        let page = HTMLPage(
            document: document,
            links: links,
            user: user ?? "",
            style: asset("api.ui.css.url", view),
            script: asset("api.ui.js.url", view)
        )
        return HTTPResponse(
            status: status,
            headers: [
                "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": page.policy,
                "X-Content-Type-Options": "nosniff", "Vary": "User-Agent, Accept",
            ],
            body: page.bytes
        )
    }

    /// `_format` decides; without it a browser that takes anything gets the page.
    static func wantsPage(_ request: HTTPRequest) -> Bool {
        switch request.queryItems?["_format"]?.lowercased() {
        case "html": true
        case "json": false
        default:
            request.headers.value(of: "user-agent", mentions: "mozilla")
                && (!request.headers.contains("accept") || request.headers.value(of: "accept", mentions: "*/*"))
        }
    }

    /// The address that a setting names; nil for none, and for what is no address.
    private static func asset(_ setting: String, _ view: StoreView) -> String? {
        ActiveSettings.value(setting, view).flatMap { SettingDefinition.isAddress($0) ? $0 : nil }
    }
}
