"""A model for the OpenAI Agents SDK that calls one tool, and is done when that has answered."""

from __future__ import annotations

import json
from typing import Any

from agents import Model, ModelResponse, Usage
from harness import Call
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


class OneCall(Model):
    def __init__(self, call: Call, tool: str):
        self.call, self.tool = call, tool

    async def get_response(self, *arguments: Any, **options: Any) -> ModelResponse:
        if "function_call_output" not in json.dumps(options["input"]):
            output = ResponseFunctionToolCall(
                arguments=json.dumps(self.call.input), call_id=self.call.call_id, name=self.tool, type="function_call"
            )
        else:
            text = ResponseOutputText(text="done", type="output_text", annotations=[])
            output = ResponseOutputMessage(id="1", content=[text], role="assistant", status="completed", type="message")
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *arguments: Any, **options: Any) -> Any:
        raise NotImplementedError
