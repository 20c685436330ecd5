"""Claude Code in `-p`, where it would ask a person itself: the event `PermissionRequest`."""

import json
import shlex
from pathlib import Path

from agent import MACHINE, Stand, is_called

NAME = "Claude Code 2.1.332, PermissionRequest"
NPM = (f"@anthropic-ai/claude-code-linux-{MACHINE}@2.1.332",)
AGENT = True
HOOK = True
ONE_BY_ONE = True


def tell_late(file: Path) -> None:
    """Has the hook that tells how a call went start a second later."""
    settings = json.loads(file.read_text(encoding="utf-8"))
    for handler in (handler for entry in settings["hooks"]["PostToolUse"] for handler in entry["hooks"]):
        line = shlex.join([handler["command"], *handler["args"]])
        handler.update(command="sh", args=["-c", f"sleep 1; exec {line}"])
    file.write_text(json.dumps(settings), encoding="utf-8")


def run(on: str, settings: str | None = None) -> None:
    with Stand("Bash", description="add a line") as it:
        if settings:
            it.put(".claude/settings.json", settings)
        it.connect("claude-code", "--on", on)
        if it.call.tells_late:
            tell_late(it.home / ".claude/settings.json")
        program = it.installed / "node_modules" / NPM[0].rsplit("@", 1)[0] / "claude"
        it.run(
            str(program),
            *("-p", "do it", "--output-format", "json", "--model", "claude-sonnet-4-5"),
            ANTHROPIC_API_KEY="x",
            ANTHROPIC_BASE_URL=it.model.url,
            DISABLE_AUTOUPDATER="1",
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        )


if __name__ == "__main__":
    run("permission") if is_called() else None
