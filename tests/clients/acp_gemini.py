"""Gemini CLI in an editor that speaks the Agent Client Protocol, through `countersign acp`: started as Zed's settings say."""

import json
import subprocess
import sys
from typing import Any

import gemini
from agent import Stand, is_called

NAME = "ACP, Gemini CLI 0.61.0"
NPM = gemini.NPM
AGENT = True
# The protocol has no room for a comment.
REASONS_ARE_SAID = True
ONE_BY_ONE = True
CANNOT = {
    "edited": "the protocol has no room for another input",
    "outcome recorded": "countersign acp reports none",
}


class Editor:
    """The other side of an agent: JSON-RPC, a message a line."""

    def __init__(self, it: Stand):
        settings = json.loads((it.home / ".config/zed/settings.json").read_text(encoding="utf-8"))
        agent = settings["agent_servers"]["countersign"]
        own = {"GEMINI_API_KEY": "x", "GOOGLE_GEMINI_BASE_URL": it.model.url}
        self.agent = subprocess.Popen(
            [agent["command"], *agent["args"]],
            cwd=it.work,
            env=it.environment(**own, **it.within, **agent["env"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            text=True,
        )
        self.last_id = 0

    def send(self, **message: Any) -> None:
        assert self.agent.stdin is not None
        self.agent.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.agent.stdin.flush()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls the agent; what that asks meanwhile the editor does not know."""
        assert self.agent.stdout is not None
        self.last_id += 1
        self.send(id=self.last_id, method=method, params=params)
        for line in self.agent.stdout:
            message = json.loads(line)
            print(line[:500], end="", file=sys.stderr)
            if "method" in message and "id" in message:
                self.send(id=message["id"], error={"code": -32601, "message": "this editor does not know that"})
            elif message.get("id") == self.last_id:
                return message.get("result", {})
        return {}


def run() -> None:
    with Stand("run_shell_command", description="add a line", is_background=False) as it:
        it.put(".gemini/settings.json", gemini.SETTINGS)
        it.connect("acp", "--", "gemini", "--acp", "-m", "gemini-2.5-pro")
        editor = Editor(it)
        able = {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
        editor.call("initialize", protocolVersion=1, clientCapabilities=able)
        session = editor.call("session/new", cwd=str(it.work), mcpServers=[]).get("sessionId")
        editor.call("session/prompt", sessionId=session, prompt=[{"type": "text", "text": "do it"}])
        editor.agent.kill()
        it.tell()


if __name__ == "__main__":
    run() if is_called() else None
