"""Tries the clients that are named, or all of them, against a binary, and prints a table; `scripts/clients` calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness import COLUMNS, HERE, Client, check, row


def main() -> int:
    binary, *names = sys.argv[1:]
    files = sorted(path for path in HERE.glob("*.py") if path.stem not in ("documents", "harness", "run"))
    unknown = set(names) - {path.stem for path in files}
    if unknown:
        print(f"there is no client {', '.join(sorted(unknown))}: there are {', '.join(path.stem for path in files)}")
        return 2
    print(" | ".join(["client", *COLUMNS]), flush=True)
    problems = []
    for path in files:
        if names and path.stem not in names:
            continue
        client = Client.read(path)
        try:
            client.installed()
        except (OSError, subprocess.SubprocessError) as error:
            print(f"{client.name} | left out: its packages could not be installed", flush=True)
            problems.append(f"{client.name}: {error}")
            continue
        binary = str(Path(binary).resolve())
        if client.is_check:
            said, why = check(client, binary)
            cells, why = [said], [why] if why else []
        else:
            cells, why = row(client, binary)
        print(" | ".join([client.name, *cells]), flush=True)
        problems += why
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
