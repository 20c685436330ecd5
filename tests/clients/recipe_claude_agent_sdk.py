"""The recipe for Claude's Agent SDK: its own Claude Code, with a model on loopback that calls one tool."""

import sys

NAME = "recipe Claude Agent SDK 0.2.189"
PIP = ("claude-agent-sdk==0.2.189",)


def model_of(call, told):
    """A server that speaks as much of Anthropic's Messages as is needed: it asks for one call, and then it is done."""
    import json
    import threading
    import uuid
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Model(BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def do_HEAD(self):
            self.answer("application/json", b"{}")

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)))
            last = body["messages"][-1]["content"]
            blocks = last if isinstance(last, list) else []
            results = [block["content"] for block in blocks if block.get("type") == "tool_result"]
            told.extend(results)
            tools = [tool["name"] for tool in body.get("tools", []) if tool["name"].endswith("publish")]
            if tools and not results:
                use = {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex}", "name": tools[0]}
                delta = {"type": "input_json_delta", "partial_json": json.dumps(call.input)}
                self.stream({**use, "input": {}}, delta, "tool_use")
            else:
                self.stream({"type": "text", "text": ""}, {"type": "text_delta", "text": "done"}, "end_turn")

        def stream(self, block, delta, stop):
            usage = {"input_tokens": 1, "output_tokens": 1}
            message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [], "usage": usage}
            events = [
                {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None}},
                {"type": "content_block_start", "index": 0, "content_block": block},
                {"type": "content_block_delta", "index": 0, "delta": delta},
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage},
                {"type": "message_stop"},
            ]
            self.answer("text/event-stream", "".join(f"event: {it['type']}\ndata: {json.dumps(it)}\n\n" for it in events).encode())

        def answer(self, kind, data):
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def main() -> None:
    import asyncio
    import json
    import os
    import uuid

    from claude_agent_sdk import create_sdk_mcp_server, tool

    from documents import folder_of, publish_of, recipe
    from harness import Call, tell

    call = Call.from_argv()
    publish, told = publish_of(call), []

    @tool("publish", "Publishes a line.", {"line": str})
    async def published(arguments):
        return {"content": [{"type": "text", "text": publish(**arguments)}]}

    folder = recipe("Claude's Agent SDK", call, tools=create_sdk_mcp_server("app", tools=[published]))
    (folder / "home").mkdir(exist_ok=True)
    os.chdir(folder)
    os.environ.update(
        HOME=str(folder / "home"),
        CLAUDE_CONFIG_DIR=str(folder / "home" / ".claude"),
        ANTHROPIC_BASE_URL=model_of(call, told),
        ANTHROPIC_API_KEY="sk-none",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        # Tools of MCP servers are there from the beginning, without being searched for.
        ENABLE_TOOL_SEARCH="false",
    )
    import recipe as program

    asyncio.run(program.run("publish it", str(uuid.uuid5(uuid.NAMESPACE_OID, call.call_id))))
    tell(json.dumps(told))


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
