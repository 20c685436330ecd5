"""Codex as its own interface and editors start it: the app server, where a command asks to leave the sandbox: `PermissionRequest`.

What the hook does not answer goes to the editor's person, who cancels here.
"""

import json
import subprocess
import sys
from typing import Any

import codex_exec
from agent import Stand, is_called

NAME = "Codex 0.171.0, app-server"
NPM = codex_exec.NPM
AGENT = True
HOOK = True
CANNOT = {"edited": "Codex takes no input in the answer to its PermissionRequest: an edit is denied, with the edit in words"}


class Editor:
    """The other side of the app server: a message a line."""

    def __init__(self, it: Stand):
        self.server = subprocess.Popen(
            ["codex", "app-server"],
            cwd=it.work,
            env=it.environment(MOCK_KEY="x"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            text=True,
        )
        self.last_id = 0
        self.call("initialize", clientInfo={"name": "editor", "title": "editor", "version": "1"})
        self.send({"method": "initialized"})

    def send(self, message: dict[str, Any]) -> None:
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps(message) + "\n")
        self.server.stdin.flush()

    def read_until(self, is_it: Any) -> dict[str, Any]:
        """The next message that is it; a person's cancel to every question before."""
        assert self.server.stdout is not None
        for line in self.server.stdout:
            message = json.loads(line)
            print(line[:500], end="", file=sys.stderr)
            if "method" in message and "id" in message:
                self.send({"id": message["id"], "result": {"decision": "cancel"}})
            if is_it(message):
                return message
        raise SystemExit("the app server has ended")

    def call(self, method: str, **params: Any) -> Any:
        self.last_id += 1
        number = self.last_id
        self.send({"id": number, "method": method, "params": params})
        return self.read_until(lambda message: message.get("id") == number and "method" not in message)["result"]

    def trust(self, directory: str) -> None:
        """What a person does in `/hooks`."""
        for listed in self.call("hooks/list", cwds=[directory])["data"]:
            for hook in listed["hooks"]:
                value = {hook["key"]: {"trusted_hash": hook["currentHash"]}}
                edit = {"keyPath": "hooks.state", "value": value, "mergeStrategy": "upsert"}
                self.call("config/batchWrite", edits=[edit], reloadUserConfig=True)


def run() -> None:
    with codex_exec.Shell(sandbox_permissions="require_escalated", justification="it writes") as it:
        it.put(".codex/config.toml", codex_exec.config(it, "read-only"))
        it.connect("codex", *(() if it.is_bent else ("--trust",)))
        editor = Editor(it)
        if it.is_bent:
            editor.trust(str(it.work))
        thread = editor.call("thread/start", cwd=str(it.work), approvalPolicy="on-request", sandbox="read-only")
        editor.call("turn/start", threadId=thread["thread"]["id"], input=[{"type": "text", "text": "do it"}])
        editor.read_until(lambda message: message.get("method") == "turn/completed")
        editor.server.kill()
        it.tell()


if __name__ == "__main__":
    run() if is_called() else None
