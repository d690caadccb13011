"""Accuracies that were measured, noted in the records of published units.

A figure is of the unit's file in one runtime, on one data set. It is no part of what made the file, so the
key of the unit does not depend on it; where the same bytes are published again, it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from publishing.announcement import withhold
from publishing.errors import PublishError
from publishing.record import Record, to_json
from publishing.stores.interface import Content, content_of
from publishing.zoo import Zoo


def note_accuracies(zoo: Zoo, measured: Mapping[str, Mapping[str, Any]]) -> None:
    """Write a figure into the record of each unit of ``measured``, by name; announce the zoo afterwards.

    Of a runtime's figures on a data set the last one counts. Raises PublishError: a unit is not published,
    or the store cannot be written.
    """
    published = zoo.list_again().units
    contents: dict[str, Content] = {}
    for name, figure in measured.items():
        if name not in published:
            raise PublishError(f"{name} is not published in {zoo.store.place} any more; publish it again")
        record = published[name].record
        noted = replace(record, accuracy=with_figure(record.accuracy, figure))
        content = content_of(to_json(noted).encode())
        if content.sha256 != published[name].sha256:
            contents[published[name].path] = content
    if contents:
        withhold(zoo, contents)
        zoo.store.commit(contents)
        zoo.written.update({path: content.sha256 for path, content in contents.items()})


def with_figure(figures: Sequence[Mapping[str, Any]], figure: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """``figures`` with another one, in an order that does not depend on when they were measured."""
    kept = [other for other in figures if _of(other) != _of(figure)]
    return sorted([*kept, figure], key=_of)


def _of(figure: Mapping[str, Any]) -> tuple[str, str, str]:
    """What a figure is of."""
    data_set = figure["data_set"]
    return str(data_set["name"]), str(data_set["sha256"]), str(figure["runtime"])


def kept_accuracies(older: Record | None, model_sha256: str) -> list[Mapping[str, Any]]:
    """The figures of an older publication that hold for a model file with this digest."""
    if older is None or older.files["onnx"].sha256 != model_sha256:
        return []
    return list(older.accuracy)
