"""Qwen Code in `-p --yolo`: the event `PreToolUse`."""

from agent import Stand, is_called

NAME = "Qwen Code 0.24.4"
NPM = ("@qwen-code/qwen-code@0.24.4",)
AGENT = True
HOOK = True
ONE_BY_ONE = True
OPENS = {
    "hook and its shell killed": "Qwen Code goes on where nothing of the hook is left that could answer",
    "client's limit too short": "Qwen Code goes on where a hook takes longer than its limit",
}
CANNOT = {"edited": "Qwen Code runs its own input: an edit is denied, with the edit in words"}


def run() -> None:
    with Stand("run_shell_command", description="add a line", is_background=False) as it:
        it.put(".qwen/settings.json", '{"security": {"auth": {"selectedType": "openai"}}}\n')
        it.connect("qwen")
        it.run(
            *("qwen", "-p", "do it", "--yolo", "--output-format", "json"),
            OPENAI_BASE_URL=f"{it.model.url}/v1",
            OPENAI_API_KEY="x",
            OPENAI_MODEL="mock",
        )


if __name__ == "__main__":
    run() if is_called() else None
