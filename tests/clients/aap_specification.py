"""The same calls to countersign and to the provider that AAP's package has for its own tests: the answers have to be the same.

Compared are statuses, the codes of refusals, and requests but for ids and times; of times, that both have them.
"""

import json
import sys

NAME = "AAP FakeProvider 0.3.3"
PIP = ("agentapprovalprotocol==0.3.3",)
CHECK = True

SUBMISSION = {
    "tool": "deploy",
    "arguments": {"command": "make deploy", "n": 1.5, "deep": [{"a": None}, True, "ü"]},
    "timeout": "30m",
    "context": {"call_id": "run:1", "resume": {"framework": "langgraph", "thread_id": "t|1"}},
    "agent_reasoning": "the tests are green",
}


class Both:
    """Both providers, each with what it called the requests that were made so far."""

    def __init__(self, url, agent, person):
        import httpx
        from agentapprovalprotocol.testing import BASE_URL, TOKEN, FakeProvider

        self.fake = FakeProvider(auto=None)
        self.fake_http = httpx.Client(transport=httpx.MockTransport(self.fake.handle))
        self.own_http = httpx.Client(timeout=40)
        self.bases = {"fake": (self.fake_http, BASE_URL, TOKEN), "own": (self.own_http, f"{url}/aap", agent)}
        self.url, self.person = url, person
        self.ids = {"fake": {}, "own": {}}
        self.calls = 0

    def send(self, method, path, body=None, key=None, name=None):
        """One call to both; `{name}` in a path is the request of that name."""
        self.calls += 1
        answers = {}
        for side, (http, base, token) in self.bases.items():
            headers = {"Authorization": f"Bearer {token}"}
            if key is not None:
                headers["Idempotency-Key"] = key
            content = None
            if body is not None:
                headers["Content-Type"] = "application/json"
                content = json.dumps(body).encode()
            unknown = {"unknown": "0b5a7a9e-2d3f-4a34-9a53-3a6f3e7c5a11"}
            url = base + path.format(**{**unknown, **self.ids[side]})
            answer = http.request(method, url, headers=headers, content=content)
            said = answer.json() if answer.content else None
            if name is not None and isinstance(said, dict) and "id" in said:
                self.ids[side].setdefault(name, said["id"])
            # Of a method that is not there the package's provider says nothing more.
            answers[side] = (answer.status_code, self.plain(side, said) if answer.status_code != 405 else None)
        assert answers["fake"] == answers["own"], f"{method} {path} {body}: {answers}"
        return answers["own"]

    def plain(self, side, said):
        """An answer without what is each provider's own."""
        from agentapprovalprotocol._wire import loads, parse_request

        if not isinstance(said, dict):
            return None
        if "error" in said:
            # The client reads nothing but the code, and that only of conflicts.
            assert side == "fake" or set(said["error"]) == {"type", "code", "message", "request_id"}, said
            return said["error"]["code"]
        parse_request(loads(json.dumps(said)))
        names = {own: name for name, own in self.ids[side].items()}
        times = ("created_at", "deadline_at", "decided_at", "expires_at", "consumed_at", "reported_at")

        def walk(value):
            if not isinstance(value, dict):
                return value
            return {name: "a time" if name in times else walk(member) for name, member in value.items()}

        return {**walk(said), "id": names.get(said["id"], "new")}

    def decide(self, name, status, note=None):
        self.fake.decide(self.ids["fake"][name], status, note)
        decision = {"approved": "allow", "denied": "deny"}[status]
        body = {"requestId": self.ids["own"][name], "decision": decision, "comment": note}
        headers = {"Authorization": f"Bearer {self.person}"}
        assert self.own_http.post(f"{self.url}/v1/confirm", json=body, headers=headers).status_code == 200

    def submit(self, name, **changes):
        return self.send("POST", "/v1/requests", {**SUBMISSION, **changes}, f"key of {name}".replace(" ", "-"), name)


def check(both):
    both.send("POST", "/v1/requests", SUBMISSION)
    both.submit("one")
    both.submit("one")
    both.send("POST", "/v1/requests", {**SUBMISSION, "arguments": {}}, "key-of-one")
    for path in ("/v1/requests/{unknown}", "/v1/requests/{one}", "/v1/requests/{one}?wait=1s"):
        both.send("GET", path)
    both.send("POST", "/v1/requests/{one}/consume")
    both.send("POST", "/v1/requests/{one}/consume", key="a")
    both.send("POST", "/v1/requests/{one}/outcome", {"status": "succeeded"})
    both.decide("one", "approved", "go on")
    both.submit("one")
    both.send("GET", "/v1/requests/{one}")
    both.send("DELETE", "/v1/requests/{one}")
    both.send("POST", "/v1/requests/{one}/consume", key="a")
    both.send("POST", "/v1/requests/{one}/consume", key="a")
    both.send("POST", "/v1/requests/{one}/consume", key="b")
    both.send("POST", "/v1/requests/{one}/outcome", {"status": "failed", "note": "it fell over"})
    both.send("POST", "/v1/requests/{one}/outcome", {"status": "failed", "note": "it fell over"})
    both.send("POST", "/v1/requests/{one}/outcome", {"status": "failed"})
    both.send("POST", "/v1/requests/{one}/outcome", {"status": "succeeded", "note": "it fell over"})
    both.send("GET", "/v1/requests/{one}")
    both.submit("one")
    both.submit("two", server="ops", context={"call_id": "2"})
    both.decide("two", "denied", "not on a Sunday")
    both.send("GET", "/v1/requests/{two}")
    both.send("POST", "/v1/requests/{two}/consume", key="a")
    both.send("POST", "/v1/requests/{two}/outcome", {"status": "succeeded"})
    both.send("DELETE", "/v1/requests/{two}")
    both.submit("two", server="ops", context={"call_id": "2"})
    both.submit("silent", agent_reasoning="so")
    both.decide("silent", "denied")
    both.send("GET", "/v1/requests/{silent}")
    plain = {name: SUBMISSION[name] for name in ("tool", "arguments", "timeout")}
    both.send("POST", "/v1/requests", plain, "plain", "three")
    both.send("DELETE", "/v1/requests/{three}")
    both.send("DELETE", "/v1/requests/{three}")
    both.send("GET", "/v1/requests/{three}")
    both.send("POST", "/v1/requests/{three}/consume", key="a")
    both.send("DELETE", "/v1/requests/{unknown}")
    both.send("POST", "/v1/requests/{unknown}/consume", key="a")
    both.send("POST", "/v1/requests/{unknown}/outcome", {"status": "succeeded"})
    both.send("PUT", "/v1/requests/{one}")


def main():
    from harness import tell

    stand = json.loads(sys.argv[sys.argv.index("--check") + 1])
    both = Both(stand["url"], stand["agent"], stand["person"])
    check(both)
    tell(f"the same answers to {both.calls} calls")


if __name__ == "__main__":
    main() if "--check" in sys.argv else None
