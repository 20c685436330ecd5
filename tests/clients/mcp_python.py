"""The protocol's own package for Python as a client of `countersign mcp`: a program that does what `request_approval` allows."""

import json
import re

from agent import Home, is_called

NAME = "MCP Python 2.3.0, stdio"
PIP = ("mcp==2.3.0",)
AGENT = True
CANNOT = {"outcome recorded": "no tool of ours takes one: a program reports it with the claim's id"}


def act(made: str, text: str) -> str:
    """What the agent may do is what the answer names."""
    allowed = re.search(r"Do exactly this, once: (.*)$", text, re.DOTALL)
    if allowed is None:
        return text
    line = json.loads(allowed[1])["input"]["line"]
    with open(made, "a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    return f"made {line}"


def run(transport: str) -> None:
    import asyncio

    import httpx2
    from mcp import Client, StdioServerParameters
    from mcp.client.streamable_http import streamable_http_client

    from harness import PATIENCE, tell

    it = Home()
    it.connect("mcp")
    (it.folder / "asked").touch()
    texts: list[str] = []

    def server() -> object:
        if transport == "http":
            headers = {"Authorization": f"Bearer {it.call.token}"}
            return streamable_http_client(f"{it.call.url}/mcp", http_client=httpx2.AsyncClient(headers=headers, timeout=PATIENCE))
        said = json.loads((it.work / ".mcp.json").read_text(encoding="utf-8"))["mcpServers"]["countersign"]
        return StdioServerParameters(**said, env=it.environment(**it.within))

    async def ask(client: Client, line: str) -> str:
        result = await client.call_tool("request_approval", {"action": "add a line", "input": {"line": line}})
        return act(it.call.made, "\n".join(part.text for part in result.content))

    async def talk() -> None:
        async with Client(server(), read_timeout_seconds=PATIENCE) as client:
            for turn in range(it.call.tries):
                while turn > 0 and it.call.holds and not (it.folder / "go").exists():
                    await asyncio.sleep(0.05)
                said = await asyncio.gather(*(ask(client, line) for line in it.call.lines))
                texts.extend(said)
                with open(it.folder / "told", "a", encoding="utf-8") as told:
                    told.writelines(json.dumps(text) + "\n" for text in said)

    try:
        asyncio.run(talk())
    except Exception as error:
        texts.append(f"the package raised {error!r}")
    tell(*texts)


if __name__ == "__main__":
    run("stdio") if is_called() else None
