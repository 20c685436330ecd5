"""What `countersign connect python` prints, called as a library."""

import sys

NAME = "connect python"


def main() -> None:
    from documents import folder_of, printed, publish_of
    from harness import Call, tell

    call = Call.from_argv()
    folder = folder_of(call)
    (folder / "ask.py").write_text(printed("python", call), encoding="utf-8")
    sys.path.insert(0, str(folder))
    import ask

    try:
        ask.answer(call.call_id, "publish", call.input)
        with ask.claimed(call.call_id) as approved:
            tell(publish_of(call)(**approved))
    except (PermissionError, ConnectionError) as no:
        tell(no)


def command(installed):
    return [sys.executable, __file__]


if __name__ == "__main__":
    main() if "--call" in sys.argv else None
