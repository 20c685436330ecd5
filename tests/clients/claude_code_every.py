"""Claude Code in `-p`, before every call: the event `PreToolUse`, in settings that would allow the command by themselves."""

import claude_code
from agent import is_called

NAME = "Claude Code 2.1.332, PreToolUse"
NPM = claude_code.NPM
AGENT = True
HOOK = True
ONE_BY_ONE = True

if __name__ == "__main__":
    claude_code.run("every", '{"permissions": {"allow": ["Bash"]}}\n') if is_called() else None
