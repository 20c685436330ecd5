"""Gemini CLI in `-p`: the event `BeforeTool`, and the policy that allows what the hook lets pass."""

from agent import Stand, is_called

NAME = "Gemini CLI 0.61.0"
NPM = ("@google/gemini-cli@0.61.0",)
AGENT = True
HOOK = True
OPENS = {
    "hook and its shell killed": "Gemini CLI goes on where nothing of the hook is left that could answer",
    "client's limit too short": "Gemini CLI goes on where a hook takes longer than its limit",
}

SETTINGS = """{
  // The user's own.
  "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": false}}
}
"""


def run() -> None:
    with Stand("run_shell_command", description="add a line", is_background=False) as it:
        it.put(".gemini/settings.json", SETTINGS)
        it.connect("gemini")
        it.run(
            *("gemini", "-p", "do it", "--output-format", "json", "-m", "gemini-2.5-pro"),
            GEMINI_API_KEY="x",
            GOOGLE_GEMINI_BASE_URL=it.model.url,
        )


if __name__ == "__main__":
    run() if is_called() else None
