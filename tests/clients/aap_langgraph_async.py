"""A LangChain agent that pauses under AAP's `mode="async"` and is woken by asking, since no webhook comes."""

import sys

NAME = "AAP LangGraph 1.2.24, async"
PIP = ("agentapprovalprotocol==0.3.3", "langgraph==1.2.24", "langchain==1.5.2", "langgraph-checkpoint-sqlite==3.1.2")
CANNOT = {
    "edited": "the protocol refuses an input that is not the one that was asked about",
    "late answer": "the graph of this trial is kept in memory, and gone with the client",
    "server away": "a paused graph waits until it is woken",
}


def main() -> None:
    import asyncio

    from agentapprovalprotocol import AsyncClient, AsyncGate
    from agentapprovalprotocol.langgraph import INTERRUPT_KEY, ApprovalMiddleware, resumer
    from agentapprovalprotocol.receiver import Receiver
    from langchain.agents import create_agent
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage, ToolMessage
    from langchain_core.tools import tool
    from langgraph.checkpoint.memory import InMemorySaver

    from harness import Call, tell

    call = Call.from_argv()

    @tool
    def make(line: str) -> str:
        """Makes a line."""
        return call.run()

    class Model(GenericFakeChatModel):
        def bind_tools(self, tools, **options):
            return self

    async def run() -> None:
        asks = AIMessage("I make it", tool_calls=[{"name": "make", "args": call.input, "id": call.call_id}])
        model = Model(messages=iter([asks, AIMessage("done")]))
        client = AsyncClient(f"{call.url}/aap", call.token, retry_budget=20)
        gate = AsyncGate(client, mode="async", timeout=f"{call.timeout_s}s")
        approvals = ApprovalMiddleware(async_gate=gate)
        agent = create_agent(model, [make], middleware=[approvals], checkpointer=InMemorySaver())
        thread = {"configurable": {"thread_id": f"thread of {call.call_id}"}}
        await agent.ainvoke({"messages": [{"role": "user", "content": "make it"}]}, thread)
        receiver = Receiver(resumers={"langgraph": resumer(agent)}, client=client)
        while waiting := (await agent.aget_state(thread)).interrupts:
            request = await client.get(waiting[0].value[INTERRUPT_KEY], wait=1)
            if request.status != "pending":
                await receiver.wake(request.id)
        messages = (await agent.aget_state(thread)).values["messages"]
        tell(next(message.text for message in messages if isinstance(message, ToolMessage)))

    asyncio.run(run())


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
