"""Asks whether a tool may run, waits for the answer, and claims it. Nothing is allowed but by a person or a rule.

`call_id` is the program's own name of one call, such as the ids of a run and of the call in it: a program that was restarted finds
the answer to the same call again.
"""

import contextlib
import hashlib
import http.client
import json
import time
import urllib.error
import urllib.request
import uuid
from os.path import expanduser

SERVER = @URL@
with open(expanduser(@TOKEN@)) as file:
    TOKEN = file.read().strip()

# How long the server may be away, in seconds.
PATIENCE = 60


def send(method, path, body=None):
    """Sends a request again and again while the server is away; what it refuses is an error."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    away_since = None
    while True:
        try:
            request = urllib.request.Request(SERVER + path, data, headers, method=method)
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as refused:
            if refused.code not in (429, 502, 503, 504, 507):
                sentence = json.load(refused)["error"]
                raise PermissionError(sentence) if refused.code == 409 else RuntimeError(sentence) from None
        except (OSError, http.client.HTTPException):
            pass
        away_since = away_since or time.monotonic()
        if time.monotonic() - away_since > PATIENCE:
            raise ConnectionError("countersign cannot be reached; nothing was decided: try again later")
        time.sleep(1)


def path_of(call_id):
    return "/v1/interactions/" + hashlib.sha256(call_id.encode()).hexdigest()


def ask(call_id, tool, tool_input):
    """Puts a call into the inbox, or finds it there."""
    confirmation = {"toolName": tool, "input": tool_input, "inputEditsAllowed": True}
    body = {"requestId": path_of(call_id).rpartition("/")[2], "kind": "confirmation", "confirmation": confirmation}
    return send("POST", "/v1/interactions", body)


def answer(call_id, tool, tool_input):
    """Asks, waits, and returns the input that was approved; raises PermissionError where it was not."""
    asked = ask(call_id, tool, tool_input)
    while asked["status"] == "pending":
        asked = send("GET", path_of(call_id) + "?waitMs=25000")
    resolution = asked["resolution"] or {}
    if asked["status"] == "rejected":
        raise PermissionError("rejected: " + (resolution.get("comment") or "without a reason"))
    if asked["status"] != "approved":
        raise PermissionError(f"{asked['status']}: nobody decided, which is not a no")
    return resolution["effectiveInput"]


def claim(call_id):
    """Takes the right to act, which exists once: the input to act on, and a function that reports the outcome."""
    claim_id = str(uuid.uuid4())
    claimed = send("POST", path_of(call_id) + "/claim", {"claimId": claim_id})

    def report(outcome):
        send("POST", path_of(call_id) + "/outcome", {"claimId": claim_id, "outcome": outcome})

    return claimed["effectiveInput"], report


@contextlib.contextmanager
def claimed(call_id):
    """Claims, gives the input to act on, and reports how it went."""
    tool_input, report = claim(call_id)
    try:
        yield tool_input
    except BaseException:
        report("failed")
        raise
    report("succeeded")


if __name__ == "__main__":
    run = str(uuid.uuid4())
    answer(run, "greet", {"name": "world"})
    with claimed(run) as approved:
        print(f"hello, {approved['name']}")
