"""Tries the clients that are named, or all of them, against a binary, and prints a table; `scripts/clients` calls it."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from faults import FAULTS, fault_cell
from harness import COLUMNS, Cell, Client, cell, check, row

# What `--short` tries, in some minutes.
SHORT = ("aap_", "claude_code", "codex", "humanlayer_")


def arguments(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/clients", description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("names", nargs="*", metavar="CLIENT", help="the file of a client, or what its name begins with")
    parser.add_argument("--short", action="store_true", help="Claude Code, Codex, AAP and HumanLayer")
    parser.add_argument("--faults", action="store_true", help="what runs without an answer where something goes wrong")
    parser.add_argument("--only", metavar="COLUMN", help="this column alone")
    parsed = parser.parse_intermixed_args()
    for name in parsed.names:
        if not any(known.startswith(name) for known in names):
            parser.error(f"there is no client {name}: there are {', '.join(names)}")
    columns = FAULTS if parsed.faults else COLUMNS
    if parsed.only and parsed.only not in columns:
        parser.error(f"there is no column {parsed.only}: there are {', '.join(columns)}")
    return parsed


def tried(client: Client, binary: str, columns: list[str], is_faults: bool) -> list[Cell]:
    if client.is_check:
        return [check(client, binary)]
    if is_faults:
        return list(row(columns, lambda name: fault_cell(client, binary, name)).values())
    return list(row(columns, lambda name: cell(client, binary, name, COLUMNS[name])).values())


def main() -> int:
    files = Client.files()
    asked = arguments([path.stem for path in files])
    chosen = [*asked.names, *(SHORT if asked.short else ())]
    columns = [name for name in (FAULTS if asked.faults else COLUMNS) if asked.only in (None, name)]
    binary = str(Path(asked.binary).resolve())
    print(" | ".join(["client", *columns]), flush=True)
    problems, notes = [], []
    for path in files:
        if chosen and not any(path.stem.startswith(name) for name in chosen):
            continue
        client = Client.read(path)
        if asked.faults and not client.takes_faults:
            continue
        if client.npm and not (shutil.which("npm") and shutil.which("node")):
            print(f"{client.name} | left out, for want of node and npm", flush=True)
            continue
        try:
            client.installed()
        except (OSError, subprocess.SubprocessError) as error:
            print(f"{client.name} | left out: its packages could not be installed", flush=True)
            if not asked.short:
                problems.append(f"{client.name}: {error}")
            continue
        cells = tried(client, binary, columns, asked.faults)
        print(" | ".join([client.name, *(cell.text for cell in cells)]), flush=True)
        problems += [cell.problem for cell in cells if cell.problem]
        if not client.is_check:
            notes += [f"{client.name}, {name}: {cell.note}" for name, cell in zip(columns, cells) if cell.note]
    for note in notes:
        print(note)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
