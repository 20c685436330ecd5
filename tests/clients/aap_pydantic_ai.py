"""A Pydantic AI agent with AAP's capability and a model that calls one tool."""

import sys

NAME = "AAP Pydantic AI 2.68.0"
PIP = ("agentapprovalprotocol==0.3.3", "pydantic-ai-slim==2.68.0")
CANNOT = {"edited": "the protocol refuses an input that is not the one that was asked about"}


def main() -> None:
    import asyncio

    from agentapprovalprotocol import AsyncClient, AsyncGate
    from agentapprovalprotocol.pydantic_ai import ApprovalCapability
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel

    from harness import Call, tell

    call = Call.from_argv()
    told = []

    def answer(messages, info):
        parts = [part for message in messages for part in message.parts]
        returned = [part for part in parts if part.part_kind in ("tool-return", "retry-prompt")]
        if returned:
            told.append(returned[-1].content)
            return ModelResponse(parts=[TextPart("done")])
        return ModelResponse(parts=[ToolCallPart("make", call.input, tool_call_id=call.call_id)])

    async def run() -> None:
        client = AsyncClient(f"{call.url}/aap", call.token, retry_budget=20)
        approvals = ApprovalCapability(gate=AsyncGate(client, timeout=f"{call.timeout_s}s"))
        agent = Agent(FunctionModel(answer), capabilities=[approvals])

        @agent.tool_plain
        def make(line: str) -> str:
            """Makes a line."""
            return call.run()

        await agent.run("make it", conversation_id="conversation 1")
        tell(told[-1])

    asyncio.run(run())


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
