"""The recipe for the OpenAI Agents SDK, with a model that calls one tool."""

import sys

NAME = "recipe OpenAI Agents 0.24.0"
PIP = ("openai-agents==0.24.0",)


def main() -> None:
    import json

    from agents import Model, ModelResponse, Usage, set_tracing_disabled
    from agents.items import ToolCallOutputItem
    from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

    from documents import recipe
    from harness import Call, tell

    set_tracing_disabled(True)
    call = Call.from_argv()

    class OneCall(Model):
        async def get_response(self, *arguments, **options):
            if "function_call_output" not in json.dumps(options["input"]):
                output = ResponseFunctionToolCall(
                    arguments=json.dumps(call.input), call_id=call.call_id, name="publish", type="function_call"
                )
            else:
                text = ResponseOutputText(text="done", type="output_text", annotations=[])
                output = ResponseOutputMessage(id="1", content=[text], role="assistant", status="completed", type="message")
            return ModelResponse(output=[output], usage=Usage(), response_id=None)

        def stream_response(self, *arguments, **options):
            raise NotImplementedError

    folder = recipe("OpenAI Agents SDK", call, model=OneCall())
    import recipe as program

    try:
        result = program.run("publish it", "run 1", folder / "state.json")
    except ConnectionError as error:
        return tell(error)
    tell(next(item.output for item in result.new_items if isinstance(item, ToolCallOutputItem)))


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
