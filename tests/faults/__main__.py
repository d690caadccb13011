"""Disturbs a real run again and again, and writes docs/reliability.md.

``python -m tests.faults [--kills N] [--tries N] [--seed N] [--only FAULT]`` needs the ``test`` extra, the
environment of torchvision, the package index, Debian's faketime and the right to mount a file system. With
the numbers that it has by itself it takes more than two hours. With ``--only`` and the name of a fault,
nothing is written. Exit code 1 where something was not as it has to be.
"""

from __future__ import annotations

import argparse
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


def main() -> None:
    """Try every fault, and write what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(FAULTS))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        wanted = undisturbed(Job(Path(place), TORCHVISION))
    rows = {
        name: tried(name, asked.kills if name == "SIGKILL" else asked.tries, asked.seed, wanted)
        for name in ([asked.only] if asked.only else FAULTS)
    }
    if not asked.only:
        units = sum(path.endswith(".record.json") for path in wanted.zoo)
        lines = [f"| {name} | {row} |" for name, row in rows.items()]
        head = HEAD.format(units=units, seconds=wanted.seconds, longest=END_SECONDS)
        DOCUMENT.write_text(head + "\n".join([*lines, ""]), encoding="utf-8")
    raise SystemExit(any(row.wrong for row in rows.values()))


if __name__ == "__main__":
    main()
