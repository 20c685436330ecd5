"""The protocol's own SDK for Node as a client of `countersign mcp`: `mcp_npm.mjs` makes the calls."""

import subprocess
import sys
from pathlib import Path

from agent import Home, is_called

NAME = "MCP npm SDK 1.32.2, stdio"
NPM = ("@modelcontextprotocol/sdk@1.32.2",)
AGENT = True
CANNOT = {"outcome recorded": "no tool of ours takes one: a program reports it with the claim's id"}


def run(transport: str) -> None:
    it = Home()
    it.connect("mcp")
    (it.folder / "asked").touch()
    script = str(Path(__file__).with_name("mcp_npm.mjs"))
    command = ["node", script, str(it.installed), transport, *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=it.work, env=it.environment(**it.within)).returncode)


if __name__ == "__main__":
    run("stdio") if is_called() else None
