"""An interceptor in ten lines: stacks have a description, and nobody makes one that is called forbidden."""
import http.server, json, sys

class Interceptor(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = asked.get("body", {})
        denied = body.get("name") == "forbidden"
        body.setdefault("description", "made on " + asked["APIPath"])
        answer = {"message": "no stack is called so here"} if denied else {"body": body} if asked.get("body") else {}
        self.send_response(403 if denied else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Interceptor).serve_forever()
