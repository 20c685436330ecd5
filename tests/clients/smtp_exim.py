"""Debian's server for mail, exim, where it is installed and root may start it: it takes what comes by STARTTLS into a mailbox."""

import sys

NAME = "SMTP, exim"
PIP = ("trustme==1.2.1",)
CHECK = True

USER, PASSWORD = "sign@example.org", "pass-word"

# A server that takes mail for the mailboxes of example.org from who has logged in over TLS, and keeps all in one file.
CONFIGURATION = """
primary_hostname = mail.example.org
spool_directory = {folder}/spool
keep_environment =
log_file_path = {folder}/log-%slog
pid_file_path = {folder}/pid
local_interfaces = <; {address}.{port}
tls_certificate = {chain}
tls_privatekey = {key}
tls_advertise_hosts = *
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
hosts_require_helo =
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
queue_only = false
rfc1413_query_timeout = 0s

begin acl
check_rcpt:
  deny !authenticated = *
  deny message = no such user
       local_parts = unknown
  accept domains = example.org

begin routers
mailbox:
  driver = accept
  transport = mailbox

begin transports
mailbox:
  driver = appendfile
  file = {folder}/mailbox
  user = {user}
  group = {group}
  delivery_date_add
  envelope_to_add
  return_path_add

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if and{{{{eq{{$auth2}}{{{login}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


def program():
    import shutil

    return shutil.which("exim4") or shutil.which("exim") or shutil.which("exim4", path="/usr/sbin:/usr/local/sbin")


def identity():
    """Who the daemon is: the user of the package, since exim delivers nothing as root."""
    import pwd
    import subprocess

    said = subprocess.run([program(), "-n", "-bP", "exim_user"], capture_output=True, text=True).stdout.strip()
    return pwd.getpwuid(int(said)) if said.isdigit() else pwd.getpwnam(said or "Debian-exim")


class Exim:
    """The daemon, in a folder of its own."""

    def __init__(self, folder, host, port):
        import grp
        import os
        import socket

        from mail import Certificate

        self.folder, self.address, self.process = folder, (socket.gethostbyname(host), port), None
        self.certificate, who = Certificate(folder, host), identity()
        names = {"user": who.pw_name, "group": grp.getgrgid(who.pw_gid).gr_name, "login": USER, "password": PASSWORD}
        place = {"folder": folder, "address": self.address[0], "port": port}
        files = {"chain": self.certificate.chain, "key": self.certificate.key}
        self.configuration = folder / "exim.conf"
        self.configuration.write_text(CONFIGURATION.format(**names, **place, **files), encoding="utf-8")
        self.configuration.chmod(0o644)
        (folder / "spool").mkdir()
        for path in (folder, folder / "spool", self.certificate.chain, self.certificate.key):
            os.chown(path, who.pw_uid, who.pw_gid)

    def start(self):
        import socket
        import subprocess

        from harness import until

        command = [program(), "-C", str(self.configuration), "-bdf", "-q1m"]
        output = open(self.folder / "said", "a", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=output, stderr=output)

        def answers():
            with socket.socket() as tried:
                return tried.connect_ex(self.address) == 0

        until(answers, f"exim does not start: {self.said()}", 20)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def said(self):
        files = [path for path in self.folder.iterdir() if path.name == "said" or path.name.startswith("log-")]
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)

    def mailbox(self):
        """The mails as they were delivered, each as its bytes."""
        import mailbox

        path = self.folder / "mailbox"
        if not path.exists():
            return []
        box = mailbox.mbox(path, create=False)
        return [box.get_bytes(key) for key in box.iterkeys()]

    def arrived(self, count):
        from harness import Red, until

        def found():
            mails = self.mailbox()
            return len(mails) >= count and mails

        try:
            return until(found, f"{count} mails do not come", 40)
        except Red as error:
            raise Red(f"{error}: {self.said()}") from None


def tried(binary, folder):
    from harness import demand
    from mail import Office, check_thread, free_port, name_of_machine

    host, port = name_of_machine(), free_port()
    exim = Exim(folder, host, port)
    password = folder / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    url = f"smtp://{USER.replace('@', '%40')}@{host}:{port}"
    flags = ["--smtp-password-file", str(password), "--notice-ca-file", str(exim.certificate.ca)]
    exim.start()
    try:
        with Office(binary, folder, url, *flags) as office:
            office.add("ada@example.org", "mail", "--resolutions", "true")
            check_thread(office, exim.arrived, "ada@example.org")
            demand("X=TLS" in exim.said() and f"A=plain:{USER}" in exim.said(), f"not over TLS: {exim.said()}")
            office.add("unknown@example.org", "nobody")
            code, said = office.run("channel", "test", "nobody")
            demand(code != 0 and "550" in said, f"a test of an unknown mailbox ended with {code}: {said}")
            code, said = office.run("channel", "remove", "nobody")
            demand(code == 0, f"the channel could not be removed: {said}")
            exim.stop()
            office.ask("while-away")
            office.until_failed("mail")
            exim.start()
            office.ask("back-again")
            text = b"".join(exim.arrived(6)[4:])
            demand(b"/while-away" in text and b"/back-again" in text, f"came: {text!r}")
            demand(set(office.notices()) <= {"sent", "dropped"}, f"notices: {office.notices()}")
    finally:
        exim.stop()


def main() -> None:
    import os
    import tempfile
    from pathlib import Path

    from harness import tell
    from mail import stand

    if program() is None or os.geteuid() != 0:
        tell("left out, for want of exim4" if program() is None else "left out: only root may start exim")
        return
    with tempfile.TemporaryDirectory() as folder:
        tried(stand()["binary"], Path(folder))
    tell("takes mail with STARTTLS and a password, in threads, without what was asked; 550 is told; being away loses nothing")


if __name__ == "__main__":
    main() if "--check" in sys.argv else None
