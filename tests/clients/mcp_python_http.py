"""The protocol's own package for Python as a client of the server's `/mcp`, with the revision that has no handshake."""

import mcp_python
from agent import is_called

NAME = "MCP Python 2.3.0, HTTP"
PIP = mcp_python.PIP
AGENT = True
CANNOT = {**mcp_python.CANNOT, "hook killed": "there is no process of ours"}
# A connection that is lost ends the call: the same again finds its answer.
LOSES_THE_WAIT = True
SHORT_WAIT_FLAGS = ("--mcp-wait", "1s")

if __name__ == "__main__":
    mcp_python.run("http") if is_called() else None
