"""An agent of the OpenAI Agents SDK under AAP, with a model that calls one tool."""

import sys

NAME = "AAP OpenAI Agents 0.24.0"
PIP = ("agentapprovalprotocol==0.3.3", "openai-agents==0.24.0")
CANNOT = {"edited": "the protocol refuses an input that is not the one that was asked about"}


def main() -> None:
    import asyncio
    import json

    from agentapprovalprotocol import AsyncClient, AsyncGate
    from agentapprovalprotocol.openai_agents import Approvals
    from agents import Agent, Model, ModelResponse, Usage, function_tool, set_tracing_disabled
    from agents.items import ToolCallOutputItem
    from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

    from harness import Call, tell

    set_tracing_disabled(True)
    call = Call.from_argv()

    @function_tool
    def make(line: str) -> str:
        """Makes a line."""
        return call.run()

    class OneCall(Model):
        turns = 0

        async def get_response(self, *arguments, **options):
            self.turns += 1
            if self.turns == 1:
                output = ResponseFunctionToolCall(
                    arguments=json.dumps(call.input), call_id=call.call_id, name="make", type="function_call"
                )
            else:
                text = ResponseOutputText(text="done", type="output_text", annotations=[])
                output = ResponseOutputMessage(id="1", content=[text], role="assistant", status="completed", type="message")
            return ModelResponse(output=[output], usage=Usage(), response_id=None)

        def stream_response(self, *arguments, **options):
            raise NotImplementedError

    async def run() -> None:
        client = AsyncClient(f"{call.url}/aap", call.token, retry_budget=20)
        approvals = Approvals(gate=AsyncGate(client, timeout=f"{call.timeout_s}s"))
        agent = approvals.protect(Agent(name="maker", model=OneCall(), tools=[make]))
        result = await approvals.run(agent, "make it", run_id="run 1")
        tell(next(item.output for item in result.new_items if isinstance(item, ToolCallOutputItem)))

    asyncio.run(run())


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
