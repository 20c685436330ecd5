"""A LangChain agent with AAP's middleware and a model that calls one tool."""

import sys

NAME = "AAP LangGraph 1.2.24"
PIP = ("agentapprovalprotocol==0.3.3", "langgraph==1.2.24", "langchain==1.5.2", "langgraph-checkpoint-sqlite==3.1.2")
CANNOT = {"edited": "the protocol refuses an input that is not the one that was asked about"}


def main() -> None:
    from agentapprovalprotocol import Client, Gate
    from agentapprovalprotocol.langgraph import ApprovalMiddleware
    from langchain.agents import create_agent
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage, ToolMessage
    from langchain_core.tools import tool
    from langgraph.checkpoint.sqlite import SqliteSaver

    from harness import Call, tell

    call = Call.from_argv()

    @tool
    def make(line: str) -> str:
        """Makes a line."""
        return call.run()

    class Model(GenericFakeChatModel):
        def bind_tools(self, tools, **options):
            return self

    asks = AIMessage("I make it", tool_calls=[{"name": "make", "args": call.input, "id": call.call_id}])
    gate = Gate(Client(f"{call.url}/aap", call.token, retry_budget=20), timeout=f"{call.timeout_s}s")
    # The key of a call holds the step of its graph: only a run that goes on from its checkpoint makes the same call again.
    thread = {"configurable": {"thread_id": f"thread of {call.call_id}"}}
    with SqliteSaver.from_conn_string(f"{call.made}.{call.call_id}.checkpoints") as saver:
        has_begun = saver.get_tuple(thread) is not None
        model = Model(messages=iter([AIMessage("done")] if has_begun else [asks, AIMessage("done")]))
        agent = create_agent(model, [make], middleware=[ApprovalMiddleware(gate=gate)], checkpointer=saver)
        start = None if has_begun else {"messages": [{"role": "user", "content": "make it"}]}
        state = agent.invoke(start, thread, durability="sync")
    tell(next(message.text for message in state["messages"] if isinstance(message, ToolMessage)))


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
