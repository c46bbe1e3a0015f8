"""An OpenID provider on this machine, as Hugging Face is one: it signs in whoever a test says, unasked."""

from __future__ import annotations

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "page"


class Hub(ThreadingHTTPServer):
    """Tells of the next person, `name`, that comes to sign in."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.name = ""
        self.codes: dict[str, dict[str, Any]] = {}

    def variables(self) -> dict[str, str]:
        """What a Space with `hf_oauth: true` has set."""
        return {
            "SYSTEM": "spaces",
            "SPACE_ID": "someone/space",
            "OAUTH_CLIENT_ID": CLIENT,
            "OAUTH_CLIENT_SECRET": secrets.token_hex(16),
            "OAUTH_SCOPES": "openid profile",
            "OPENID_PROVIDER_URL": self.url,
        }

    def __enter__(self) -> Hub:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        url, hub = urlsplit(self.path), self.server
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/authorize":
            code, now = secrets.token_hex(8), int(time.time())
            hub.codes[code] = {
                "iss": hub.url,
                "aud": CLIENT,
                "sub": f"id-of-{hub.name}",
                "name": hub.name.title(),
                "preferred_username": hub.name,
                "profile": f"{hub.url}/{hub.name}",
                "picture": f"{hub.url}/{hub.name}.png",
                "iat": now,
                "exp": now + 600,
                "nonce": asked["nonce"],
            }
            self.send_response(302)
            back = urlencode({"code": code, "state": asked["state"]})
            join = "&" if "?" in asked["redirect_uri"] else "?"
            self.send_header("Location", f"{asked['redirect_uri']}{join}{back}")
            self.end_headers()
        elif url.path == "/keys":
            self._answer({"keys": [hub.key.as_dict(private=False)]})
        else:
            self._answer(
                {
                    "issuer": hub.url,
                    "authorization_endpoint": f"{hub.url}/authorize",
                    "token_endpoint": f"{hub.url}/token",
                    "jwks_uri": f"{hub.url}/keys",
                }
            )

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        claims = self.server.codes.pop(form["code"][0])
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.server.key)
        access = {"access_token": "hf_oauth", "token_type": "bearer", "expires_in": 28_800}
        self._answer(access | {"id_token": token, "scope": "openid profile"})

    def _answer(self, value: object) -> None:
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
