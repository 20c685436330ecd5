"""A notice as a webhook receives it, for the verifiers of Standard Webhooks: `webhook_python.py` and `webhook_npm.py`."""

from __future__ import annotations

import json
import queue
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from harness import Server, demand

# What lets a receiver on this machine be called.
FLAGS = ["--allow-notice-net", "127.0.0.0/8"]


def received(binary: str) -> dict[str, Any]:
    """The secret of a channel, and the headers and the body of a notice that came to it."""
    came: queue.Queue[dict[str, Any]] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came.put({"headers": {name.lower(): value for name, value in self.headers.items()}, "body": body.decode()})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(binary, Path(folder), FLAGS)
        server.start()
        try:
            url = f"http://127.0.0.1:{receiver.server_port}/hook"
            status, added = server.person.send("POST", "/v1/channels", {"name": "hook", "kind": "webhook", "url": url})
            demand(status == 201, f"a channel was answered with {status}")
            asked = {"kind": "confirmation", "confirmation": {"toolName": "shell – ünïcode", "input": {"command": "ls"}}}
            demand(server.agent.send("POST", "/v1/interactions", asked)[0] == 201, "nothing was registered")
            return {"secret": added["secret"], **came.get(timeout=30)}
        finally:
            server.kill()
            receiver.shutdown()


def stand() -> dict[str, Any]:
    return json.loads(sys.argv[sys.argv.index("--check") + 1])
