"""The verifier of Standard Webhooks for Node: `webhook_npm.mjs` has it accept a notice, and refuse a changed byte and an old time."""

import sys

NAME = "Standard Webhooks, npm 1.1.1"
NPM = ("standardwebhooks@1.1.1",)
CHECK = True


def main() -> None:
    import json
    import subprocess
    from pathlib import Path

    from harness import tell
    from webhook import received, stand

    it = stand()
    notice = json.dumps(received(it["binary"]))
    script = str(Path(__file__).with_name("webhook_npm.mjs"))
    done = subprocess.run(["node", script, it["installed"]], input=notice, text=True, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    tell("accepts a notice, refuses a changed byte and an old time")


def command(installed):
    return [sys.executable, __file__]


if __name__ == "__main__":
    main() if "--check" in sys.argv else None
