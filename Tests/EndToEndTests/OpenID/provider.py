"""An OpenID Connect provider for tests, made of Authlib: one client, one person who agrees to everything.

usage: provider.py PORT CERTIFICATE KEY CLIENT_ID CLIENT_SECRET REDIRECT_URI ALGORITHM
"""
import json
import sys
import time

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo, grants as oidc
from flask import Flask, jsonify, request
from joserfc.jwk import ECKey, RSAKey

port, certificate, key_file, client_id, client_secret, redirect_uri, algorithm = sys.argv[1:8]
issuer = f"https://127.0.0.1:{port}/realm"
signing = (
    ECKey.generate_key("P-256", {"kid": "test-key", "use": "sig"})
    if algorithm == "ES256"
    else RSAKey.generate_key(2048, {"kid": "test-key", "use": "sig"})
)
codes = {}
groups = ["ops", "dev"]


class Client(ClientMixin):
    def get_client_id(self):
        return client_id

    def get_default_redirect_uri(self):
        return redirect_uri

    def get_allowed_scope(self, scope):
        return scope

    def check_redirect_uri(self, uri):
        return uri == redirect_uri

    def check_client_secret(self, secret):
        return secret == client_secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_basic"

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type == "authorization_code"


class Person:
    def get_user_id(self):
        return "person-7"


class Code(AuthorizationCodeMixin):
    def __init__(self, code, asked):
        self.code = code
        self.redirect_uri = asked.payload.redirect_uri
        self.scope = asked.payload.scope
        self.nonce = asked.payload.data.get("nonce")
        self.code_challenge = asked.payload.data.get("code_challenge")
        self.code_challenge_method = asked.payload.data.get("code_challenge_method")
        self.auth_time = int(time.time())

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return self.auth_time

    def get_acr(self):
        return None

    def get_amr(self):
        return None


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

    def save_authorization_code(self, code, request):
        codes[code] = Code(code, request)

    def query_authorization_code(self, code, client):
        return codes.get(code)

    def delete_authorization_code(self, authorization_code):
        codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code):
        return Person()


class OpenIDCode(oidc.OpenIDCode):
    def exists_nonce(self, nonce, request):
        return False

    def get_jwt_config(self, grant, client=None):
        return {"key": signing.as_dict(private=True), "alg": algorithm, "iss": issuer, "exp": 300}

    def get_encode_header(self, client=None):
        return {"alg": algorithm, "kid": "test-key"}

    def get_client_algorithm(self, client):
        return algorithm

    def get_client_claims(self, client):
        return {"iss": issuer, "exp": int(time.time()) + 300}

    def resolve_client_private_key(self, client):
        return signing

    def generate_user_info(self, user, scope):
        return UserInfo(sub="person-7", name="Zoe Provided", preferred_username="zoe", groups=groups)


app = Flask(__name__)
server = AuthorizationServer(
    app, query_client=lambda id: Client() if id == client_id else None, save_token=lambda token, request: None
)
server.register_grant(CodeGrant, [CodeChallenge(required=True), OpenIDCode(require_nonce=True)])


@app.get("/realm/.well-known/openid-configuration")
def discovery():
    return jsonify(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/authorize",
        token_endpoint=f"{issuer}/token",
        jwks_uri=f"{issuer}/keys",
        response_types_supported=["code"],
        id_token_signing_alg_values_supported=[algorithm],
        token_endpoint_auth_methods_supported=["client_secret_basic"],
    )


@app.get("/realm/keys")
def keys():
    return jsonify(keys=[signing.as_dict(private=False)])


@app.get("/realm/authorize")
def authorize():
    grant = server.get_consent_grant(end_user=Person())
    return server.create_authorization_response(grant_user=Person(), grant=grant)


@app.post("/realm/token")
def token():
    return server.create_token_response()


app.run("127.0.0.1", int(port), ssl_context=(certificate, key_file))
