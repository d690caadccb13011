"""The command line: see ``python -m tools.opset_coverage --help``."""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path

import onnx

import opsets
from tools.opset_coverage.cases import HIGHEST, TARGETS, Case, default_opset, load_cases
from tools.opset_coverage.judging import RIGHT, Result, judge_all
from tools.opset_coverage.lowering import CONVERTER, OPSETS
from tools.opset_coverage.report import Raised, document, grouped, rising_summary, summary, with_rising
from tools.opset_coverage.rising_cases import RISING_TARGETS, rising_cases

DOCUMENT = Path(__file__).parents[2] / "docs" / "opsets.md"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.opset_coverage",
        description="Bring onnx's backend tests to other opsets, run them, and write docs/opsets.md. "
        "With --target, --only or --ours, print what fails and leave the document as it is.",
    )
    parser.add_argument("--target", type=int, action="append", help="only this opset (3 to 12; repeatable)")
    parser.add_argument(
        "--up", action="store_true", help="only what is raised; its part of the document is written"
    )
    parser.add_argument("--only", action="append", help="only cases or operators like this glob (repeatable)")
    parser.add_argument("--ours", action="store_true", help="leave onnx.version_converter out")
    parser.add_argument("--single", action="store_true", help="leave function bodies out")
    parser.add_argument("--show", action="store_true", help="also print the graphs before and after")
    parser.add_argument("--json", type=Path, help="also write every result to this file")
    parser.add_argument("--processes", type=int, default=2, help="how many cases at a time (default: 2)")
    return parser.parse_args()


def main() -> None:
    """Run what the command line asks for."""
    os.environ |= {"ORT_DISABLE_TELEMETRY": "1", "CI": "true"}  # runtimes tell nobody that they are asked
    wanted = arguments()
    if wanted.up:
        raised = judged_up(wanted.processes)
        print_failures([one for some in raised.values() for one in some])
        print(rising_summary(raised))
        DOCUMENT.write_text(with_rising(DOCUMENT.read_text(encoding="utf-8"), raised), encoding="utf-8")
        print(f"written: what goes up in docs/{DOCUMENT.name}")
        return
    targets = tuple(wanted.target or TARGETS)
    cases = [case for case in load_cases(targets, HIGHEST) if not (wanted.single and case.expanded)]
    if wanted.only:
        cases = [case for case in cases if is_wanted((case.name, case.operator), wanted.only)]
    if not cases:
        sys.exit("opset_coverage: no case is like that; give a glob such as 'test_softmax*' or 'Softmax'")
    if wanted.show:
        show(cases, targets)
    partial = bool(wanted.target or wanted.only or wanted.ours or wanted.single)
    tools = (OPSETS,) if wanted.ours or wanted.only else (OPSETS, CONVERTER)
    results = judge_all(cases, targets, tools, wanted.processes, lambda done: progress(done, len(cases)))
    if wanted.json:
        lines = [asdict(result) for result in results]
        wanted.json.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")
    print_failures(results)
    print(summary(results, targets))
    if not partial:
        raised = judged_up(wanted.processes)
        print(rising_summary(raised))
        DOCUMENT.write_text(document(results, targets, raised), encoding="utf-8")
        print(f"written: docs/{DOCUMENT.name}")


def judged_up(processes: int) -> Raised:
    """What comes of the cases that are raised, by kind."""

    def judged(cases: list[Case]) -> list[Result]:
        tools = (OPSETS, CONVERTER)
        return judge_all(cases, RISING_TARGETS, tools, processes, lambda done: progress(done, len(cases)))

    return {kind: judged(cases) for kind, cases in rising_cases().items()}


def is_wanted(names: tuple[str, str], globs: list[str]) -> bool:
    return any(fnmatch.fnmatch(name, glob) for name in names for glob in globs)


def progress(done: int, total: int) -> None:
    if sys.stderr.isatty() and (done % 10 == 0 or done == total):
        print(f"\r{done} of {total} cases", end="\n" if done == total else "", file=sys.stderr)


def print_failures(results: list[Result]) -> None:
    """What our own tool does not get right: one paragraph per target, operator and reason."""
    for target in sorted({result.target for result in results}, reverse=True):
        ours = [one for one in results if one.tool == OPSETS and one.target == target]
        failures = [one for one in ours if one.outcome != RIGHT]
        for (operator, outcome, reason), names in grouped(failures):
            print(f"{target:2} {operator} {outcome} ({len(names)}): {reason}")
            print(textwrap.fill(" ".join(names), 110, initial_indent="     ", subsequent_indent="     "))


def show(cases: list[Case], targets: tuple[int, ...]) -> None:
    """Print the graphs of ``cases`` as they come and as our own tool leaves them."""
    for case in cases:
        model = onnx.load_from_string(case.model)
        print(f"{case.name}, opset {default_opset(model)}:\n{onnx.printer.to_text(model.graph)}")
        for target in targets:
            try:
                text = onnx.printer.to_text(opsets.retarget(model, target).graph)
            except opsets.RetargetError as error:
                text = str(error)
            print(f"at {target}:\n{text}")


if __name__ == "__main__":
    main()
