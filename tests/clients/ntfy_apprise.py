"""A notice to ntfy is what another program sends there: Apprise, which speaks its protocol by itself."""

from __future__ import annotations

import sys

NAME = "ntfy, as Apprise 2.3.0 speaks it"
PIP = ("apprise==2.3.0",)
CHECK = True

TOKEN = "tk_9bd2f7a6c1e84053"

# The words of priorities, which ntfy takes for these numbers.
PRIORITIES = {"min": 1, "low": 2, "default": 3, "high": 4, "max": 5}


def receiver(came):
    """A server at which everything is taken, and put into this queue: the path, whom it says it is, and the message."""
    import json
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Ntfy(BaseHTTPRequestHandler):
        def do_POST(self):
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            # What may stand in a header may stand in the message.
            for header, name in (("x-priority", "priority"), ("x-click", "click")):
                if header in self.headers:
                    message[name] = PRIORITIES.get(self.headers[header], self.headers[header])
            came.put((self.path, self.headers["authorization"], message))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Ntfy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    import queue
    import tempfile
    from pathlib import Path
    from urllib.parse import quote

    import apprise
    from harness import Server, demand, tell
    from webhook import FLAGS, stand

    came: queue.Queue = queue.Queue()
    ntfy = receiver(came)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(stand()["binary"], Path(folder), FLAGS)
        server.start()
        try:
            url = f"http://127.0.0.1:{ntfy.server_port}/approvals"
            channel = {"name": "phone", "kind": "ntfy", "url": url, "token": TOKEN}
            demand(server.person.send("POST", "/v1/channels", channel)[0] == 201, "no channel was added")
            asked = {"toolName": "shell – ünïcode", "input": {"command": "ls"}, "riskLevel": "high"}
            body = {"kind": "confirmation", "confirmation": asked}
            demand(server.agent.send("POST", "/v1/interactions", body)[0] == 201, "nothing was registered")
            ours = came.get(timeout=30)
        finally:
            server.kill()
    message = ours[2]
    other = apprise.Apprise()
    priority = next(word for word, number in PRIORITIES.items() if number == message["priority"])
    asks = f"priority={priority}&click={quote(message['click'], safe='')}&image=no"
    demand(other.add(f"ntfy://{TOKEN}@127.0.0.1:{ntfy.server_port}/approvals?{asks}"), "Apprise does not take the URL")
    demand(bool(other.notify(title=message["title"], body=message["message"])), "Apprise could not send")
    theirs = came.get(timeout=30)
    ntfy.shutdown()
    demand(ours == theirs, f"ours: {ours}\ntheirs: {theirs}")
    demand("high risk" in message["title"] and message["priority"] == 5, f"{message}")
    tell("is sent what Apprise sends: the same path, token, topic, title, text, priority and link")


if __name__ == "__main__":
    main() if "--check" in sys.argv else None
