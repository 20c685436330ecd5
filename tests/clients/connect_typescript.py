"""What `countersign connect typescript` prints, called as a library."""

import sys

NAME = "connect typescript"
NPM = ("tsx@4.23.15",)

PROGRAM = """
import { appendFileSync } from "node:fs";
import { answer, claimed } from "./ask.ts";

const call = JSON.parse(process.argv[process.argv.indexOf("--call") + 1]);
let text;
try {
  await answer(call.call_id, "publish", call.input);
  text = await claimed(call.call_id, ({ line }) => {
    appendFileSync(call.made, `${line}\\n`);
    return `made ${line}`;
  });
} catch (error) {
  text = String(error);
}
console.log(JSON.stringify({ text }));
"""


def main() -> None:
    from documents import folder_of, printed, run_typescript
    from harness import Call

    call = Call.from_argv()
    folder = folder_of(call)
    (folder / "ask.ts").write_text(printed("typescript", call), encoding="utf-8")
    (folder / "main.ts").write_text(PROGRAM, encoding="utf-8")
    run_typescript("main.ts", call)


def command(installed):
    return [sys.executable, __file__]


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
