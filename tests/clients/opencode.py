"""OpenCode without a person, `opencode run`, with the plugin of countersign and a configuration that allows everything."""

import json

from agent import Stand, is_called

NAME = "OpenCode 1.18.33"
NPM = ("opencode-ai@1.18.33",)
AGENT = True
HOOK = True
# The plugin asks until there is an answer.
WAITS = True
IN_PROCESS = "the plugin is in OpenCode's own process"
OF_A_PROCESS = ("hook killed", "hook and its shell killed", "hook's stdout closed", "hook's program gone", "unknown event", "unparsable event")
CANNOT = {
    "late answer": "its hooks have no limit, and the plugin waits as long as it takes",
    "client's limit too short": "its hooks have no limit",
    **dict.fromkeys(OF_A_PROCESS, IN_PROCESS),
}


def run() -> None:
    with Stand("bash", description="add a line") as it:
        options = {"baseURL": f"{it.model.url}/v1", "apiKey": "x"}
        mock = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {"mock": {"name": "mock"}}}
        settings = {"provider": {"mock": mock}, "model": "mock/mock", "permission": "allow", "autoupdate": False}
        it.put(".config/opencode/opencode.json", json.dumps(settings))
        # As if OpenCode had installed its package for plugins already, which ours does without.
        lock = {"packages": {"": {"dependencies": {"@opencode-ai/plugin": "1.18.33"}}}}
        it.put(".config/opencode/package-lock.json", json.dumps(lock))
        (it.home / ".config/opencode/node_modules").mkdir(exist_ok=True)
        it.connect("opencode")
        it.run("opencode", "run", "do it", OPENCODE_DISABLE_AUTOUPDATE="1", OPENCODE_DISABLE_MODELS_FETCH="1")


if __name__ == "__main__":
    run() if is_called() else None
