"""Web Push as it is received over https: read by http-ece, and its sender checked by py-vapid and PyJWT."""

import sys

NAME = "Web Push, http-ece 1.2.1, py-vapid 1.9.6, PyJWT 2.15.1"
PIP = ("http-ece==1.2.1", "py-vapid==1.9.6", "pyjwt==2.15.1", "trustme==1.2.1")
CHECK = True

# So rare that it is found only where it was put.
CANARY = "canary-2b68f1d07c9e43aa"

TOOL = "shell – ünïcode"


class Browser:
    """A person who has logged in to the inbox, without a script: a cookie, and the word that forms carry."""

    def __init__(self, server):
        import re

        self.url, self.cookie = server.url, ""
        status, link = server.person.send("POST", "/v1/login-links")
        assert status == 201, f"a link was answered with {status}"
        answer = self.send("/login", {"credential": link["code"]})
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        page = self.send("/rules").read().decode()
        self.csrf = re.search('name="csrf" value="([^"]+)"', page)[1]

    def send(self, path, fields=None):
        from urllib import error, parse, request

        class Stay(request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        headers = {"Accept": "text/html,*/*", "Origin": self.url, **({"Cookie": self.cookie} if self.cookie else {})}
        data = None if fields is None else parse.urlencode(fields).encode()
        try:
            return request.build_opener(Stay).open(request.Request(self.url + path, data, headers), timeout=30)
        except error.HTTPError as answer:
            assert answer.code == 303, f"{path} was answered with {answer.code}: {answer.read()!r}"
            return answer

    def submit(self, path, **fields):
        return self.send(path, {"csrf": self.csrf, **fields})


class Subscription:
    """What a browser makes, and keeps the private half of."""

    def __init__(self):
        import os

        from cryptography.hazmat.primitives.asymmetric import ec

        self.private, self.auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)

    def keys(self):
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dh": in_base64url(public), "auth": in_base64url(self.auth)}

    def read(self, body):
        import json

        import http_ece

        return json.loads(http_ece.decrypt(body, private_key=self.private, auth_secret=self.auth, version="aes128gcm"))


def in_base64url(data):
    import base64

    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def service(context, came):
    """A push service, which keeps what it is sent."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            came.put((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def check_sender(headers, key, origin):
    """The header that says who sends, by two libraries, against the key that the browser was given."""
    import base64
    import time

    import jwt
    from cryptography.hazmat.primitives.asymmetric import ec
    from py_vapid import Vapid02

    scheme, _, rest = headers["authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert scheme == "vapid" and parts["k"] == key and len(parts) == 2, headers["authorization"]
    # RFC 9110 lets spaces stand beside the comma; this library takes none.
    assert Vapid02.verify(f"vapid t={parts['t']},k={key}"), "py-vapid does not accept the sender"
    other = parts["t"][:-8] + ("AAAAAAAA" if parts["t"][-8:] != "AAAAAAAA" else "BBBBBBBB")
    assert not Vapid02.verify(f"vapid t={other},k={key}"), "py-vapid accepts a changed signature"
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), base64.urlsafe_b64decode(key + "="))
    required = {"require": ["aud", "exp", "sub"]}
    claims = jwt.decode(parts["t"], public, algorithms=["ES256"], audience=origin, options=required)
    # RFC 8292: at most 24 hours.
    assert 0 < claims["exp"] - time.time() <= 24 * 60 * 60, claims
    assert set(claims) == {"aud", "exp", "sub"} and claims["sub"].startswith(("mailto:", "https://")), claims
    try:
        jwt.decode(parts["t"], public, algorithms=["ES256"], audience="https://push.example")
    except jwt.InvalidAudienceError:
        return
    raise AssertionError("the sender is good for another service")


def tried(binary, folder):
    import json
    import queue

    import http_ece
    from cryptography.exceptions import InvalidTag
    from harness import Server, demand
    from mail import Certificate

    came = queue.Queue()
    certificate = Certificate(folder, "localhost")
    receiver = service(certificate.context, came)
    server = Server(binary, folder, ["--allow-notice-net", "127.0.0.0/8", "--notice-ca-file", str(certificate.ca)])
    server.start()
    try:
        origin = f"https://localhost:{receiver.server_port}"
        browser, subscription = Browser(server), Subscription()
        key = json.loads(browser.submit("/channels/push/key").read())["key"]
        browser.submit("/channels/push", endpoint=f"{origin}/push/ada", name="phone", **subscription.keys())
        confirmation = {"toolName": TOOL, "input": {"command": CANARY}, "reason": CANARY, "riskLevel": "high"}
        asked = {"requestId": "deploy", "kind": "confirmation", "confirmation": confirmation}
        status, interaction = server.agent.send("POST", "/v1/interactions", asked)
        demand(status == 201, f"nothing was registered: {interaction}")
        path, headers, body = came.get(timeout=30)
        demand(path == "/push/ada" and headers["content-encoding"] == "aes128gcm", f"{path} {headers}")
        demand(headers["urgency"] == "high" and 0 < int(headers["ttl"]) <= 43200, str(headers))
        demand(0 < len(headers["topic"]) <= 32 and len(body) <= 4096, str(headers))
        check_sender(headers, key, origin)
        said = subscription.read(body)
        demand(CANARY not in str((headers, said)), f"a push holds what was asked: {said}")
        demand(set(said) == {"title", "body", "url", "tag"}, f"it says {said}")
        demand(said["title"] == f"builder asks: may it use {TOOL}? (high risk)", f"it says {said}")
        demand(said["url"] == f"{server.url}/interactions/deploy" and said["tag"] == "deploy", f"it says {said}")
        demand(said["body"].startswith("Until 20"), f"it says {said}")
        for reader, text in ((Subscription(), body), (subscription, body[:-1] + bytes([body[-1] ^ 1]))):
            try:
                reader.read(text)
            except (http_ece.ECEException, InvalidTag):
                continue
            raise AssertionError("another browser, or a changed byte, is read")
    finally:
        server.kill()
        receiver.shutdown()


def main() -> None:
    import tempfile
    from pathlib import Path

    from harness import tell
    from mail import stand

    with tempfile.TemporaryDirectory() as folder:
        tried(stand()["binary"], Path(folder))
    tell("reads a push, knows who sends, and finds nothing in it of what was asked; refuses what was changed")


if __name__ == "__main__":
    main() if "--check" in sys.argv else None
