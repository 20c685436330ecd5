"""What `countersign connect curl` prints: a script of the shell, run as it is."""

import sys

NAME = "connect curl"


def main() -> None:
    import ctypes
    import os
    import shlex
    import signal
    import subprocess

    from documents import folder_of, printed
    from harness import Call, tell

    call = Call.from_argv()
    script = folder_of(call) / "ask.sh"
    script.write_text(printed("curl", call), encoding="utf-8")
    words = ["sh", str(script), f"line={call.input['line']}; echo $line >> {shlex.quote(call.made)}; echo made $line"]
    env = {**os.environ, "REQUEST_ID": call.call_id}

    def end_with_parent():
        """The script is killed when this process is: Linux' PR_SET_PDEATHSIG."""
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)

    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    tell(subprocess.run(words, env=env, preexec_fn=end_with_parent, **output).stdout)


def command(installed):
    return [sys.executable, __file__]


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
