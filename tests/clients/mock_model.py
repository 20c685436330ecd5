"""A model that only plays a part: it calls one tool, turn after turn, and says that it is done.

It speaks as much of Anthropic's Messages, OpenAI's Responses and Chat Completions, and Gemini's generateContent as the clients beside
this file need. Which turn comes next is read from the conversation that the client sends, so a request that is sent twice is answered
twice alike. It is used as a library: `with Model(…) as model`.
"""

from __future__ import annotations

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# The longest that a turn waits for the file that it is held by, in seconds.
LONGEST_HOLD = 120.0

DONE = "finished"


def texts(content: Any) -> str:
    """The words of a tool's result, however its API wraps them."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(texts(part) for part in content)
    if isinstance(content, dict):
        return content["text"] if isinstance(content.get("text"), str) else json.dumps(content)
    return json.dumps(content)


class Conversation:
    """What a request says of the conversation so far: the tools on offer, how many calls were made, what came of them."""

    def __init__(self, body: dict[str, Any]):
        self.tools: set[str] = set()
        self.calls = 0
        self.results: list[str] = []

    def offer(self, *names: Any) -> None:
        self.tools.update(name for name in names if isinstance(name, str))


class Messages(Conversation):
    def __init__(self, body: dict[str, Any]):
        super().__init__(body)
        self.offer(*(tool.get("name") for tool in body.get("tools") or []))
        for message in body.get("messages") or []:
            for block in message["content"] if isinstance(message["content"], list) else []:
                self.calls += block.get("type") == "tool_use"
                if block.get("type") == "tool_result":
                    self.results.append(texts(block.get("content", "")))


class Responses(Conversation):
    def __init__(self, body: dict[str, Any]):
        super().__init__(body)
        self.offer(*(tool.get("name") for tool in body.get("tools") or []))
        for item in body["input"] if isinstance(body.get("input"), list) else []:
            self.calls += item.get("type") == "function_call"
            if item.get("type") == "function_call_output":
                self.results.append(texts(item.get("output", "")))


class Chat(Conversation):
    def __init__(self, body: dict[str, Any]):
        super().__init__(body)
        self.offer(*((tool.get("function") or {}).get("name") for tool in body.get("tools") or []))
        for message in body.get("messages") or []:
            self.calls += len(message.get("tool_calls") or [])
            if message.get("role") == "tool":
                self.results.append(texts(message.get("content", "")))


class Gemini(Conversation):
    def __init__(self, body: dict[str, Any]):
        super().__init__(body)
        for tool in body.get("tools") or []:
            self.offer(*(declared.get("name") for declared in tool.get("functionDeclarations") or []))
        for content in body.get("contents") or []:
            for part in content.get("parts") or []:
                self.calls += "functionCall" in part
                if "functionResponse" in part:
                    self.results.append(texts(part["functionResponse"].get("response", "")))


class Model(ThreadingHTTPServer):
    """A server of the model, in a thread of its own.

    Each of `turns` is a list of inputs of `tool`, called at once. Every turn but the first waits until the file `hold` is there, where
    one is named. What the tools answered goes to the file `told`, a line of JSON each; beside it is the file `asked`, once there was a call.
    """

    daemon_threads = True

    def __init__(self, tool: str, turns: list[list[dict[str, Any]]], told: Path, hold: Path | None = None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.tool, self.turns, self.hold, self.told_file = tool, turns, hold, told
        self.told: list[str] = []
        self.offered: set[str] = set()
        self.run_id = os.urandom(4).hex()
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> "Model":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def next_calls(self, so_far: Conversation) -> list[tuple[str, str, dict[str, Any]]]:
        """The calls of the turn that comes next, each with an id and the tool's name; none when the conversation is over."""
        with self.lock:
            self.offered |= so_far.tools
            new = so_far.results[len(self.told) :] if self.tool in so_far.tools else []
            self.told += new
            with open(self.told_file, "a", encoding="utf-8") as told:
                told.writelines(json.dumps(text) + "\n" for text in new)
        if self.tool not in so_far.tools:
            return []
        before = 0
        for number, turn in enumerate(self.turns):
            if before == so_far.calls:
                begun = time.monotonic()
                while number and self.hold and not self.hold.exists() and time.monotonic() - begun < LONGEST_HOLD:
                    time.sleep(0.05)
                (self.told_file.parent / "asked").touch()
                return [(f"call_{self.run_id}_{number}_{n}", self.tool, one) for n, one in enumerate(turn)]
            before += len(turn)
        return []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Model

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer_json({})

    def do_GET(self) -> None:
        self.answer_json({"object": "list", "data": [{"id": "mock", "object": "model"}], "models": []})

    def do_POST(self) -> None:
        body = json.loads(self.read_body() or b"{}")
        if "count" in self.path:
            self.answer_json({"input_tokens": 1, "totalTokens": 1})
        elif "/messages" in self.path:
            self.as_anthropic(body)
        elif "/responses" in self.path:
            self.as_responses(body)
        elif "/chat/completions" in self.path:
            self.as_chat(body)
        elif "enerateContent" in self.path:
            self.as_gemini(body)
        else:
            self.answer_json({"error": {"message": "this model does not know that"}}, 404)

    def read_body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self, data: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def answer_json(self, body: Any, status: int = 200) -> None:
        self.answer(json.dumps(body).encode(), "application/json", status)

    def answer_events(self, events: list[tuple[str | None, Any]]) -> None:
        lines = []
        for name, data in events:
            lines.append((f"event: {name}\n" if name else "") + f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n")
        self.answer("".join(lines).encode(), "text/event-stream")

    def as_anthropic(self, body: dict[str, Any]) -> None:
        calls = self.server.next_calls(Messages(body))
        blocks = [{"type": "tool_use", "id": id_, "name": name, "input": one} for id_, name, one in calls]
        blocks = blocks or [{"type": "text", "text": DONE}]
        stop = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body.get("model"), "usage": usage}
        if not body.get("stream"):
            return self.answer_json({**message, "content": blocks, **stop})
        start = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
        events: list[tuple[str | None, Any]] = [("message_start", {"message": start})]
        for index, block in enumerate(blocks):
            if calls:
                empty, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            else:
                empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
            events.append(("content_block_start", {"index": index, "content_block": empty}))
            events.append(("content_block_delta", {"index": index, "delta": delta}))
            events.append(("content_block_stop", {"index": index}))
        events += [("message_delta", {"delta": stop, "usage": usage}), ("message_stop", {})]
        self.answer_events([(name, {"type": name, **data}) for name, data in events])

    def as_responses(self, body: dict[str, Any]) -> None:
        calls = self.server.next_calls(Responses(body))
        output: list[dict[str, Any]] = [
            {"type": "function_call", "id": f"fc_{id_}", "call_id": id_, "name": name, "arguments": json.dumps(one), "status": "completed"}
            for id_, name, one in calls
        ]
        if not output:
            content = [{"type": "output_text", "text": DONE, "annotations": []}]
            output = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}]
        response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "mock", "status": "in_progress", "output": []}
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, **details}
        events: list[tuple[str | None, Any]] = [("response.created", {"response": response})]
        for index, item in enumerate(output):
            for name in ("response.output_item.added", "response.output_item.done"):
                events.append((name, {"output_index": index, "item": item}))
        events.append(("response.completed", {"response": {**response, "status": "completed", "output": output, "usage": usage}}))
        self.answer_events([(name, {"type": name, **data}) for name, data in events])

    def as_chat(self, body: dict[str, Any]) -> None:
        calls = self.server.next_calls(Chat(body))
        made = [
            {"index": n, "id": id_, "type": "function", "function": {"name": name, "arguments": json.dumps(one)}}
            for n, (id_, name, one) in enumerate(calls)
        ]
        said = {"role": "assistant", "content": None, "tool_calls": made} if made else {"role": "assistant", "content": DONE}
        reason = "tool_calls" if made else "stop"
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        base = {"id": "chat_1", "created": 1, "model": "mock", "usage": usage}
        if not body.get("stream"):
            choice = {"index": 0, "message": said, "finish_reason": reason}
            return self.answer_json({**base, "object": "chat.completion", "choices": [choice]})
        choices = [{"index": 0, "delta": said, "finish_reason": None}, {"index": 0, "delta": {}, "finish_reason": reason}]
        chunks = [(None, {**base, "object": "chat.completion.chunk", "choices": [choice]}) for choice in choices]
        self.answer_events([*chunks, (None, "[DONE]")])

    def as_gemini(self, body: dict[str, Any]) -> None:
        calls = self.server.next_calls(Gemini(body))
        parts: list[dict[str, Any]] = [{"functionCall": {"name": name, "args": one}} for _, name, one in calls] or [{"text": DONE}]
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        said = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "mock"}
        if "stream" in self.path:
            self.answer_events([(None, said)])
        else:
            self.answer_json(said)
