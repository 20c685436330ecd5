"""Codex without a person: `codex exec`, which knows the event `PreToolUse` alone, and runs every command."""

from agent import Stand, is_called

NAME = "Codex 0.171.0, exec"
NPM = ("@openai/codex@0.171.0",)
AGENT = True
HOOK = True
OPENS = {
    "hook and its shell killed": "Codex goes on where nothing of the hook is left that could answer",
    "client's limit too short": "Codex goes on where a hook takes longer than its limit",
}


def config(it: Stand, sandbox: str) -> str:
    return f"""model = "mock"
model_provider = "mock"
sandbox_mode = "{sandbox}"
[model_providers.mock]
name = "mock"
base_url = "{it.model.url}/v1"
wire_api = "responses"
env_key = "MOCK_KEY"
"""


class Shell(Stand):
    """Codex calls the command of its shell `cmd`."""

    def __init__(self, **more: object):
        super().__init__("exec_command", **more)
        for turn in self.model.turns:
            for one in turn:
                one["cmd"] = one.pop("command")


def run() -> None:
    with Shell() as it:
        it.put(".codex/config.toml", config(it, "danger-full-access"))
        # What a trial changes is not what Codex was told to trust.
        trust, flags = ((), ("--dangerously-bypass-hook-trust",)) if it.is_bent else (("--trust",), ())
        it.connect("codex", "--on", "every", *trust)
        it.run("codex", "exec", "--json", "--skip-git-repo-check", *flags, "do it", MOCK_KEY="x")


if __name__ == "__main__":
    run() if is_called() else None
