"""What the checks of mail have in common: a server that sends it, what is asked of people, and what a mail has to be.

It is read by the interpreter that has a client's packages: `trustme` is one of each.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import socket
import ssl
import subprocess
import sys
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Callable

from harness import Server, demand, until

# So rare that it is found only where it was put: in all that is asked, and in what is answered.
CANARY = "canary-7d90c3f1e62b48a5"

# The address that mail comes from; it has the domain of ids.
FROM = "Countersign – Büro <sign@example.org>"

# Names that stand in a subject as people read them.
TOOL = "shell – ünïcode"
SUBJECT = f"builder asks: may it use {TOOL}? (high risk)"


def stand() -> dict[str, Any]:
    return json.loads(sys.argv[sys.argv.index("--check") + 1])


def name_of_machine() -> str:
    """A name or an address of this machine that is not plainly its own: a server is asked for STARTTLS there."""
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
        with socket.socket() as tried:
            tried.bind((address, 0))
        if name != "localhost":
            return name
    except OSError:
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(("192.0.2.1", 9))
        return str(route.getsockname()[0])


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Certificate:
    """One for a host, by an authority of its own."""

    def __init__(self, folder: Path, host: str):
        import trustme

        authority = trustme.CA()
        issued = authority.issue_cert(host)
        self.ca, self.chain, self.key = folder / "ca.pem", folder / "chain.pem", folder / "key.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        for place, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(str(self.chain), append=place > 0)
        issued.private_key_pem.write_to_path(str(self.key))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(self.context)


class Office:
    """A server that sends mail by `url`, and the commands of a person who has channels there."""

    def __init__(self, binary: str, folder: Path, url: str, *flags: str):
        self.server = Server(binary, folder, ["--smtp-url", url, "--mail-from", FROM, *flags])
        self.binary = binary
        self.asked: dict[str, Any] = {}

    def __enter__(self) -> "Office":
        self.server.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.server.kill()

    def run(self, *arguments: str) -> tuple[int, str]:
        """A command of the person's: how it has ended, and what it has said."""
        env = {**os.environ, "COUNTERSIGN_TOKEN": self.server.person_token, "COUNTERSIGN_CREDENTIALS_FILE": "none"}
        command = [self.binary, *arguments, "--url", self.server.url]
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def add(self, address: str, name: str, *flags: str) -> None:
        """A channel that tells each thing by itself."""
        code, said = self.run("channel", "add", "email", address, "--name", name, "--pace", "none", *flags)
        demand(code == 0, f"no channel could be made: {said}")

    def channel(self, name: str) -> dict[str, Any]:
        status, body = self.server.person.send("GET", "/v1/channels")
        demand(status == 200, f"the channels were answered with {status}")
        return next(channel for channel in body["channels"] if channel["name"] == name)

    def until_failed(self, name: str) -> str:
        """Why something could not be sent to a channel, once that is so."""
        return until(lambda: self.channel(name)["failure"], f"nothing fails for {name}", 40)

    def ask(self, request_id: str) -> None:
        """A confirmation of high risk, full of what is not to be told."""
        confirmation = {"toolName": TOOL, "input": {"command": CANARY}, "reason": CANARY, "riskLevel": "high"}
        self.register({"requestId": request_id, "kind": "confirmation", "confirmation": confirmation})

    def ask_for_a_secret(self, request_id: str) -> None:
        secret = {"service": f"{CANARY} service", "field": "password", "label": CANARY, "purpose": CANARY}
        self.register({"requestId": request_id, "kind": "secret", "secret": secret})

    def register(self, asked: dict[str, Any]) -> None:
        status, said = self.server.agent.send("POST", "/v1/interactions", asked)
        demand(status == 201, f"nothing was registered: {said}")

    def deny(self, request_id: str) -> None:
        status = self.server.person.decide({"requestId": request_id}, "deny", f"not on a Sunday, {CANARY}")
        demand(status == 200, f"a denial was answered with {status}")

    def give_secret(self, request_id: str) -> None:
        body = {"requestId": request_id, "value": CANARY}
        status, _ = self.server.person.send("POST", "/v1/secret", body)
        demand(status == 200, f"a secret was answered with {status}")

    def notices(self) -> dict[str, int]:
        """How many notices have become what."""
        import sqlite3

        with sqlite3.connect(f"file:{self.server.db}?mode=ro", uri=True) as db:
            return dict(db.execute("SELECT status, count(*) FROM notices GROUP BY status").fetchall())


def read(raw: bytes) -> EmailMessage:
    """A mail as Python's strictest policy reads it, which refuses what breaks a rule; every header is looked at."""
    demand(CANARY.encode() not in raw, f"a mail holds what was asked or said: {raw!r}")
    demand(all(len(line) <= 998 for line in raw.split(b"\r\n")), f"a line is too long: {raw!r}")
    mail = email.message_from_bytes(raw, policy=email.policy.strict.clone(utf8=False))
    assert isinstance(mail, EmailMessage)
    for name, value in mail.items():
        defects = getattr(value, "defects", ())
        demand(not defects, f"{name}: {value!r} has {defects}")
        demand(CANARY not in str(value), f"{name} holds what was asked or said")
    demand(not mail.is_multipart() and mail.get_content_type() == "text/plain", "it is not plain text")
    demand(CANARY not in mail.get_content(), "the text holds what was asked or said")
    return mail


def has(mail: EmailMessage, header: str) -> str:
    """The value of a header that stands there once."""
    values = mail.get_all(header) or []
    demand(len(values) == 1, f"{header} is there {len(values)} times")
    return str(values[0])


def check_mail(mail: EmailMessage, office: Office, subject: str, request_id: str | None, to: str) -> None:
    """What every mail about an interaction has."""
    demand(has(mail, "Subject") == subject, f"the subject is {mail['Subject']!r}, and not {subject!r}")
    demand(has(mail, "From") == FROM, f"it comes from {mail['From']!r}")
    demand(has(mail, "To") == to, f"it goes to {mail['To']!r}")
    demand(has(mail, "Auto-Submitted") == "auto-generated", "it does not say that nobody wrote it")
    demand(parsedate_to_datetime(has(mail, "Date")).tzinfo is not None, "its date has no zone")
    message_id = has(mail, "Message-ID")
    demand(message_id.startswith("<") and message_id.endswith("@example.org>"), f"its id is {message_id!r}")
    link = office.server.url + (f"/interactions/{request_id}" if request_id else "/")
    demand(link in mail.get_content().splitlines(), f"{link} is in no line of {mail.get_content()!r}")


def check_thread(office: Office, arrived: Callable[[int], list[bytes]], to: str) -> None:
    """Two mails about one interaction, one about another, and two about a secret: how they read and hang together."""
    office.ask("deploy")
    check_mail(read(arrived(1)[0]), office, SUBJECT, "deploy", to)
    office.deny("deploy")
    ended = f"rejected: may it use {TOOL}? (high risk)"
    check_mail(read(arrived(2)[1]), office, ended, "deploy", to)
    office.ask_for_a_secret("key")
    arrived(3)
    office.give_secret("key")
    mails = [read(raw) for raw in arrived(4)]
    check_mail(mails[2], office, "builder asks: a secret", "key", to)
    check_mail(mails[3], office, "answered: a secret", "key", to)
    threads = [(has(mail, "References"), has(mail, "In-Reply-To")) for mail in mails]
    demand(threads[0] == threads[1] and threads[2] == threads[3] and threads[1] != threads[2], f"threads: {threads}")
    ids = {has(mail, "Message-ID") for mail in mails}
    demand(len(ids) == 4, f"ids: {ids}")
