"""What every client is tried with: a server of the given binary, a person who decides over REST, and the table.

A client is a file beside this one. It says, in constants, what it is called, which pinned packages it needs and what it cannot do, and
it makes one call of a tool when it is run with `--call JSON`: see `Call`. It imports nothing of its packages at its top, since it is
read by the interpreter of this harness, which has none of them. One with `CHECK` makes no calls of a tool: it is run once with
`--check JSON`, the address and the tokens of a server, and fails where it finds something.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "countersign-clients"

# The longest that anything here may take, in seconds: a client that hangs is a red cell.
PATIENCE = 180.0

# How long a request lives whose deadline is to pass, in seconds.
SOON = 2


class Red(Exception):
    """A cell of the table that is not as it has to be."""


def demand(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise Red(otherwise)


def until(ask: Callable[[], Any], what: str) -> Any:
    """Asks until there is something; an end to patience is red."""
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        found = ask()
        if found:
            return found
        time.sleep(0.05)
    raise Red(f"in vain: {what}")


@dataclass
class Call:
    """One call of a tool that a client makes: the tool appends `input["line"]` to `made`, once it may."""

    url: str
    token: str
    call_id: str
    made: str
    input: dict[str, Any]
    timeout_s: int = 600
    text: str = ""
    binary: str = ""
    installed: str = ""

    @staticmethod
    def from_argv() -> "Call":
        return Call(**json.loads(sys.argv[sys.argv.index("--call") + 1]))

    def run(self) -> str:
        """The tool itself."""
        with open(self.made, "a", encoding="utf-8") as made:
            made.write(f"{self.input['line']}\n")
        return f"made {self.input['line']}"


def tell(text: Any) -> None:
    """What the model is told, as the last line of a client's output."""
    print(json.dumps({"text": str(text)}), flush=True)


class Rest:
    """One principal's token, and the REST calls that are made with it."""

    def __init__(self, url: str, token: str):
        self.url, self.token = url, token

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", **({"Content-Type": "application/json"} if data else {})}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read() or b"null")

    def interactions(self, query: str = "") -> list[dict[str, Any]]:
        status, body = self.send("GET", f"/v1/interactions?limit=100{query}")
        demand(status == 200, f"a list was answered with {status}")
        return body["interactions"]

    def pending(self, line: str | None = None) -> dict[str, Any]:
        """What waits, once it does; of several, the one whose input holds `line`."""

        def found() -> Any:
            waiting = self.interactions("&status=pending")
            return next((it for it in waiting if line is None or line in json.dumps(it)), None)

        return until(found, "nothing waits for a person")

    def decide(self, interaction: dict[str, Any], decision: str, comment: str | None = None) -> int:
        body = {"requestId": interaction["requestId"], "decision": decision, "comment": comment}
        return self.send("POST", "/v1/confirm", body)[0]

    def edit(self, interaction: dict[str, Any], old: str, new: str) -> int:
        """Allows it with the word `new` wherever its input has `old`."""
        given = json.dumps(interaction["confirmation"]["input"])
        changed = json.loads(re.sub(rf"\b{old}\b", new, given))
        body = {"requestId": interaction["requestId"], "decision": "allow", "updatedInput": changed}
        return self.send("POST", "/v1/confirm", body)[0]

    def look(self, interaction: dict[str, Any]) -> dict[str, Any]:
        return self.send("GET", f"/v1/interactions/{interaction['requestId']}")[1]


@dataclass
class Server:
    """A server of the binary on a database of its own."""

    binary: str
    folder: Path
    flags: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.db = self.folder / "countersign.db"
        self.agent_token, self.person_token = self._token("builder", "agent"), self._token("ada", "approver")
        self.agent, self.person = Rest(self.url, self.agent_token), Rest(self.url, self.person_token)

    def _run(self, *arguments: str) -> list[str]:
        return [self.binary, *arguments, "--db", str(self.db)]

    def _env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
        return {**kept, "COUNTERSIGN_CREDENTIALS_FILE": "none"}

    def _token(self, name: str, role: str) -> str:
        command = self._run("token", "create", "--name", name, "--role", role)
        return subprocess.run(command, check=True, capture_output=True, text=True, env=self._env()).stdout.strip()

    def start(self) -> None:
        command = self._run("serve", "--listen", f"127.0.0.1:{self.port}", *self.flags)
        log = open(self.folder / "server.log", "a", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=self._env())
        assert self.process.stdout is not None
        demand("listening on" in self.process.stdout.readline(), "the server does not start")

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Client:
    """One file of a client."""

    path: Path
    name: str
    pip: tuple[str, ...]
    npm: tuple[str, ...]
    cannot: frozenset[str]
    loses_the_wait: bool
    is_check: bool
    command: Callable[[Path], list[str]]

    @staticmethod
    def read(path: Path) -> "Client":
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        own = vars(module)
        return Client(
            path,
            own["NAME"],
            tuple(own.get("PIP", ())),
            tuple(own.get("NPM", ())),
            frozenset(own.get("CANNOT", ())),
            bool(own.get("LOSES_THE_WAIT", False)),
            bool(own.get("CHECK", False)),
            own.get("command") or (lambda installed: [str(installed / "bin" / "python"), str(path)]),
        )

    def installed(self) -> Path:
        """The folder with the pinned packages; made where it is not there yet."""
        folder = CACHE / ("+".join(sorted(self.pip + self.npm)).replace("/", "_") or "nothing")
        done = folder / ".installed"
        if done.exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if self.pip:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *self.pip], check=True)
        if self.npm:
            subprocess.run(["npm", "install", "--silent", "--prefix", str(folder), *self.npm], check=True)
        done.touch()
        return folder


class Trial:
    """One cell: a server, a client, and what becomes of its calls."""

    def __init__(self, client: Client, binary: str):
        self.client, self.binary = client, binary
        self.folder = Path(tempfile.mkdtemp(prefix="countersign-client-"))
        self.made = self.folder / "made"
        self.started: list[subprocess.Popen[str]] = []
        self.server = Server(binary, self.folder)

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def begin(self, line: str, call_id: str = "call_1", timeout_s: int = 600) -> subprocess.Popen[str]:
        """A call that is under way."""
        server = self.server
        call = Call(server.url, server.agent_token, call_id, str(self.made), {"line": line}, timeout_s)
        call.binary, call.installed = self.binary, str(self.client.installed())
        command = [*self.client.command(self.client.installed()), "--call", json.dumps(asdict(call))]
        log = open(self.folder / "client.log", "a", encoding="utf-8")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.started.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> str:
        """What the model was told at the end of a call."""
        try:
            out, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Red("the client does not end") from None
        lines = [line for line in out.splitlines() if line.startswith("{")]
        said = (self.folder / "client.log").read_text(encoding="utf-8")[-500:]
        demand(bool(lines), f"the client said nothing: {said}")
        return json.loads(lines[-1])["text"]

    def runs(self) -> list[str]:
        """The lines that the tool has written."""
        return sorted(self.made.read_text(encoding="utf-8").split()) if self.made.exists() else []

    def ran(self, *lines: str) -> None:
        demand(self.runs() == sorted(lines), f"ran {self.runs()}, and not {sorted(lines)}")


def allowed(it: Trial) -> None:
    it.server.start()
    call = it.begin("one")
    it.server.person.decide(it.server.person.pending(), "allow")
    text = it.end(call)
    it.ran("one")
    demand("made one" in text, f"the model was told {text!r}")


def denied(it: Trial) -> None:
    it.server.start()
    call = it.begin("one")
    it.server.person.decide(it.server.person.pending(), "deny", "not on a Sunday")
    text = it.end(call)
    it.ran()
    demand("not on a Sunday" in text, f"the model was told {text!r}")


def edited(it: Trial) -> None:
    it.server.start()
    call = it.begin("one")
    status = it.server.person.edit(it.server.person.pending(), "one", "other")
    demand(status == 200, f"the edit was refused with {status}")
    it.end(call)
    it.ran("other")


def expired(it: Trial) -> None:
    it.server.flags = ["--default-ttl", f"{SOON}s"]
    it.server.start()
    call = it.begin("one", timeout_s=SOON)
    it.server.person.pending()
    text = it.end(call)
    it.ran()
    demand("expired" in text, f"the model was told {text!r}")


def late_answer(it: Trial) -> None:
    """The client is gone when the person answers: the same call, made again, finds the answer."""
    it.server.start()
    call = it.begin("one")
    waiting = it.server.person.pending()
    call.send_signal(signal.SIGKILL)
    call.wait()
    it.server.person.decide(waiting, "allow")
    text = it.end(it.begin("one"))
    it.ran("one")
    demand("made one" in text, f"the model was told {text!r}")
    demand(len(it.server.person.interactions()) == 1, "the person was asked twice")


def server_killed(it: Trial) -> None:
    it.server.start()
    call = it.begin("one")
    waiting = it.server.person.pending()
    it.server.kill()
    if it.client.loses_the_wait:
        it.end(call)
        it.ran()
        it.server.start()
        call = it.begin("one")
    else:
        it.server.start()
    it.server.person.decide(waiting, "allow")
    it.end(call)
    it.ran("one")
    demand(len(it.server.person.interactions()) == 1, "the person was asked twice")


def server_away(it: Trial) -> None:
    text = it.end(it.begin("one"))
    it.ran()
    demand(bool(text), "the model was told nothing")


def two_at_once(it: Trial) -> None:
    it.server.start()
    calls = [it.begin("one", "call_1"), it.begin("two", "call_2")]
    it.server.person.decide(it.server.person.pending("two"), "allow")
    it.server.person.decide(it.server.person.pending("one"), "deny", "only the other")
    texts = [it.end(call) for call in calls]
    it.ran("two")
    demand("only the other" in texts[0] and "made two" in texts[1], f"the model was told {texts}")


def again_after_no(it: Trial) -> None:
    """The model asks for the same once more: the person is asked once more."""
    it.server.start()
    call = it.begin("one", "call_1")
    it.server.person.decide(it.server.person.pending(), "deny", "not yet")
    it.end(call)
    call = it.begin("one", "call_2")
    it.server.person.decide(it.server.person.pending(), "allow")
    it.end(call)
    it.ran("one")


def outcome(it: Trial) -> None:
    it.server.start()
    call = it.begin("one")
    waiting = it.server.person.pending()
    it.server.person.decide(waiting, "allow")
    it.end(call)
    claim = it.server.person.look(waiting)["claim"] or {}
    demand(claim.get("outcome") == "succeeded", f"what stands is {claim}")


def check(client: Client, binary: str) -> tuple[str, str]:
    """What a client with `CHECK` says, and why it is red."""
    trial = Trial(client, binary)
    server = trial.server
    try:
        server.start()
        stand = {"url": server.url, "agent": server.agent_token, "person": server.person_token}
        stand = {**stand, "binary": binary, "installed": str(client.installed())}
        command = [*client.command(client.installed()), "--check", json.dumps(stand)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        demand(done.returncode == 0, done.stderr[-2000:])
        return json.loads(done.stdout.splitlines()[-1])["text"], ""
    except (Red, OSError, subprocess.SubprocessError, ValueError) as error:
        return "RED", f"{client.name}: {error}"
    finally:
        trial.close()


COLUMNS: dict[str, Callable[[Trial], None]] = {
    "allowed": allowed,
    "denied with the reason": denied,
    "edited": edited,
    "expired": expired,
    "late answer": late_answer,
    "server killed while waiting": server_killed,
    "server away": server_away,
    "two calls at once": two_at_once,
    "same call again after a rejection": again_after_no,
    "outcome recorded": outcome,
}


def cell(client: Client, binary: str, column: str) -> tuple[str, str]:
    """What stands in one cell, and why it is red."""
    if column in client.cannot:
        return "–", ""
    trial = Trial(client, binary)
    try:
        COLUMNS[column](trial)
        return "ok", ""
    except (Red, OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        return "RED", f"{client.name}, {column}: {error}"
    finally:
        trial.close()


def row(client: Client, binary: str) -> tuple[list[str], list[str]]:
    """The cells of a client, tried side by side, a few at once."""
    cells: dict[str, tuple[str, str]] = {}
    places = threading.Semaphore(2)

    def fill(column: str) -> None:
        with places:
            cells[column] = cell(client, binary, column)

    threads = [threading.Thread(target=fill, args=(column,)) for column in COLUMNS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [cells[column][0] for column in COLUMNS], [cells[column][1] for column in COLUMNS if cells[column][1]]
