"""A server for mail by aiosmtpd: with STARTTLS, with TLS from the beginning, one that refuses, and one that is away."""

import sys

NAME = "SMTP, aiosmtpd 1.4.6"
PIP = ("aiosmtpd==1.4.6", "trustme==1.2.1")
CHECK = True

USER, PASSWORD = "sign@example.org", "pass wörd"


class Taker:
    """What the server does with mail: it keeps all, and answers as it is told to."""

    def __init__(self):
        self.raw, self.envelopes, self.answers, self.logins = [], [], [], []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("unknown@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        self.raw.append(envelope.original_content)
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        answer = self.answers.pop(0) if self.answers else "250 queued"
        if answer is None:
            # The mail is taken, and the sender never hears of it.
            server.transport.abort()
            return "250 queued"
        return answer

    def authenticate(self, server, session, envelope, mechanism, data):
        from aiosmtpd.smtp import AuthResult

        self.logins.append(mechanism)
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()))

    def arrived(self, count):
        from harness import until

        return until(lambda: len(self.raw) >= count and list(self.raw), f"{count} mails do not come", 40)


def receiver(taker, host, port, context, from_the_beginning=False):
    """A server that takes no mail without TLS and a password."""
    from aiosmtpd.controller import Controller

    tls = {"ssl_context": context} if from_the_beginning else {"tls_context": context, "require_starttls": True}
    controller = Controller(
        taker,
        hostname=host,
        port=port,
        authenticator=taker.authenticate,
        auth_required=True,
        # It does not know of a TLS that was there before it.
        auth_require_tls=not from_the_beginning,
        **tls,
    )
    controller.start()
    return controller


def check_envelopes(taker):
    from harness import demand

    expected = ("sign@example.org", ["ada@example.org"])
    demand(all(envelope == expected for envelope in taker.envelopes), f"envelopes: {taker.envelopes}")
    demand(bool(taker.logins) and set(taker.logins) <= {"PLAIN", "LOGIN"}, f"logins: {taker.logins}")


def check_unknown(office, taker):
    """A mailbox that is not there is told as a failure, and holds up no other."""
    from harness import demand, until

    office.add("unknown@example.org", "nobody")
    code, said = office.run("channel", "test", "nobody")
    demand(code != 0 and "550" in said, f"a test of an unknown mailbox ended with {code}: {said}")
    before = len(taker.raw)
    office.ask("for-nobody")
    demand("550" in office.until_failed("nobody"), "the failure is not told")
    taker.arrived(before + 1)
    code, said = office.run("channel", "list")
    demand(code == 0 and "550" in said, f"the list does not tell of the failure: {said}")
    code, said = office.run("channel", "remove", "nobody")
    demand(code == 0, f"the channel could not be removed: {said}")
    until(lambda: not office.notices().get("waiting"), "what waits for a removed channel stays", 40)


def check_away(office, taker, controller, again):
    """What came while the server was away is sent once it is there again, each once."""
    from harness import demand
    from mail import has, read

    before = len(taker.raw)
    controller.stop()
    office.ask("while-away")
    office.until_failed("mail")
    controller = again()
    # What arrives has what failed before tried at once.
    office.ask("back-again")
    mails = [read(raw) for raw in taker.arrived(before + 2)[before:]]
    found = sorted(mail.get_content().split("/interactions/")[1].strip() for mail in mails)
    demand(found == ["back-again", "while-away"], f"came: {found}")
    demand(len({has(mail, "Message-ID") for mail in mails}) == 2, "two mails have one id")
    return controller


def check_repetition(office, taker, answer):
    """What is not known to have arrived is sent once more, with the same id."""
    from harness import demand, until
    from mail import has, read

    before = len(taker.raw)
    taker.answers = [answer]
    office.ask(f"again-{before}")
    first, second = (read(raw) for raw in taker.arrived(before + 2)[before:])
    demand(has(first, "Message-ID") == has(second, "Message-ID"), "what is sent again has another id")
    demand(first.get_content() == second.get_content(), "what is sent again has another text")
    until(lambda: not office.notices().get("waiting"), "what has arrived waits on", 40)


def tried(binary, folder, scheme, host, is_all):
    """A thread by one kind of TLS, or all there is to try."""
    from harness import demand
    from mail import Certificate, Office, check_thread, free_port

    taker, port, from_the_beginning = Taker(), free_port(), scheme == "smtps"
    certificate = Certificate(folder, host)
    password = folder / "password"
    password.write_text(PASSWORD + "\n", encoding="utf-8")
    url = f"{scheme}://{USER.replace('@', '%40')}@{host}:{port}"
    flags = ["--smtp-password-file", str(password), "--notice-ca-file", str(certificate.ca)]

    def again():
        return receiver(taker, host, port, certificate.context, from_the_beginning)

    controller = again()
    try:
        with Office(binary, folder, url, *flags) as office:
            office.add("ada@example.org", "mail", "--resolutions", "true")
            check_thread(office, taker.arrived, "ada@example.org")
            check_envelopes(taker)
            code, said = office.run("channel", "test", "mail")
            demand(code == 0 and "250" in said, f"a test ended with {code}: {said}")
            if is_all:
                check_unknown(office, taker)
                controller = check_away(office, taker, controller, again)
                check_repetition(office, taker, "451 4.3.0 try again later")
                check_repetition(office, taker, None)
            count = office.notices()
            demand(set(count) <= {"sent", "dropped"}, f"notices: {count}")
    finally:
        controller.stop()


def main() -> None:
    import tempfile
    from pathlib import Path

    from harness import tell
    from mail import name_of_machine, stand

    binary, host = stand()["binary"], name_of_machine()
    # The last is plainly this machine, where TLS is begun for the sake of the password alone.
    for scheme, host, is_all in (("smtp", host, True), ("smtps", host, False), ("smtp", "localhost", False)):
        with tempfile.TemporaryDirectory() as folder:
            tried(binary, Path(folder), scheme, host, is_all)
    tell(
        "takes mail with STARTTLS or TLS and a password, in threads, without what was asked; 550 is told; "
        "what came while it was away, was put off (451) or went unanswered comes again, with the same id"
    )


if __name__ == "__main__":
    main() if "--check" in sys.argv else None
