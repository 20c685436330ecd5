"""GitHub Copilot's command line in `-p`, where it would ask a person itself: its own event `permissionRequest`."""

import copilot
from agent import is_called

NAME = "Copilot CLI 1.0.102, permissionRequest"
NPM = copilot.NPM
AGENT = True
CANNOT = {"edited": "Copilot takes no input in the answer to its permissionRequest: an edit is denied, with the edit in words"}

if __name__ == "__main__":
    copilot.run("permission", "--allow-all-tools") if is_called() else None
