"""HumanLayer's SDK for Node: `humanlayer_npm.mjs` makes the call."""

from pathlib import Path

NAME = "HumanLayer npm 0.7.5"
NPM = ("humanlayer@0.7.5",)
# It reports no outcome. One poll that fails ends its wait: the same call, made again, finds its answer.
CANNOT = {"edited": "the SDK runs its own input", "outcome recorded": "the SDK reports none"}
LOSES_THE_WAIT = True


def command(installed):
    return ["node", str(Path(__file__).with_suffix(".mjs")), str(installed)]
