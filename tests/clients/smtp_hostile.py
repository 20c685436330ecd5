"""Servers for mail that are slow or do not speak as they should: no mail is lost, and none comes twice that was answered."""

from __future__ import annotations

import sys

NAME = "SMTP, servers that fail"
PIP = ("trustme==1.2.1",)
CHECK = True

# What a server may have said before it fails, such as somebody's address: never to be told.
WORDS = "words-5b1e77c0"


class Failing:
    """A server for mail which fails once in its own way, and works from then on.

    It fails in the first conversation that is about an interaction: `at` says where, `how` what it does there.
    """

    def __init__(self, at, how):
        import socket
        import threading

        self.at, self.how, self.mails, self.failed = at, how, [], threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        import threading

        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.speak, args=(stream,), daemon=True).start()

    def say(self, stream, at, line):
        """Says this; where it is to fail, it fails, and the conversation is over."""
        if at != self.at or self.failed.is_set():
            stream.sendall(f"{line}\r\n".encode())
            return
        self.failed.set()
        self.how(stream, line)
        raise ConnectionError("it is over")

    def speak(self, stream):
        lines = stream.makefile("rb")
        try:
            with stream:
                self.say(stream, "greeting", "220 mail.example.org ESMTP")
                for line in lines:
                    if not self.answer(stream, line.split()[0].upper().decode(), lines):
                        return
        except OSError:
            pass

    def answer(self, stream, word, lines):
        if word == "DATA":
            self.say(stream, word, "354 go on")
            data = []
            while (line := lines.readline()) not in (b".\r\n", b""):
                data.append(line)
            if line == b"":
                return False
            self.mails.append(b"".join(data))
            self.say(stream, ".", "250 queued as 1")
            return True
        answers = {"EHLO": "250 mail.example.org", "MAIL": "250 ok", "RCPT": "250 ok", "QUIT": "221 bye"}
        self.say(stream, word, answers.get(word, "500 what?"))
        return word != "QUIT"


def drip(stream, line):
    """A byte each half of a second, for as long as it is listened to."""
    import time

    for byte in (line + " " * 600 + "\r\n").encode():
        stream.sendall(bytes([byte]))
        time.sleep(0.5)


def close(stream, line):
    pass


def says(text):
    return lambda stream, line: stream.sendall(text.encode())


def flood(stream, line):
    """Lines without an end."""
    for _ in range(10_000_000):
        stream.sendall(f"{line[:3]}-{WORDS} {'x' * 480}\r\n".encode() * 100)


# Where and how it fails, and how often the mail is at the server in the end: twice where it was taken without an answer.
FAILURES = {
    "a greeting that drips": ("greeting", drip, 1),
    "no greeting": ("greeting", close, 1),
    "421 as a greeting": ("greeting", says(f"421 4.3.2 {WORDS}\r\n"), 1),
    "a greeting that is none": ("greeting", says(f"{WORDS}\r\n"), 1),
    "a greeting without an end": ("greeting", says(f"220 {WORDS}"), 1),
    "a greeting that floods": ("greeting", flood, 1),
    "421 for a sender": ("MAIL", says(f"421 4.3.2 {WORDS}\r\n"), 1),
    "451 for a mailbox": ("RCPT", says(f"451 4.3.0 {WORDS}\r\n"), 1),
    "an end before the text": ("DATA", close, 1),
    "451 after the text": (".", says(f"451 4.3.0 {WORDS}\r\n"), 2),
    "an end after the text": (".", close, 2),
    "an answer that drips": (".", drip, 2),
    "an answer that is none": (".", says(f"{WORDS}\r\n"), 2),
    "a farewell that drips": ("QUIT", drip, 1),
}


def tried(binary, name):
    """One failure: a mail comes in the end, and another channel of the same person hears at once."""
    import queue
    import tempfile
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from pathlib import Path

    from harness import demand, until
    from mail import Office, has, read

    at, how, times = FAILURES[name]
    mail, heard = Failing(at, how), queue.Queue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            heard.put(None)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            url = f"smtp://127.0.0.1:{mail.port}"
            with Office(binary, Path(folder), url, "--allow-notice-net", "127.0.0.0/8") as office:
                office.add("ada@example.org", "mail")
                body = {"name": "hook", "kind": "webhook", "url": f"http://127.0.0.1:{hook.server_port}/", "paceMs": 0}
                demand(office.server.person.send("POST", "/v1/channels", body)[0] == 201, "no webhook could be made")
                office.ask("deploy")
                heard.get(timeout=30)
                if how is drip and at != "QUIT":
                    demand(office.channel("mail")["failure"] is None, "the webhook has waited for the mail")
                if at != "QUIT":
                    office.until_failed("mail")
                until(lambda: len(mail.mails) >= times, f"{name}: no mail comes", 40)
                until(lambda: office.notices() == {"sent": 2}, f"{name}: {office.notices()}", 40)
                mails = [read(raw) for raw in mail.mails]
                demand(len(mails) == times, f"{name}: {len(mails)} mails came")
                demand(len({has(one, "Message-ID") for one in mails}) == 1, f"{name}: the ids are not the same")
                why = office.channel("mail")["failure"]
                demand(WORDS not in str(why), f"{name}: the failure tells what the server said: {why!r}")
    finally:
        hook.shutdown()
        mail.listener.close()


def main() -> None:
    import concurrent.futures

    from harness import Red, tell
    from mail import stand

    binary, problems = stand()["binary"], []
    with concurrent.futures.ThreadPoolExecutor(4) as at_once:
        for trial in [at_once.submit(tried, binary, name) for name in FAILURES]:
            try:
                trial.result()
            except Red as problem:
                problems.append(str(problem))
    if problems:
        sys.exit("\n".join(problems))
    tell(f"{len(FAILURES)} ways to fail: a mail comes in the end, once where it was not taken before, and others are not held up")


if __name__ == "__main__":
    main() if "--check" in sys.argv else None
