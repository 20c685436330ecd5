"""GitHub Copilot's command line in `-p`, before every call: its own event `preToolUse`."""

from agent import Stand, is_called

NAME = "Copilot CLI 1.0.102, preToolUse"
NPM = ("@github/copilot@1.0.102",)
AGENT = True
HOOK = True
OPENS = {"client's limit too short": "Copilot goes on where a hook takes longer than its limit"}
ONE_BY_ONE = True


def run(on: str, *flags: str) -> None:
    with Stand("bash", description="add a line") as it:
        it.connect("copilot", "--on", on)
        it.run(
            *("copilot", "-p", "do it", "--output-format", "json", *flags),
            COPILOT_OFFLINE="true",
            COPILOT_PROVIDER_BASE_URL=f"{it.model.url}/v1",
            COPILOT_PROVIDER_API_KEY="x",
            COPILOT_MODEL="gpt-4.1",
        )


if __name__ == "__main__":
    run("every", "--allow-all-tools") if is_called() else None
