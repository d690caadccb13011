"""What was measured of a file's accuracy, in words, and beside what documents report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from publishing.pages import prose
from publishing.pages.formatting import listed
from publishing.record import Record

LARGEST_DIFFERENCE = 0.5
"""Points of percent that a measured accuracy may be off from a reported one before it is pointed out."""

LIKELY_CAUSES = (
    "another resize (length of the shorter side, interpolation, Pillow or OpenCV), another crop, or another "
    "order of the colours"
)
KINDS = {"top1": "top-1", "top5": "top-5"}


def data_set_of(figure: Mapping[str, Any]) -> str:
    """Name the data set of a figure, with its size."""
    data_set = figure["data_set"]
    count = data_set["pictures"]
    return f"{data_set['name']} ({'one picture' if count == 1 else f'{count} pictures'})"


def figure_of(figure: Mapping[str, Any], key: str) -> str:
    """Say one of its accuracies: ``91.67 % (74.15 to 97.68), 22 of 24``."""
    share, count = figure[key], figure["data_set"]["pictures"]
    low, high = share["interval"]
    return f"{share['percent']:.2f}% ({low:.2f} to {high:.2f}), {share['right']} of {count}"


def first_measured(record: Record) -> Mapping[str, Any] | None:
    """Choose the figure that stands for a file: that on the most pictures."""
    return max(record.accuracy, key=lambda figure: int(figure["data_set"]["pictures"]), default=None)


def remarks_on(record: Record, figure: Mapping[str, Any]) -> list[str]:
    """Say what is to be known of a figure: how it differs from documents and the source, and what was odd."""
    remarks = [] if prose.is_random(record) else _differences(record, figure)
    source = figure.get("source")
    if source:
        remarks.append(
            f"{record.framework} itself on the same bits: top-1 {figure_of(figure | source, 'top1')}; top-5 "
            f"{figure_of(figure | source, 'top5')}; another most probable class on "
            f"{_pictures(len(source['differing']))}"
        )
    if figure["not_finite"]:
        remarks.append(f"the logits of {_pictures(figure['not_finite'])} are not finite: they count as wrong")
    if figure["tied"]:
        remarks.append(
            f"on {_pictures(figure['tied'])} the right class shares its logit with another: the lower index "
            "stands first"
        )
    return remarks


def remarks_of(records: Sequence[Record]) -> list[str]:
    """Say what is to be known of the figures of files, each thing once with the files that it is of."""
    about: dict[str, list[str]] = {}
    for record in records:
        for figure in record.accuracy:
            for remark in remarks_on(record, figure):
                about.setdefault(f"on {data_set_of(figure)}: {remark}", []).append(record.stem)
    return [f"{listed(list(dict.fromkeys(stems)))} {remark}" for remark, stems in about.items()]


def _differences(record: Record, figure: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, kind in KINDS.items():
        for document, reported in prose.reported(record, key):
            difference = figure[key]["percent"] - reported
            if abs(difference) <= LARGEST_DIFFERENCE:
                continue
            low, high = figure[key]["interval"]
            likely = (
                f"the interval of {_pictures(figure['data_set']['pictures'])} has the reported figure in it"
                if low <= reported <= high
                else f"likely causes, if the pictures are the document's: {LIKELY_CAUSES}"
            )
            lines.append(
                f"{kind} differs by {difference:+.2f} points from the {reported:g}% that {document} reports; "
                f"{likely}"
            )
    return lines


def _pictures(count: int) -> str:
    return "one picture" if count == 1 else f"{count} pictures"
