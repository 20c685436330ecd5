"""The recipe for LangGraph, with a model that calls one tool."""

import sys

NAME = "recipe LangGraph 1.2.24"
PIP = ("langgraph==1.2.24", "langchain==1.5.2", "langgraph-checkpoint-sqlite==3.1.2")


def main() -> None:
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage, ToolMessage
    from langgraph.checkpoint.sqlite import SqliteSaver

    from documents import folder_of, recipe
    from harness import Call, tell

    call = Call.from_argv()
    asks = AIMessage("I publish it", tool_calls=[{"name": "publish", "args": call.input, "id": call.call_id}])

    class Model(GenericFakeChatModel):
        def bind_tools(self, tools, **options):
            return self

        def _generate(self, messages, *arguments, **options):
            self.messages = iter([AIMessage("done") if isinstance(messages[-1], ToolMessage) else asks])
            return super()._generate(messages, *arguments, **options)

    with SqliteSaver.from_conn_string(str(folder_of(call) / "checkpoints")) as saver:
        recipe("LangGraph", call, checkpointer=saver, model=Model(messages=iter([])))
        import recipe as program

        try:
            messages = program.run("publish it", "thread 1")
        except ConnectionError as error:
            return tell(error)
    tell(next(message.text for message in messages if isinstance(message, ToolMessage)))


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
