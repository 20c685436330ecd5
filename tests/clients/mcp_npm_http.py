"""The protocol's own SDK for Node as a client of the server's `/mcp`."""

import mcp_npm
from agent import is_called

NAME = "MCP npm SDK 1.32.2, HTTP"
NPM = mcp_npm.NPM
AGENT = True
CANNOT = {**mcp_npm.CANNOT, "hook killed": "there is no process of ours"}
# A connection that is lost ends the call: the same again finds its answer.
LOSES_THE_WAIT = True
SHORT_WAIT_FLAGS = ("--mcp-wait", "1s")

if __name__ == "__main__":
    mcp_npm.run("http") if is_called() else None
