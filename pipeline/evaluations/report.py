"""What an evaluation found, as a record has it and as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evaluation.accuracy import NO_CLASS, Accuracy, accuracy
from pipeline.evaluations.strides import Measurement
from pipeline.evaluations.targets import Target
from pipeline.terminal.output import console_for_output, print_line
from pipeline.terminal.text_tables import Column, Table, print_table
from pipeline.terminal.wording import one_line
from publishing.pages.accuracies import figure_of, remarks_on

_COLUMNS = (
    Column("file", numbers=False),
    Column("runtime", numbers=False),
    Column("top-1"),
    Column("top-5"),
)


@dataclass(frozen=True)
class Evaluated:
    """What was found out about one file."""

    target: Target
    broken: tuple[str, ...]
    """What is wrong with pictures that could not be read."""
    figure: Mapping[str, Any] | None = None
    """The form of a record; None where it failed."""
    reason: str = ""
    differing: tuple[str, ...] = ()
    """The pictures for which the source has another most probable class, a line each."""

    @property
    def good(self) -> bool:
        """Whether it ran, and every picture could be read."""
        return self.figure is not None and not self.broken


def evaluated(target: Target, measurement: Measurement, data_set: str, source: str | None) -> Evaluated:
    """What a measurement says of one target; ``source`` is the participant that it is held against."""
    measured = measurement.measured[target.name]
    found = Evaluated(target, measurement.broken)
    if measured.ranked is None:
        return replace(found, reason=measured.reason)
    figure = {
        "data_set": {"name": data_set, "pictures": len(measurement.pictures), "sha256": measurement.sha256},
        "runtime": target.runtime,
        "version": measured.version,
        **accuracy(measured.ranked).to_dict(),
    }
    if source is None:
        return replace(found, figure=figure)
    theirs = measurement.measured[source]
    if theirs.ranked is None:
        return replace(found, reason=f"the source failed: {theirs.reason}")
    pairs = zip(measurement.pictures, measured.ranked.predicted, theirs.ranked.predicted, strict=True)
    differing = [(picture, int(ours), int(other)) for picture, ours, other in pairs if ours != other]
    lines = tuple(
        f"{picture.name}: {_class(ours)} here, {_class(other)} in the source, labelled {picture.label}"
        for picture, ours, other in differing
    )
    figure["source"] = _shares(accuracy(theirs.ranked)) | {
        "differing": [picture.name for picture, _, _ in differing]
    }
    return replace(found, figure=figure, differing=lines)


def _shares(figures: Accuracy) -> dict[str, Any]:
    return {"top1": figures.top1.to_dict(), "top5": figures.top5.to_dict()}


def _class(index: int) -> str:
    return "nothing finite" if index == NO_CLASS else f"class {index}"


def print_accuracy(name: str, figures: Accuracy) -> None:
    """The accuracy of outputs that somebody else computed."""
    figure = figures.to_dict() | {"data_set": {"pictures": figures.top1.of}}
    rows = [(name, "", figure_of(figure, "top1"), figure_of(figure, "top5"))]
    print_table(Table(_COLUMNS, tuple(rows)), console_for_output())


def print_evaluated(all_evaluated: Sequence[Evaluated]) -> None:
    """A table of all figures, then what is to be known of them."""
    console = console_for_output()
    rows = [
        (
            one.target.name,
            one.target.runtime,
            *(figure_of(one.figure, key) if one.figure else "failed" for key in ("top1", "top5")),
        )
        for one in all_evaluated
    ]
    print_table(Table(_COLUMNS, tuple(rows)), console)
    for line in dict.fromkeys(line for one in all_evaluated for line in one.broken):
        print_line(console, f"broken picture: {one_line(line)}")
    if any(one.broken for one in all_evaluated):
        print_line(console, "Figures of a data set with broken pictures are noted nowhere: replace them.")
    for one in all_evaluated:
        remarks = remarks_on(one.target.unit.record, one.figure) if one.target.unit and one.figure else []
        for line in [*([one.reason] if one.reason else []), *remarks]:
            print_line(console, f"\n{one_line(one.target.name)}: {one_line(line)}")
        for line in one.differing:
            print_line(console, f"  {one_line(line)}")
