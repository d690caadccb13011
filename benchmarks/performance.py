"""Measures, and writes what was found to docs/performance.md.

``python -m benchmarks.performance [BENCHMARK...]``: all, or those that are named; what the page says of the
others stays. Each has its own needs, which its module tells. Exit code 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.promises import Figure
from pipeline.system.processor import processor

BENCHMARKS = ("ten_opsets", "small_models", "many_artifacts", "archives_of_a_model")
DOCUMENT = Path(__file__).parents[1] / "docs/performance.md"
HEAD = """\
# How fast it is

Every section is written by `python -m benchmarks.performance` and says when and where it was measured. What
is promised are ratios of figures of one run, or seconds on two quiet cores. What a user waits for depends on
the machine; CPU seconds do so less than others.
"""


def section(name: str) -> tuple[str, bool]:
    """What a benchmark found, in Markdown, and whether all its promises are kept."""
    module = importlib.import_module(f"benchmarks.{name}")
    figures: list[Figure] = module.measure()
    title = str(module.__doc__).split("\n", maxsplit=1)[0].rstrip(".")
    when = datetime.datetime.now(datetime.UTC).date()
    machine = f"{processor()[0]}, {os.cpu_count()} cores"
    rows = [f"| {each.what} | {each.value:.3g} {each.unit} | {each.promise} |" for each in figures]
    head = [f"## {title}", "", f"`python -m benchmarks.{name}`, {when}, {machine}.", ""]
    table = ["| | measured | promised |", "|---|---:|---:|", *rows, ""]
    return "\n".join([*head, *table]), all(each.kept for each in figures)


def sections() -> dict[str, str]:
    """The sections that the page has, by the names of their benchmarks."""
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    parts = [f"## {part}" for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]]
    return {name: part for name in BENCHMARKS for part in parts if f"-m benchmarks.{name}`" in part}


def main(names: Sequence[str]) -> bool:
    """Measure, and write the page after each benchmark; whether all promises are kept."""
    kept = True
    for name in names:
        text, good = section(name)
        kept = kept and good
        print(text, flush=True)
        found = sections() | {name: text}
        parts = [found[each].rstrip() for each in BENCHMARKS if each in found]
        DOCUMENT.write_text("\n\n".join([HEAD.rstrip(), *parts]) + "\n", encoding="utf-8")
    return kept


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.performance", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="BENCHMARK")
    raise SystemExit(not main(parser.parse_args().names or BENCHMARKS))
