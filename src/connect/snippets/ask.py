"""Asks whether a tool may run, waits for the answer, and claims it. Nothing is allowed but by a person or a rule."""

import json
import time
import urllib.error
import urllib.request
import uuid
from os.path import expanduser

SERVER = @URL@
with open(expanduser(@TOKEN@)) as file:
    TOKEN = file.read().strip()


def call(method, path, body=None):
    """Repeats a call while the server is away; what it refuses is an error."""
    while True:
        request = urllib.request.Request(SERVER + path, method=method)
        request.add_header("Authorization", f"Bearer {TOKEN}")
        request.add_header("Content-Type", "application/json")
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as refused:
            if refused.code not in (429, 502, 503, 504):
                raise RuntimeError(json.load(refused)["error"]) from None
        except OSError:
            pass
        time.sleep(1)


def allowed(tool, tool_input, request_id=None):
    """The input to act on and a function that reports the outcome; raises PermissionError where it is not allowed.

    With a request id of its own, a program that was restarted finds the answer to the same question again.
    """
    body = {"kind": "confirmation", "confirmation": {"toolName": tool, "input": tool_input, "inputEditsAllowed": True}}
    asked = call("POST", "/v1/interactions", body | ({"requestId": request_id} if request_id else {}))
    path = f"/v1/interactions/{asked['requestId']}"
    while asked["status"] == "pending":
        asked = call("GET", f"{path}?waitMs=25000")
    if asked["status"] != "approved":
        comment = (asked["resolution"] or {}).get("comment")
        raise PermissionError(f"{asked['status']}{': ' + comment if comment else ''}")
    claim = call("POST", f"{path}/claim", {"claimId": str(uuid.uuid4())})

    def report(outcome):
        call("POST", f"{path}/outcome", {"claimId": claim["claimId"], "outcome": outcome})

    return claim["effectiveInput"], report


if __name__ == "__main__":
    approved, report = allowed("greet", {"name": "world"})
    print(f"hello, {approved['name']}")
    report("succeeded")
