"""AAP's own gate, as a program without a framework uses it."""

import sys

NAME = "AAP Gate 0.3.3"
PIP = ("agentapprovalprotocol==0.3.3",)
CANNOT = {"edited": "the protocol refuses an input that is not the one that was asked about"}


def main() -> None:
    from agentapprovalprotocol import Allow, Client, Gate
    from agentapprovalprotocol import Call as ToolCall

    from harness import Call, tell

    call = Call.from_argv()
    gate = Gate(Client(f"{call.url}/aap", call.token, retry_budget=20), timeout=f"{call.timeout_s}s", context={"thread_id": "t|1"})
    asked = ToolCall(key=call.call_id, tool="make", arguments=call.input, reasoning="it is asked for")
    with gate.guard(asked) as verdict:
        tell(call.run() if isinstance(verdict, Allow) else verdict.reason)


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
