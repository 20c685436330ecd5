"""The recipe for Pydantic AI, with a model that calls one tool."""

import sys

NAME = "recipe Pydantic AI 2.68.0"
PIP = ("pydantic-ai-slim==2.68.0",)


def main() -> None:
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel

    from documents import recipe
    from harness import Call, tell

    call = Call.from_argv()
    told = []

    def answer(messages, info):
        parts = [part for message in messages for part in message.parts]
        told.extend(part.content for part in parts if part.part_kind in ("tool-return", "retry-prompt"))
        return ModelResponse(parts=[TextPart("done") if told else ToolCallPart("publish", call.input, tool_call_id=call.call_id)])

    folder = recipe("Pydantic AI", call, model=FunctionModel(answer))
    import recipe as program

    try:
        program.run("publish it", "run 1", folder / "messages.json")
    except ConnectionError as error:
        return tell(error)
    tell(told[-1])


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
