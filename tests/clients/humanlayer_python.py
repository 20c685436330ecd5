"""HumanLayer's Python SDK: a function behind `require_approval`."""

import sys

NAME = "HumanLayer Python 0.7.9"
PIP = ("humanlayer==0.7.9",)
# It reports no outcome. One poll that fails ends its wait: the same call, made again, finds its answer.
CANNOT = {"edited": "the SDK runs its own input", "outcome recorded": "the SDK reports none"}
LOSES_THE_WAIT = True


def main() -> None:
    import time

    from humanlayer import HumanLayer

    from harness import Call, tell

    call = Call.from_argv()
    hl = HumanLayer(
        api_key=call.token,
        api_base_url=f"{call.url}/humanlayer/v1",
        run_id="run 1",
        genid=lambda prefix: f"{prefix}-{call.call_id}",
        sleep=lambda seconds: time.sleep(seconds / 30),
    )

    @hl.require_approval()
    def make(line: str) -> str:
        """Makes a line."""
        return call.run()

    tell(make(**call.input))


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
