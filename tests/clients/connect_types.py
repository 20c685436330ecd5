"""What `countersign connect typescript` prints, and the recipe that uses it, for TypeScript's own compiler; then it is run as printed."""

import sys

NAME = "connect typescript, types"
NPM = ("ai@7.0.173", "zod@4.6.7", "tsx@4.23.15", "typescript@7.0.2", "@types/node@22.19.1")
CHECK = True


def main() -> None:
    import json
    import subprocess
    import tempfile
    import threading

    from documents import recipe_in_typescript
    from harness import Call, Rest, tell

    stand = json.loads(sys.argv[sys.argv.index("--check") + 1])
    with tempfile.TemporaryDirectory() as folder:
        paths = {"binary": stand["binary"], "installed": stand["installed"]}
        call = Call(stand["url"], stand["agent"], "1", f"{folder}/made", {}, **paths)
        program = recipe_in_typescript("Vercel's AI SDK", "ai_sdk", call)
        tools = program / "node_modules" / ".bin"
        options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--allowImportingTsExtensions"]
        options += ["--skipLibCheck", "--types", "node", "--typeRoots", "node_modules/@types"]
        read = [tools / "tsc", *options, "ask.ts", "recipe.ts", "main.ts"]
        done = subprocess.run(read, cwd=program, text=True, stdout=subprocess.PIPE)
        assert done.returncode == 0, done.stdout
        person = Rest(stand["url"], stand["person"])
        threading.Thread(target=lambda: person.decide(person.pending("world"), "allow")).start()
        said = subprocess.run([tools / "tsx", "ask.ts"], cwd=program, text=True, check=True, stdout=subprocess.PIPE).stdout
        assert said == "hello, world\n", said
    tell("the compiler finds nothing, and the program greets")


def command(installed):
    return [sys.executable, __file__]


if __name__ == "__main__":
    main() if "--check" in sys.argv else None
