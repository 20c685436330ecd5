"""The recipe for Vercel's AI SDK: `ai_sdk` has the model that calls one tool, and runs it."""

import sys

NAME = "recipe AI SDK 7.0.173"
NPM = ("ai@7.0.173", "zod@4.6.7", "tsx@4.23.15")


def main() -> None:
    from documents import recipe_in_typescript, run_typescript
    from harness import Call

    call = Call.from_argv()
    recipe_in_typescript("Vercel's AI SDK", "ai_sdk", call)
    run_typescript("main.ts", call)


def command(installed):
    return [sys.executable, __file__]


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
