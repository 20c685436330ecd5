"""GitHub Copilot's command line in `-p`, where it would ask a person itself: its own event `permissionRequest`."""

import copilot
from agent import is_called

NAME = "Copilot CLI 1.0.102, permissionRequest"
NPM = copilot.NPM
AGENT = True
HOOK = True
OPENS = {"client's limit too short": "Copilot goes on where a hook takes longer than its limit"}
ONE_BY_ONE = True
CANNOT = {
    "edited": "Copilot takes no input in the answer to its permissionRequest: an edit is denied, with the edit in words",
    "outcome recorded": "its permissionRequest leaves members of the input out, so what it tells of the call afterwards is not known again",
}

if __name__ == "__main__":
    copilot.run("permission", "--allow-all-tools") if is_called() else None
