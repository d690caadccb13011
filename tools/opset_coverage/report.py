"""Results as text: a summary for the console, and docs/opsets.md."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tools.opset_coverage.judging import RIGHT, WRONG, Result
from tools.opset_coverage.lowering import CONVERTER, OPSETS
from tools.opset_coverage.runtimes import RUNTIMES, versions

LONGEST_REASON = 220
Raised = Mapping[str, Sequence[Result]]
"""What came of the cases that are raised, by kind."""
UNKNOWN = "neither onnxruntime nor OpenVINO gets the test right as it came"

INTRODUCTION = """\
# How far onnx's own tests come down, and up

Made by `python -m tools.opset_coverage`; change what it is made from, then make it again.

The onnx package brings tests for every operator, with inputs and expected outputs. Those written for opset
13 and above are brought down here by `opsets.retarget`, and beside it by `onnx.version_converter`; the
result is checked, run, and compared with the test's expected outputs within the test's own tolerance.

- A test of a *single operator* is legal at a target if the operator exists there and the older form takes
  the types of its inputs and outputs; inputs that the older form does not have are passed over, because
  they were attributes. Only tests on tensors are counted.
- A *function body* is the same test with its operator spelled out in other operators. All those are tried
  whose operators are legal at opset 12; fewer are legal at the lower targets, where the rest is possible
  only because newer operators can be expressed by older ones.
- Inputs that say how an operator computes (axes, shapes, bounds; not data) are turned into constants first,
  as exporters write them.
- A result counts as *right* if `onnx.checker` passes it, if it keeps to what the texts of the older
  operators say on broadcasting and on negative axes (which neither the checker nor the runtimes look at),
  and if a runtime gives the expected numbers. From opset 7 on that is onnxruntime, else OpenVINO; below 7,
  where onnxruntime refuses, it is OpenVINO, else onnxruntime after `onnx.version_converter` raised the
  result to 9, or where that cannot, our own rules did; else OpenCV. onnx.reference is asked last, and not
  about forms that it is known to get wrong. Where integers are added up, exact arithmetic alone decides,
  because runtimes saturate on some processors; other quantised graphs have to be right in onnxruntime with
  its optimisations and without.

Of size and time tests hold what follows (`tests/opsets/test_size.py`, `test_inlining.py`,
`facts/test_constants.py`; `benchmarks/retarget_many_nodes.py` measures):

- *Size.* Constants that an older form cannot broadcast are copied by nodes, which multiply them with ones
  that the whole model shares, not written out. What is folded may add a 32nd to the constants of the model,
  or 32 KiB of floats and 512 KiB of integers and bools to a small one.
- *Time.* Each node is looked at once for each opset, and what is constant is computed once at each; functions
  are inlined up to 100,000 nodes, and more are refused.
"""


def document(results: Sequence[Result], targets: Iterable[int], raised: Raised) -> str:
    """The text of docs/opsets.md; ``raised`` is what came of the cases that go up."""
    targets = sorted(targets, reverse=True)
    ours = [result for result in results if result.tool == OPSETS]
    parts = [
        INTRODUCTION,
        f"Versions: {versions()}.\n",
        "## Single operators\n",
        *single_table(results, targets),
        "\n## Function bodies\n",
        *body_table(results, targets),
        "\n## Which runtime decided\n",
        "Of the results that are right:\n",
        *judge_table(ours, targets),
        *dissent(ours),
    ]
    for target in targets:
        failures = [result for result in ours if result.target == target and result.outcome != RIGHT]
        parts += [f"\n## What fails at {target}\n", *failure_table(failures)]
    return with_rising("\n".join(parts) + "\n", raised)


def with_rising(text: str, raised: Raised) -> str:
    """The document ``text`` with another part on what goes up."""
    down = text.partition(RISING)[0].rstrip("\n")
    return "\n".join([down, RISING, *rising_tables(raised)]) + "\n"


RISING = """
## Brought up

The same tests, and others that come with the onnx package, go up too: single operators and function bodies of
any opset below 21, if every operator of theirs exists there; what PyTorch's first exporters wrote at
opset 6; and whole networks at opset 9 whose weights are of one number each. They are judged as above.
"""


def rising_tables(raised: Raised) -> list[str]:
    """A row for each kind and target, then what fails."""
    heads = ("tests", "target", "tried", "right", "share", "right by onnx.version_converter")
    rows, failures = [row(*heads), row("---", *["---:"] * (len(heads) - 1))], list[Result]()
    for kind, results in raised.items():
        for target in sorted({one.target for one in results}):
            ours, other = (counted(results, tool, target, expanded=False) for tool in (OPSETS, CONVERTER))
            rows.append(row(kind, target, ours.total(), ours[RIGHT], share(ours), other[RIGHT]))
        failures += [one for one in results if one.tool == OPSETS and one.outcome != RIGHT]
    for target in sorted({one.target for one in failures}):
        failing = [one for one in failures if one.target == target]
        rows += [f"\n### What fails at {target}\n", *failure_table(failing)]
    return rows


def rising_summary(raised: Raised) -> str:
    """The counts in plain text."""
    return "\n".join(line for line in rising_tables(raised) if line.startswith("|"))


def single_table(results: Sequence[Result], targets: Iterable[int]) -> list[str]:
    rows = [row("target", "legal", "right", "share", "right by onnx.version_converter"), row(*["---:"] * 5)]
    for target in targets:
        ours = counted(results, OPSETS, target, expanded=False)
        other = counted(results, CONVERTER, target, expanded=False)
        rows.append(row(target, ours.total(), ours[RIGHT], share(ours), other[RIGHT]))
    return rows


def body_table(results: Sequence[Result], targets: Iterable[int]) -> list[str]:
    heads = ("target", "tried", "right", "share", "of them legal", "right", "right by onnx.version_converter")
    rows = [row(*heads), row(*["---:"] * len(heads))]
    for target in targets:
        ours = counted(results, OPSETS, target, expanded=True)
        legal = counted([result for result in results if result.legal], OPSETS, target, expanded=True)
        other = counted(results, CONVERTER, target, expanded=True)
        cells = (ours.total(), ours[RIGHT], share(ours), legal.total(), legal[RIGHT], other[RIGHT])
        rows.append(row(target, *cells))
    return rows


def counted(results: Iterable[Result], tool: str, target: int, *, expanded: bool) -> Counter[str]:
    """How often each outcome came out."""
    wanted = (tool, target, expanded)
    return Counter(one.outcome for one in results if (one.tool, one.target, one.expanded) == wanted)


def share(outcomes: Counter[str]) -> str:
    """The part that is right, rounded down, so that 95% is never less."""
    return f"{1000 * outcomes[RIGHT] // max(outcomes.total(), 1) / 10:.1f}%"


def judge_table(ours: Sequence[Result], targets: Iterable[int]) -> list[str]:
    rows = [row("target", *RUNTIMES), row(*["---:"] * (1 + len(RUNTIMES)))]
    for target in targets:
        deciding = Counter(one.judge for one in ours if one.outcome == RIGHT and one.target == target)
        rows.append(row(target, *(deciding[runtime] for runtime in RUNTIMES)))
    return rows


def dissent(ours: Iterable[Result]) -> list[str]:
    """The results that one runtime gets right and another does not."""
    places: dict[tuple[str, tuple[str, ...], str], list[int]] = defaultdict(list)
    for result in ours:
        if result.dissent:
            places[(result.case, result.dissent, result.judge)].append(result.target)
    if not places:
        return []
    rows = ["\nRuntimes that give other numbers where another gives the expected ones:\n"]
    rows += [row("test", "targets", "differs", "agrees"), row(*["---"] * 4)]
    for (case, differing, judge), targets in sorted(places.items()):
        numbers = ", ".join(map(str, sorted(targets, reverse=True)))
        rows.append(row(f"`{case}`", numbers, ", ".join(differing), judge))
    return rows


def failure_table(failures: Iterable[Result]) -> list[str]:
    """One row per operator, outcome and reason, with the tests that it stops."""
    rows = [row("operator", "tests", "outcome", "reason"), row(*["---"] * 4)]
    for (operator, outcome, reason), cases in grouped(failures):
        names = ", ".join(f"`{case}`" for case in cases)
        rows.append(row(operator, names, outcome, reason.replace("|", "\\|").replace("<", "&lt;")))
    return rows if len(rows) > 2 else ["Nothing."]


def grouped(failures: Iterable[Result]) -> list[tuple[tuple[str, str, str], list[str]]]:
    """The names of the failing tests by operator, outcome and reason, all in alphabetical order."""
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for result in failures:
        reason = shortened(result.reason)
        if not result.original_runs:
            # What is random in the test is so in the numbers too, which would be others each time.
            reasons = [] if result.outcome == WRONG else [reason]
            reason = "; ".join([*reasons, UNKNOWN])
        outcome = f"{result.outcome} ({result.judge})" if result.judge else result.outcome
        groups[(result.operator, outcome, reason)].append(result.case)
    return [(key, sorted(names)) for key, names in sorted(groups.items())]


def row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def shortened(reason: str) -> str:
    """A reason in one line, without nodes' names, places in files and what follows them."""
    text = re.sub(r" \(node '[^']*'\)", "", reason)
    text = re.sub(r"\S*/\S+\.(?:cpp|cc|h|hpp|py)\S*", "", text)
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 3].rstrip() + "..."


def summary(results: Sequence[Result], targets: Iterable[int]) -> str:
    """The counts in plain text, and the most frequent reasons of what is not right."""
    lines = []
    for target in targets:
        for expanded, kind in ((False, "single operators"), (True, "function bodies")):
            for tool in (OPSETS, CONVERTER):
                outcomes = counted(results, tool, target, expanded=expanded)
                if outcomes:
                    rest = ", ".join(f"{n} {name}" for name, n in sorted(outcomes.items()) if name != RIGHT)
                    right = f"{outcomes[RIGHT]} of {outcomes.total()} right ({share(outcomes)})"
                    lines.append(f"{target:2} {kind}, {tool}: {right}; {rest or 'nothing else'}")
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        if result.tool == OPSETS and result.outcome != RIGHT:
            reasons[f"{result.outcome}: {shortened(result.reason)}"][result.operator] += 1
    if reasons:
        lines.append("most frequent reasons:")
    for reason, operators in sorted(reasons.items(), key=lambda item: (-item[1].total(), item[0]))[:30]:
        lines.append(f"{operators.total():4}  {reason}")
    return "\n".join(lines)
