import JSON

/// A document as a page that people can click through.
///
/// Everything is in the page itself. With the addresses of a style and a script in the settings it loads those instead, and
/// leaves them to make something of the variables that they expect: `user`, `curlUser`, `schemas`, `docJson`, `data`.
struct HTMLPage {
    let document: JSONValue
    let links: Links
    let user: String
    /// Absolute addresses; nil for what the page brings itself.
    let style: String?
    let script: String?

    /// What the page may load and run: its own, and what the settings name.
    var policy: String {
        let styles: String = style.map { "'unsafe-inline' \($0)" } ?? "'unsafe-inline'"
        let scripts: String = script.map { "'unsafe-inline' \($0)" } ?? "'unsafe-inline'"
        // A page of somebody else's needs whatever it needs from this API.
        return "default-src 'none'; style-src \(styles); script-src \(scripts); img-src 'self' data:; "
            + "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    }

    var bytes: [UInt8] {
        var page: String =
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Drover API</title>\n"
        if let style { page += "<link rel=\"stylesheet\" href=\"\(Self.escaped(style))\">\n" }
        if style == nil { page += "<style>\(Self.ownStyle)</style>\n" }
        page += "</head><body><main id=\"api\"></main>\n<script>\n"
        page += "var user = \(Self.inScript(.string(user)));\n"
        page += "var curlUser = \(Self.inScript("${CATTLE_ACCESS_KEY}:${CATTLE_SECRET_KEY}"));\n"
        page += "var schemas = \(Self.inScript(.string(links.schemas)));\n"
        page += "var docJson = \(Self.inScript(.string("\(links.root)/typedocumentations")));\n"
        page += "var data = \(Self.inScript(document));\n</script>\n"
        if let script {
            page += "<script src=\"\(Self.escaped(script))\"></script>\n"
        } else {
            page += "<script>\(Self.ownScript)</script>\n"
        }
        page += "<noscript><pre>\(Self.escaped(JSONWriter.pretty(document)))</pre></noscript></body></html>\n"
        return Array(page.utf8)
    }

    /// JSON that may stand in a script element: nothing in it can end the element or begin a comment.
    static func inScript(_ value: JSONValue) -> String {
        var result: String = ""
        for scalar in String(decoding: JSONWriter.bytes(value), as: UTF8.self).unicodeScalars {
            switch scalar {
            case "/": result += "\\/"
            case "<": result += "\\u003c"
            case ">": result += "\\u003e"
            case "&": result += "\\u0026"
            // Line ends to scripts, though not to JSON.
            case "\u{2028}": result += "\\u2028"
            case "\u{2029}": result += "\\u2029"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Text in HTML, also between double quotes.
    static func escaped(_ text: String) -> String {
        var result: String = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    private static let ownStyle: String = """
        body{font:14px/1.5 ui-monospace,monospace;margin:2em;color:#222;background:#fff}
        pre{white-space:pre-wrap;overflow-wrap:anywhere}a{color:#0645ad}header{margin-bottom:1em}
        button{font:inherit;margin-right:.5em}
        @media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}a{color:#8ab4f8}}
        """

    /// Writes the document with its addresses as links.
    ///
    /// Text goes into text nodes only, and only addresses of the web become links.
    private static let ownScript: String = """
        (function () {
          var main = document.getElementById('api');
          function add(parent, name, text) {
            var element = document.createElement(name);
            if (text !== undefined) element.textContent = text;
            parent.appendChild(element);
            return element;
          }
          var head = add(main, 'header');
          add(head, 'strong', location.pathname + location.search);
          add(head, 'span', user ? '  ' + user + '  ' : '  ');
          var list = add(head, 'a', 'schemas');
          list.href = schemas;
          var out = add(main, 'pre');
          function text(value) { out.appendChild(document.createTextNode(value)); }
          function write(value, indent) {
            var inner = indent + '  ';
            if (value === null || typeof value !== 'object') {
              if (typeof value === 'string' && /^https?:\\/\\//.test(value)) {
                text('"');
                var link = add(out, 'a', value);
                link.href = value;
                text('"');
              } else text(JSON.stringify(value));
              return;
            }
            var isList = Array.isArray(value), keys = Object.keys(value);
            if (!keys.length) return text(isList ? '[]' : '{}');
            text(isList ? '[' : '{');
            keys.forEach(function (key, index) {
              text((index ? ',' : '') + '\\n' + inner + (isList ? '' : JSON.stringify(key) + ': '));
              write(value[key], inner);
            });
            text('\\n' + indent + (isList ? ']' : '}'));
          }
          write(data, '');
          add(main, 'p', 'curl -u "' + curlUser + '" ' + location.href);
        })();
        """
}
