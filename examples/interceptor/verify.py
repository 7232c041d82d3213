"""An interceptor that believes the cluster alone, and lets only ann make stacks (pip install authlib)."""
import http.server, json, sys, urllib.request
from authlib.jose import JsonWebKey, JsonWebToken

port, cluster, issuer = int(sys.argv[1]), sys.argv[2], sys.argv[3]

class Interceptor(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with urllib.request.urlopen(cluster + "/.well-known/jwks.json") as answer: keys = JsonWebKey.import_key_set(json.load(answer))
        try:
            said = JsonWebToken(["ES256"]).decode(self.headers.get("X-API-Assertion", ""), keys, claims_options={
                "iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": f"http://127.0.0.1:{port}"}, "exp": {"essential": True}})
            said.validate(leeway=60)
            status, message = (200, "") if said["name"] == "ann" else (403, said["name"] + " makes no stacks here")
        except Exception as reason:
            status, message = 401, f"nobody vouches for this request: {reason}"
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps({"message": message} if message else {}).encode())

http.server.ThreadingHTTPServer(("127.0.0.1", port), Interceptor).serve_forever()
