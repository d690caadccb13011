"""Disturbs a real run again and again, and writes docs/reliability.md.

``python -m tests.faults [--kills N] [--tries N] [--seed N] [FAULT...]``: all, or those that are named; what
the page says of the others stays. It needs the ``test`` extra, the environment of torchvision, the package
index, Debian's faketime and the right to mount a file system. With the numbers that it has by itself all of
them take more than two hours. Exit code 1 where something was not as it has to be.
"""

from __future__ import annotations

import argparse
import logging
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.commands import ROOT
from tests.faults.faults import FAULTS, disturbed
from tests.faults.job import END_SECONDS, OF_TORCHVISION, Framework, Job, Undisturbed, undisturbed

TORCHVISION = Framework(OF_TORCHVISION)
DOCUMENT = ROOT / "docs/reliability.md"
HEAD = """\
# What breaks, and what is left of it

A run may be killed at any moment, and whatever it works with may break. The next run of the same file goes on
from what is there: what was published stays, what lies whole in the work folder is taken up, and everything
else is made again.

The table is written by `python -m tests.faults`. A real run of {units} units, of an ONNX file and of a
network of torchvision at three opsets each, is disturbed at a moment that a seed draws from its
{seconds:.0f} seconds, and the run after it goes to its end. It is right where

- its exit code is 0, and the zoo is the same to the byte as that of a run that nothing disturbed, which
  `verify` has found to be as it should;
- no unit that was published was published again, and no fixed inputs and no export that lay whole in the work
  folder were made again;
- no file, no folder and no process is left that would not be there after a run that nothing disturbed;
- what was disturbed itself ended without a traceback and, after a signal, within {longest:.0f} s.

| What happens | Times | Right | Longest from the signal to the end |
|---|---:|---:|---:|
"""


@dataclass
class Row:
    """What came of one fault."""

    tries: int = 0
    wrong: dict[int, list[str]] = field(default_factory=dict)
    """By the number of the try."""
    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        longest = f"{max(self.seconds):.1f} s" if self.seconds else ""
        return f"{self.tries} | {self.tries - len(self.wrong)} | {longest}"


def tried(name: str, tries: int, seed: int, wanted: Undisturbed) -> Row:
    """What comes of a fault, so many times, each with a generator of its own."""
    row = Row()
    for number in range(tries):
        with tempfile.TemporaryDirectory() as place:
            generator = random.Random(f"{seed} {name} {number}")  # noqa: S311 - no secret
            outcome, left = disturbed(name, Path(place), generator, wanted, TORCHVISION)
        wrong = outcome.wrong + left
        row.tries += 1
        row.seconds += [] if outcome.seconds is None else [outcome.seconds]
        if wrong:
            row.wrong[number] = wrong
            print(f"{name}, number {number} of seed {seed}:", *wrong, sep="\n  ", flush=True)
    print(f"{name}: {row}", flush=True)
    return row


def written() -> dict[str, str]:
    """The rows that the page has, by the names of their faults."""
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    lines = [line.removesuffix(" |") for line in text.splitlines() if line.startswith("| ")]
    rows = (line.removeprefix("| ").partition(" | ") for line in lines)
    return {name: row for name, _, row in rows if name in FAULTS}


def main() -> None:
    """Try faults, and write what came of each one as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("names", nargs="*", choices=[*FAULTS, []], metavar="FAULT")
    asked = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # each request to the S3 server, else
    with tempfile.TemporaryDirectory() as place:
        wanted = undisturbed(Job(Path(place), TORCHVISION))
    head = HEAD.format(units=wanted.units, seconds=wanted.seconds, longest=END_SECONDS)
    right = True
    for name in asked.names or FAULTS:
        row = tried(name, asked.kills if name == "SIGKILL" else asked.tries, asked.seed, wanted)
        right = right and not row.wrong
        rows = written() | {name: str(row)}
        lines = [f"| {each} | {rows[each]} |" for each in FAULTS if each in rows]
        DOCUMENT.write_text(head + "\n".join([*lines, ""]), encoding="utf-8")
    raise SystemExit(not right)


if __name__ == "__main__":
    main()
