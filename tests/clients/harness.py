"""What every client is tried with: a server of the given binary, a person who decides over REST, and the table.

A client is a file beside this one with a `NAME`. It says, in constants, which pinned packages it needs, and what it cannot do and why,
and it makes the calls of a tool that `--call JSON` describes: see `Call`. It imports nothing of its packages at its top, since it is
read by the interpreter of this harness, which has none of them.

- One with `AGENT` is a whole agent with a model: `agent.py` connects it as a user would, and plays the model.
- One with `CHECK` makes no calls of a tool: it is run once with `--check JSON`, the address and the tokens of a server, and fails
  where it finds something. Receivers of notices are such: each starts a server of its own.
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

# Why clients that are no agents have nothing in the column of killed hooks.
NO_HOOK = "it has no hook: there is no process of ours"


class Red(Exception):
    """A cell of the table that is not as it has to be."""


def demand(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise Red(otherwise)


def until(ask: Callable[[], Any], what: str, patience: float | None = None) -> Any:
    """Asks until there is something; an end to patience is red."""
    begun = time.monotonic()
    while time.monotonic() - begun < (patience or PATIENCE):
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

    # The rest is for agents, which are connected in a home of their own, beside the folder of `made`.
    binary: str = ""
    db: str = ""
    installed: str = ""
    # What is called at once, a line each.
    lines: list[str] = field(default_factory=list)
    # How often the model makes the same calls, turn after turn; from the second on when the file `go` is there, if it `holds`.
    tries: int = 1
    holds: bool = False
    # How long our side waits for the answer, in place of the day that it is connected with.
    within_s: int | None = None
    # Whether the hook that tells how a call went takes longer than what is left of the session; only of Claude Code, for Codex trusts
    # a hook only as it was connected.
    tells_late: bool = False
    # What is wrong: one of the faults of `faults.py`.
    fault: str = ""

    @staticmethod
    def from_argv() -> "Call":
        return Call(**json.loads(sys.argv[sys.argv.index("--call") + 1]))

    def run(self) -> str:
        """The tool itself."""
        with open(self.made, "a", encoding="utf-8") as made:
            made.write(f"{self.input['line']}\n")
        return f"made {self.input['line']}"


def tell(*texts: Any) -> None:
    """What the model is told, a text a call, as the last line of a client's output."""
    print(json.dumps({"texts": [str(text) for text in texts]}), flush=True)


def has_word(interaction: dict[str, Any], word: str) -> bool:
    """Whether what is asked about has this word in its input."""
    return re.search(rf"\b{word}\b", json.dumps(interaction["confirmation"]["input"])) is not None


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
            return next((it for it in waiting if line is None or has_word(it, line)), None)

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


def python(installed: Path) -> str:
    """The interpreter that has a client's packages, or this one."""
    own = installed / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def processes_of(folder: Path) -> list[int]:
    """The processes that were started for this folder: it stands in their command line or their environment."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            said = (directory / "cmdline").read_bytes() + (directory / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in said and int(directory.name) != os.getpid():
            found.append(int(directory.name))
    return found


def is_hook(pid: int, binary: str) -> bool:
    """Whether a process is our hook or proxy, and not the shell that has started it."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return os.readlink(f"/proc/{pid}/exe") == binary and words[1] in (b"hook", b"mcp", b"acp")
    except OSError:
        return False


def kill_quietly(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


@dataclass
class Client:
    """One file of a client."""

    path: Path
    name: str
    pip: tuple[str, ...]
    npm: tuple[str, ...]
    cannot: dict[str, str]
    """The columns that it has nothing for, and why."""
    opens: dict[str, str]
    """The faults with which it runs a call that nobody allowed, and why."""
    loses_the_wait: bool
    one_by_one: bool
    """Whether calls that are made at once are asked about one after the other."""
    reasons_are_said: bool
    """Whether the reason of a denial goes to its standard error, since there is no room for it in what the model is told."""
    waits: bool
    """Whether our side waits without an end where nothing answers."""
    short_wait_flags: tuple[str, ...]
    """The flags of a server that lets it wait for no longer than `SHORT_WAIT`."""
    is_check: bool
    is_agent: bool
    takes_faults: bool
    """Whether a hook of ours stands between the model and its tools."""
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
            {**({} if own.get("AGENT") else {"hook killed": NO_HOOK}), **own.get("CANNOT", {})},
            dict(own.get("OPENS", {})),
            bool(own.get("LOSES_THE_WAIT", False)),
            bool(own.get("ONE_BY_ONE", False)),
            bool(own.get("REASONS_ARE_SAID", False)),
            bool(own.get("WAITS", False)),
            tuple(own.get("SHORT_WAIT_FLAGS", ())),
            bool(own.get("CHECK", False)),
            bool(own.get("AGENT", False)),
            bool(own.get("HOOK", False)),
            own.get("command") or (lambda installed: [python(installed), str(path)]),
        )

    @staticmethod
    def files() -> list[Path]:
        """The files of the clients, each with a name."""
        return sorted(path for path in HERE.glob("*.py") if "\nNAME = " in path.read_text(encoding="utf-8"))

    def installed(self) -> Path:
        """The folder with the pinned packages; made where it is not there yet."""
        folder = CACHE / ("+".join(sorted(self.pip + self.npm)).replace("/", "_") or "nothing")
        done = folder / ".installed"
        if done.exists():
            return folder
        print(f"installing {' '.join(self.pip + self.npm)} into {folder}", file=sys.stderr, flush=True)
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
        self.folder = Path(tempfile.mkdtemp(prefix="countersign-client-")).resolve()
        self.made = self.folder / "work" / "made"
        self.made.parent.mkdir()
        self.started: list[subprocess.Popen[str]] = []
        self.stopped: list[int] = []
        self.server = Server(binary, self.folder)

    def close(self) -> None:
        """Ends everything that was started here, also what a client left behind."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.server.kill()
        until(lambda: not [kill_quietly(pid) for pid in processes_of(self.folder)], "a process does not end")
        shutil.rmtree(self.folder, ignore_errors=True)

    def begin(self, *lines: str, call_id: str = "call_1", timeout_s: int = 600, **more: Any) -> subprocess.Popen[str]:
        """A call that is under way, or several that an agent makes at once."""
        server, installed = self.server, self.client.installed()
        call = Call(server.url, server.agent_token, call_id, str(self.made), {"line": lines[0]}, timeout_s, **more)
        call.lines, call.binary, call.db, call.installed = list(lines), self.binary, str(server.db), str(installed)
        command = [*self.client.command(installed), "--call", json.dumps(asdict(call))]
        log = open(self.folder / "client.log", "a", encoding="utf-8")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.started.append(process)
        return process

    def begin_two(self) -> list[subprocess.Popen[str]]:
        """Two calls at once: an agent makes them in one turn."""
        if self.client.is_agent:
            return [self.begin("one", "two")]
        return [self.begin("one", call_id="call_1"), self.begin("two", call_id="call_2")]

    def begin_twice(self, line: str, **more: Any) -> Callable[[], subprocess.Popen[str]]:
        """A call, and the same once more after its end: an agent makes both in one session. What is returned goes on to the second."""
        if self.client.is_agent:
            process = self.begin(line, tries=2, **more)
            return lambda: process
        first = self.begin(line, call_id="call_1", **more)

        def second() -> subprocess.Popen[str]:
            self.end(first)
            return self.begin(line, call_id="call_2", **more)

        return second

    def ends(self, process: subprocess.Popen[str]) -> list[str]:
        """What the model was told at the end of each call."""
        try:
            out, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Red(f"the client does not end: {self.log()}") from None
        lines = [line for line in out.splitlines() if line.startswith("{")]
        demand(bool(lines), f"the client said nothing: {self.log()}")
        said = json.loads(lines[-1])
        texts = said["texts"] if "texts" in said else [said["text"]]
        demand(bool(texts), f"the model was told nothing: {self.log()}")
        return texts

    def end(self, process: subprocess.Popen[str]) -> str:
        return self.ends(process)[-1]

    def said(self) -> str:
        """What the client has said on its standard error."""
        log = self.folder / "client.log"
        return log.read_text(encoding="utf-8") if log.exists() else ""

    def heard(self, text: str) -> str:
        """Where the reason of a denial stands: in what the model is told, or beside it."""
        return self.said() if self.client.reasons_are_said else text

    def log(self) -> str:
        """The end of that, for a problem."""
        return self.said()[-1000:]

    def told(self) -> list[str]:
        """What an agent's model was told so far."""
        told = self.folder / "told"
        return [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()] if told.exists() else []

    def kill_hook(self) -> None:
        """SIGKILL of our hook's process while it waits."""
        hooks = [pid for pid in processes_of(self.folder) if is_hook(pid, self.binary)]
        demand(bool(hooks), "no hook waits")
        for pid in hooks:
            kill_quietly(pid)

    def runs(self) -> list[str]:
        """The lines that the tool has written."""
        return sorted(self.made.read_text(encoding="utf-8").split()) if self.made.exists() else []

    def ran(self, *lines: str) -> None:
        demand(self.runs() == sorted(lines), f"ran {self.runs()}, and not {sorted(lines)}")


# How long our side waits where the wait is to end without an answer, in seconds: more than a client takes to start.
SHORT_WAIT = 10


def allowed(it: Trial) -> None:
    it.server.start()
    call = it.begin("one")
    it.server.person.decide(it.server.person.pending(), "allow")
    text = it.end(call)
    it.ran("one")
    demand(it.client.is_agent or "made one" in text, f"the model was told {text!r}")


def denied(it: Trial) -> None:
    it.server.start()
    call = it.begin("one")
    it.server.person.decide(it.server.person.pending(), "deny", "not on a Sunday")
    text = it.end(call)
    it.ran()
    demand("not on a Sunday" in it.heard(text), f"the model was told {text!r}")


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
    heard = it.heard(text)
    demand("expired" in heard or "in time" in heard, f"the model was told {text!r}")


def late_answer(it: Trial) -> None:
    """The time of the client's call is over when the person answers: the same call, made again, finds the answer."""
    it.server.flags = list(it.client.short_wait_flags)
    it.server.start()
    if it.client.is_agent:
        call = it.begin("one", tries=2, holds=True, within_s=SHORT_WAIT)
        waiting = it.server.person.pending()
        first = until(it.told, "the model is told nothing")[0]
        demand(waiting["requestId"] in it.heard(first), f"the model was told {first!r}")
        it.ran()
        it.server.person.decide(waiting, "allow")
        (it.folder / "go").touch()
        it.end(call)
    else:
        call = it.begin("one")
        waiting = it.server.person.pending()
        call.send_signal(signal.SIGKILL)
        call.wait()
        it.server.person.decide(waiting, "allow")
        text = it.end(it.begin("one"))
        demand("made one" in text, f"the model was told {text!r}")
    it.ran("one")
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
    call = it.begin("one", within_s=SHORT_WAIT)
    if it.client.waits:
        until((it.folder / "asked").exists, "the model makes no call")
        it.server.start()
        it.server.person.decide(it.server.person.pending(), "deny")
    text = it.end(call)
    it.ran()
    demand(bool(text), "the model was told nothing")


def hook_killed(it: Trial) -> None:
    """Nothing runs, whether or not the client goes on without what was killed."""
    it.server.start()
    call = it.begin("one")
    it.server.person.pending()
    it.kill_hook()
    call.communicate(timeout=PATIENCE)
    it.ran()


def two_at_once(it: Trial) -> None:
    it.server.start()
    calls = it.begin_two()
    person = it.server.person
    if it.client.one_by_one:
        for _ in range(2):
            waiting = person.pending()
            person.decide(waiting, *(("allow",) if has_word(waiting, "two") else ("deny", "only the other")))
    else:
        one, two = person.pending("one"), person.pending("two")
        statuses = person.decide(two, "allow"), person.decide(one, "deny", "only the other")
        demand(statuses == (200, 200), f"the decisions were refused with {statuses}")
    texts = [text for call in calls for text in it.ends(call)]
    it.ran("two")
    demand(len(texts) == 2 and "only the other" in it.heard(texts[0]), f"the model was told {texts}")
    demand(it.client.is_agent or "made two" in texts[1], f"the model was told {texts}")


def again_after_no(it: Trial) -> None:
    """The model asks for the same once more: the person is asked once more."""
    it.server.start()
    second = it.begin_twice("one")
    it.server.person.decide(it.server.person.pending(), "deny", "not yet")
    call = second()
    it.server.person.decide(it.server.person.pending(), "allow")
    it.end(call)
    it.ran("one")


def outcome(it: Trial) -> None:
    """However slow the machine is, and though the session is over right after the call."""
    it.server.start()
    call = it.begin("one", tells_late=True)
    waiting = it.server.person.pending()
    it.server.person.decide(waiting, "allow")
    it.end(call)

    def recorded() -> str | None:
        return (it.server.person.look(waiting)["claim"] or {}).get("outcome")

    found = until(recorded, "no outcome is recorded", SHORT_WAIT)
    demand(found == "succeeded", f"the outcome is {found}")


def check(client: Client, binary: str) -> Cell:
    """What a client with `CHECK` says."""
    trial = Trial(client, binary)
    server = trial.server
    try:
        server.start()
        stand = {"url": server.url, "agent": server.agent_token, "person": server.person_token}
        stand = {**stand, "binary": binary, "installed": str(client.installed())}
        command = [*client.command(client.installed()), "--check", json.dumps(stand)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        demand(done.returncode == 0, done.stderr[-2000:])
        return Cell(json.loads(done.stdout.splitlines()[-1])["texts"][0])
    except (Red, OSError, subprocess.SubprocessError, ValueError) as error:
        return Cell("RED", problem=f"{client.name}: {error}")
    finally:
        trial.close()


Column = Callable[[Trial], None]

COLUMNS: dict[str, Column] = {
    "allowed": allowed,
    "denied with the reason": denied,
    "edited": edited,
    "expired": expired,
    "late answer": late_answer,
    "server killed while waiting": server_killed,
    "server away": server_away,
    "hook killed": hook_killed,
    "two calls at once": two_at_once,
    "same call again after a rejection": again_after_no,
    "outcome recorded": outcome,
}

# A cell that a client has nothing for.
NOTHING = "–"

@dataclass
class Cell:
    """What stands in one cell of the table, why it is red, and why there is nothing."""

    text: str
    problem: str = ""
    note: str = ""


def cell(client: Client, binary: str, name: str, column: Column) -> Cell:
    if name in client.cannot:
        return Cell(NOTHING, note=client.cannot[name])
    trial = Trial(client, binary)
    try:
        column(trial)
        return Cell("ok")
    except (Red, OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        return Cell("RED", problem=f"{client.name}, {name}: {error}; the model was told {trial.told()}\n{trial.log()}")
    finally:
        trial.close()


def row(names: list[str], fill: Callable[[str], Cell]) -> dict[str, Cell]:
    """Cells, tried side by side, as many at once as there are processors."""
    cells: dict[str, Cell] = {}
    places = threading.Semaphore(os.cpu_count() or 1)

    def one(name: str) -> None:
        with places:
            cells[name] = fill(name)

    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {name: cells[name] for name in names}
