"""What became of a verification, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.terminal.output import console_for_output, print_line
from pipeline.terminal.wording import one_line, size_text
from publishing.inspection.lists import Finding

if TYPE_CHECKING:
    from pipeline.verify.files import Fetched
    from pipeline.verify.unit import Examined


@dataclass
class Outcome:
    """All about one place."""

    place: str
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    """Of the files that are there, by path: what they are, not what they should be."""
    bytes: int = 0
    models: int = 0
    """Those that were looked into."""
    ran: int = 0
    """Those whose test data was run, and came out right."""
    runtimes: dict[str, str] = field(default_factory=dict)
    """The versions of the runtimes that computed it."""
    signature_holds: bool = False
    unchecked: list[Finding] = field(default_factory=list)
    """What should have been checked, and could not be: nothing is known to be wrong with it."""
    digests_only: bool = False
    """Whether nothing else was asked for."""

    @property
    def good(self) -> bool:
        """Whether all that was asked for was checked, and is right."""
        return not self.findings and not self.unchecked

    def count(self, path: str, fetched: Fetched) -> None:
        """Take in a file that was read."""
        if fetched.sha256:
            self.digests[path] = fetched.sha256
        self.bytes += fetched.bytes
        if fetched.wrong:
            self.findings.append(Finding(path, fetched.wrong))

    def take(self, examined: Examined) -> None:
        """Take in a unit that was looked into."""
        self.models += 1
        self.ran += bool(examined.runtimes)
        self.findings += examined.findings
        self.unchecked += examined.unchecked
        self.notes += examined.notes
        self.runtimes |= examined.runtimes


def print_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Print each place: what was looked at, what else there is to know, and every finding in a line."""
    console = console_for_output()
    for outcome in outcomes:
        for line in _lines(outcome):
            print_line(console, one_line(line))


def _lines(outcome: Outcome) -> list[str]:
    files, models = _counted(len(outcome.digests), "file"), _counted(outcome.models, "model")
    lines = [f"{outcome.place}: {files}, {size_text(outcome.bytes)}, {models} looked into"]
    if outcome.ran:
        names = sorted(outcome.runtimes)
        versions = ", ".join(f"{name} {outcome.runtimes[name].split(',')[0]}" for name in names)
        lines.append(f"  the test data of {_counted(outcome.ran, 'model')} came out right in {versions}")
    if outcome.signature_holds:
        lines.append("  the signature holds")
    lines += [f"  note: {note}" for note in outcome.notes]
    findings = dict.fromkeys((*outcome.findings, *outcome.unchecked))
    lines += map(str, sorted(findings, key=lambda finding: finding.path))
    lines.append(_summary(outcome))
    return lines


def _summary(outcome: Outcome) -> str:
    wrong = {finding.path for finding in outcome.findings}
    unchecked = {finding.path for finding in outcome.unchecked} - wrong
    not_verified = f"{_counted(len(unchecked), 'file')} not verified"
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        summary = f"{_counted(len(wrong), 'file')} {verb} not as published"
        return f"{summary}, {not_verified}." if unchecked else f"{summary}."
    if unchecked:
        return f"Nothing is known to be wrong, but not all was checked: {not_verified}."
    return "All digests are right; no model was looked into." if outcome.digests_only else "All is well."


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
