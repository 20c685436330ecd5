"""What goes wrong between a client and the server, and whether a call runs that nobody has allowed.

A fault is either in the settings, the token or the program that `connect` has put there (`bend_settings`, `bend_token`), or it happens
while the call waits (`FAULTS`). A client's `OPENS` names those with which it runs the call, each with its reason: there is nothing on
our side that could prevent it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from harness import NOTHING, PATIENCE, SHORT_WAIT, Call, Cell, Client, Red, Trial, demand, kill_quietly, processes_of, until

# How long a slow person takes, in seconds.
LONG_WAIT = 75

# A client's own limit that is shorter than the wait, in seconds.
SHORT_LIMIT = 3

# Programs that stand in the place of ours; `$BINARY` is ours.
PROGRAMS = {
    "hook's stdout closed": 'exec "$BINARY" "$@" >&-',
    "unparsable event": 'echo "{garbage" | "$BINARY" "$@"',
    "unknown event": """sed -E 's/"(hook_event_name|hookName)" *: *"[A-Za-z]*"/"\\1":"Strange"/; s/"toolName"/"strange"/' | "$BINARY" "$@\"""",
    "hook's program gone": None,
}


def shorter(limit: int) -> int:
    """The same in the unit of a limit that `connect` has written: one of more than a day is in milliseconds."""
    return SHORT_LIMIT * 1000 if limit > 86_400 else SHORT_LIMIT


def bend_settings(call: Call, text: str) -> str:
    """The settings that `connect` wrote, with the fault in them."""
    if call.fault == "client's limit too short":
        text = re.sub(r'("timeout(?:Sec)?": )(\d+)', lambda limit: limit[1] + str(shorter(int(limit[2]))), text)
    if call.fault in PROGRAMS:
        program = Path(call.made).parent.parent / "countersign-bent"
        script = PROGRAMS[call.fault]
        if script is not None:
            program.write_text(f"#!/bin/sh\nBINARY='{call.binary}'\n{script}\n", encoding="utf-8")
            program.chmod(0o755)
        text = text.replace(call.binary, str(program))
    return text


def bend_token(call: Call, client: str, file: Path) -> None:
    """The token that `connect` made, with the fault in it."""
    if call.fault == "bad token":
        file.write_text("csgn_" + "0" * 43 + "\n", encoding="utf-8")
    if call.fault == "no token":
        file.unlink()
    if call.fault == "revoked token":
        command = [call.binary, "token", "revoke", "--name", client, "--db", call.db]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "COUNTERSIGN_CREDENTIALS_FILE": "none"})


class Fake(ThreadingHTTPServer):
    """Something that is not countersign, at its address."""

    daemon_threads = True

    def __init__(self, port: int, status: int, body: bytes | None):
        """It answers with `body`; or never, where there is none."""
        self.status, self.body = status, body
        super().__init__(("127.0.0.1", port), FakeHandler)

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, daemon=True).start()


class FakeHandler(BaseHTTPRequestHandler):
    server: Fake

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.server.body is None:
            threading.Event().wait(20 * SHORT_WAIT)
            return
        self.send_response(self.server.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST


def in_settings(name: str) -> Callable[[Trial], None]:
    """A fault that is there from the start, with a server that waits for a person."""

    def happens(it: Trial) -> None:
        it.server.start()
        settle(it, it.begin("one", fault=name, within_s=SHORT_WAIT))

    return happens


def faked(status: int, body: bytes | None) -> Callable[[Trial], None]:
    def happens(it: Trial) -> None:
        fake = Fake(it.server.port, status, body)
        fake.start()
        try:
            settle(it, it.begin("one", within_s=SHORT_WAIT))
        finally:
            fake.shutdown()
            fake.server_close()

    return happens


def away(it: Trial) -> None:
    settle(it, it.begin("one", within_s=SHORT_WAIT))


def slow_person(it: Trial) -> None:
    """The person takes longer than any limit of a minute that a client may have beside that in its settings."""
    it.server.start()
    call = it.begin("one")
    waiting = it.server.person.pending()
    try:
        call.wait(LONG_WAIT)
    except subprocess.TimeoutExpired:
        it.server.person.decide(waiting, "deny")
    settle(it, call)


def killed(it: Trial) -> None:
    it.server.start()
    call = it.begin("one", within_s=SHORT_WAIT)
    it.server.person.pending()
    it.server.kill()
    settle(it, call)


def hook_killed(it: Trial) -> None:
    it.server.start()
    call = it.begin("one")
    it.server.person.pending()
    it.kill_hook()
    settle(it, call)


def all_killed(it: Trial) -> None:
    """Also the shell that has started the hook, if one has."""
    it.server.start()
    call = it.begin("one")
    it.server.person.pending()
    for pid in processes_of(it.folder):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue
        if f"{it.binary} hook ".encode() in words:
            os.kill(pid, signal.SIGSTOP)
            it.stopped.append(pid)
    demand(bool(it.stopped), "no hook waits")
    for pid in it.stopped:
        kill_quietly(pid)
    settle(it, call)


def settle(it: Trial, call: subprocess.Popen[str]) -> None:
    """Waits for the end of a call; one that waits without an end is given up where it would have run long ago."""
    has_called = (it.folder / "asked").exists
    if it.client.waits:
        until(lambda: has_called() or call.poll() is not None, "the model's call")
    try:
        call.communicate(timeout=SHORT_WAIT if it.client.waits else PATIENCE)
    except subprocess.TimeoutExpired:
        demand(it.client.waits, f"the client does not end: {it.log()}")
    demand(has_called(), f"the model made no call: {it.log()}")


FAULTS: dict[str, Callable[[Trial], None]] = {
    "person takes 75 s": slow_person,
    "server away": away,
    "server killed": killed,
    "no token": in_settings("no token"),
    "bad token": in_settings("bad token"),
    "revoked token": in_settings("revoked token"),
    "server answers garbage": faked(200, b"<html>welcome</html>"),
    "server answers 200 {}": faked(200, b"{}"),
    "server answers 500": faked(500, b'{"error":"no","code":"internal_error"}'),
    "server never answers": faked(200, None),
    "unknown event": in_settings("unknown event"),
    "unparsable event": in_settings("unparsable event"),
    "hook's stdout closed": in_settings("hook's stdout closed"),
    "hook's program gone": in_settings("hook's program gone"),
    "hook killed": hook_killed,
    "hook and its shell killed": all_killed,
    "client's limit too short": in_settings("client's limit too short"),
}


def fault_cell(client: Client, binary: str, name: str) -> Cell:
    """Whether the call ran with a fault; red where that is not as the client's file says."""
    if name in client.cannot:
        return Cell(NOTHING)
    trial = Trial(client, binary)
    try:
        FAULTS[name](trial)
        has_run = bool(trial.runs())
        problem = ""
        if has_run and name not in client.opens:
            problem = f"{client.name}, {name}: the call ran, and nobody has allowed it: {trial.log()}"
        if not has_run and name in client.opens:
            problem = f"{client.name}, {name}: the call did not run, which its OPENS has otherwise"
        said = "ran" if has_run else "did not run"
        return Cell(f"{said} (RED)" if problem else said, problem, client.opens.get(name, ""))
    except (Red, OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        return Cell("RED", f"{client.name}, {name}: {error}\n{trial.log()}")
    finally:
        trial.close()
