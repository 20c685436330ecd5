"""How a whole agent is tried: in a home of its own, connected by `countersign connect` as a user would, with a model that only plays.

A client's file makes a `Stand`, puts there what a user has in the settings before, connects, and runs the client's own program. The
model calls the client's own shell, which adds a line to the file `made`.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from faults import bend_settings, bend_token
from harness import PATIENCE, Call, tell
from mock_model import Model

# What the packages of programs are called that are built for one machine alone.
MACHINE = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())

class Home:
    """A home of a user's own, a working directory in it, and `countersign connect`."""

    def __init__(self) -> None:
        self.call = Call.from_argv()
        self.work = Path(self.call.made).parent
        self.folder = self.work.parent
        self.home = self.folder / "home"
        self.home.mkdir(exist_ok=True)
        self.installed = Path(self.call.installed)

    def put(self, path: str, text: str) -> None:
        """A file of the user's, in the home."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        """The home's, and nothing of the agent's inside of which this may run."""
        programs = self.installed / "node_modules" / ".bin"
        return {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(self.home), **more}

    @property
    def is_bent(self) -> bool:
        """Whether this trial needs other settings than `connect` writes."""
        return self.call.within_s is not None or bool(self.call.fault)

    @property
    def within(self) -> dict[str, str]:
        """The environment that shortens the wait of what `connect` gives no time of its own."""
        return {} if self.call.within_s is None else {"COUNTERSIGN_WITHIN": f"{self.call.within_s}s"}

    def connect(self, client: str, *flags: str) -> None:
        """`countersign connect`, and what this trial changes of that."""
        call = self.call
        command = [call.binary, "connect", client, "--write", "--url", call.url, "--db", call.db, *flags]
        done = subprocess.run(command, cwd=self.work, env=self.environment(), capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            sys.exit(f"countersign connect: {done.stdout}{done.stderr}")
        for path in re.findall(r"^wrote (.+)$", done.stdout, re.MULTILINE):
            file = Path(path)
            text = file.read_text(encoding="utf-8")
            if call.within_s is not None:
                text = re.sub(r'(--within"?,? +"?)\d+s', rf"\g<1>{call.within_s}s", text)
            file.write_text(bend_settings(call, text), encoding="utf-8")
        bend_token(call, client, self.home / ".config/countersign/agents" / f"{client}.token")


class Stand(Home):
    """A home, and a model that calls `tool` with a command and `more`."""

    def __init__(self, tool: str, **more: Any):
        super().__init__()
        commands = [f"echo {line} >> made" for line in self.call.lines]
        turns = [[{"command": command, **more} for command in commands] for _ in range(self.call.tries)]
        hold = self.folder / "go" if self.call.holds else None
        self.model = Model(tool, turns, self.folder / "told", hold)

    def __enter__(self) -> "Stand":
        self.model.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.model.__exit__()

    def run(self, *command: str, **environment: str) -> None:
        """Runs the client to its end, and says what its model was told."""
        subprocess.run(
            command,
            cwd=self.work,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            timeout=PATIENCE,
        )
        self.tell()

    def tell(self) -> None:
        if self.model.tool not in self.model.offered:
            print(f"the client offers {sorted(self.model.offered)}, and not {self.model.tool}", file=sys.stderr)
        tell(*self.model.told)


def is_called() -> bool:
    """Whether this is the client's own process, and not the harness that reads its constants."""
    return "--call" in sys.argv
