"""The code that stands in the documents and that `countersign connect` prints, put into files to be run as it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import types
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Callable

from harness import HERE, Call

DOCUMENTS = HERE.parent.parent / "docs"


def block(document: str, heading: str, language: str) -> str:
    """The first block of this language below a heading of a document."""
    _, found, below = (DOCUMENTS / document).read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    assert found, f"{document} has no heading {heading}"
    _, found, rest = below.partition("\n## ")[0].partition(f"\n```{language}\n")
    assert found, f"{document} has no {language} below {heading}"
    return rest.partition("\n```\n")[0] + "\n"


def printed(client: str, call: Call) -> str:
    """What `countersign connect` prints for this server and token."""
    token = folder_of(call) / "token"
    token.write_text(call.token, encoding="utf-8")
    token.chmod(0o600)
    command = [call.binary, "connect", client, "--url", call.url, "--agent-token-file", str(token)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    env = {**kept, "COUNTERSIGN_CREDENTIALS_FILE": "none"}
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env).stdout


def folder_of(call: Call) -> Path:
    """A folder that is the same when the same call is made again."""
    folder = Path(f"{call.made}.{call.call_id}")
    folder.mkdir(exist_ok=True)
    return folder


def recipe(heading: str, call: Call, **app: Any) -> Path:
    """Makes the recipe below this heading the module `recipe`, with what it imports: `ask` as it is printed, and `app`.

    The folder that is returned is the program's own.
    """
    folder = folder_of(call)
    (folder / "ask.py").write_text(printed("python", call), encoding="utf-8")
    (folder / "recipe.py").write_text(block("guide/agents/recipes.md", heading, "py"), encoding="utf-8")
    sys.path.insert(0, str(folder))
    sys.modules["app"] = types.SimpleNamespace(publish=publish_of(call), **app)  # type: ignore[assignment]
    return folder


def publish_of(call: Call) -> Callable[..., str]:
    """The function of the program's own that the recipes call."""

    def publish(line: str) -> str:
        """Publishes a line."""
        return replace(call, input={"line": line}).run()

    return publish


def recipe_in_typescript(heading: str, app: str, call: Call) -> Path:
    """The same in TypeScript, where the files of the folder `app` are what the recipe imports and what runs it."""
    folder = folder_of(call)
    for file in (HERE / app).iterdir():
        shutil.copy(file, folder)
    (folder / "ask.ts").write_text(printed("typescript", call), encoding="utf-8")
    (folder / "recipe.ts").write_text(block("guide/agents/recipes.md", heading, "ts"), encoding="utf-8")
    prepare_node(folder, call)
    return folder


def prepare_node(folder: Path, call: Call) -> None:
    """Lets programs of the folder find the installed packages."""
    (folder / "package.json").write_text('{"type": "module"}\n', encoding="utf-8")
    modules = folder / "node_modules"
    if not modules.is_symlink():
        modules.symlink_to(Path(call.installed) / "node_modules")


def run_typescript(file: str, call: Call) -> None:
    """Becomes the program of this file in the folder of a call."""
    folder = folder_of(call)
    prepare_node(folder, call)
    node = ["node", "--import", "tsx", file, "--call", json.dumps(asdict(call))]
    os.chdir(folder)
    os.execvp(node[0], node)
