"""An agent of the OpenAI Agents SDK under AAP, with a model that calls one tool."""

import sys

NAME = "AAP OpenAI Agents 0.24.0"
PIP = ("agentapprovalprotocol==0.3.3", "openai-agents==0.24.0")
CANNOT = {"edited": "the protocol refuses an input that is not the one that was asked about"}


def main() -> None:
    import asyncio

    from agentapprovalprotocol import AsyncClient, AsyncGate
    from agentapprovalprotocol.openai_agents import Approvals
    from agents import Agent, function_tool, set_tracing_disabled
    from agents.items import ToolCallOutputItem

    from harness import Call, tell
    from openai_model import OneCall

    set_tracing_disabled(True)
    call = Call.from_argv()

    @function_tool
    def make(line: str) -> str:
        """Makes a line."""
        return call.run()

    async def run() -> None:
        client = AsyncClient(f"{call.url}/aap", call.token, retry_budget=20)
        approvals = Approvals(gate=AsyncGate(client, timeout=f"{call.timeout_s}s"))
        agent = approvals.protect(Agent(name="maker", model=OneCall(call, "make"), tools=[make]))
        result = await approvals.run(agent, "make it", run_id="run 1")
        tell(next(item.output for item in result.new_items if isinstance(item, ToolCallOutputItem)))

    asyncio.run(run())


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
