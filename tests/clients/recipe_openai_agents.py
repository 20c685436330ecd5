"""The recipe for the OpenAI Agents SDK, with a model that calls one tool."""

import sys

NAME = "recipe OpenAI Agents 0.24.0"
PIP = ("openai-agents==0.24.0",)


def main() -> None:
    from agents import set_tracing_disabled
    from agents.items import ToolCallOutputItem

    from documents import recipe
    from harness import Call, tell
    from openai_model import OneCall

    set_tracing_disabled(True)
    call = Call.from_argv()

    folder = recipe("OpenAI Agents SDK", call, model=OneCall(call, "publish"))
    import recipe as program

    try:
        result = program.run("publish it", "run 1", folder / "state.json")
    except ConnectionError as error:
        return tell(error)
    tell(next(item.output for item in result.new_items if isinstance(item, ToolCallOutputItem)))


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
