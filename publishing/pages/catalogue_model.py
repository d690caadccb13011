"""One model of the catalogue: all its files, of every opset and precision, under one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from publishing.benchmarks import Benchmark, best_latency
from publishing.pages import prose
from publishing.pages.accuracies import first_measured
from publishing.pages.card_groups import precision
from publishing.pages.formatting import natural
from publishing.pages.snippet import runtime_of
from publishing.pages.verdicts import worst_error_of
from publishing.record import Record

FULL_PRECISION = "fp32"


@dataclass(frozen=True)
class Model:
    """The records of one model, by precision and then by opset; full precision comes first."""

    records: tuple[Record, ...]
    benchmarks: Mapping[str, Benchmark] = field(default_factory=dict)
    """The measured times of those that have some, by the names of the units."""

    @property
    def name(self) -> str:
        return self.records[0].model

    @property
    def source(self) -> str:
        return self.records[0].source

    @property
    def family(self) -> str:
        return self.records[0].family

    @property
    def path(self) -> str:
        """The place of its page, from the publish folder."""
        return f"{self.source}/{self.family}/{self.name}.html"

    @cached_property
    def main(self) -> Record:
        """The file that stands for the others: full precision where there is one, of the newest opset."""
        return next(iter(self.precisions.values()))[-1]

    @cached_property
    def opsets(self) -> tuple[int, ...]:
        return tuple(sorted({record.opset for record in self.records}))

    @cached_property
    def precisions(self) -> Mapping[str, tuple[Record, ...]]:
        """The records by their precision."""
        grouped: dict[str, list[Record]] = {}
        for record in self.records:
            grouped.setdefault(precision_of(record), []).append(record)
        return {name: tuple(records) for name, records in grouped.items()}

    @property
    def newest_first(self) -> list[Record]:
        """The records by precision, full precision first, and then from the newest opset down."""
        return [record for group in self.precisions.values() for record in reversed(group)]

    @property
    def sizes(self) -> list[int]:
        """The bytes of the model files."""
        return [record.files["onnx"].bytes for record in self.records]

    @cached_property
    def worst_error(self) -> float | None:
        """The largest relative error of any full precision file in a runtime that agrees."""
        errors = [worst_error_of(record) for record in self.precisions[precision_of(self.main)]]
        return max((error for error in errors if error is not None), default=None)

    @property
    def dissents(self) -> list[Record]:
        """The files that a second opinion speaks against."""
        return [record for record in self.records if record.verdict["dissent"]]

    @property
    def random(self) -> bool:
        """Whether the weights were never trained, so that no accuracy belongs to them."""
        return prose.is_random(self.main)

    @property
    def of_file(self) -> bool:
        """Whether it was made from an ONNX file of unknown origin."""
        return prose.is_of_file(self.main)

    @property
    def measured_top1(self) -> float | None:
        """The top-1 accuracy in percent that was measured of the file that stands for the others."""
        figure = first_measured(self.main)
        return None if figure is None else round(float(figure["top1"]["percent"]), 2)

    @property
    def reported_top1(self) -> float | None:
        """The top-1 accuracy in percent that the first document with one says of these weights."""
        if self.random:
            return None
        return next((percent for _, percent in prose.reported(self.main, "top1")), None)

    @property
    def top1(self) -> float | None:
        """The top-1 accuracy in percent that the index shows, draws and sorts by."""
        return self.reported_top1 if self.measured_top1 is None else self.measured_top1

    @property
    def top1_kind(self) -> str:
        """Whether that was measured here, or who says so."""
        return "reported" if self.measured_top1 is None else "measured"

    @property
    def main_bytes(self) -> int:
        """The size of the file that stands for the others."""
        return self.main.files["onnx"].bytes

    @property
    def multiply_adds(self) -> int | None:
        """Those of one picture, as counted in the file; None where they were not."""
        counted: int | None = (self.main.figures.get("multiply_adds") or {}).get("total")
        return counted

    @property
    def benchmark(self) -> Benchmark | None:
        """The times of the file that stands for the others."""
        return self.benchmarks.get(self.main.name)

    @cached_property
    def latency(self) -> tuple[str, float] | None:
        """The fastest runtime for one picture, and its median in seconds."""
        return best_latency(self.benchmark) if self.benchmark else None


def models_of(records: Iterable[Record], benchmarks: Iterable[Benchmark] = ()) -> list[Model]:
    """Group records into models: by family, so that what is alike stands together, then name and source."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.source, record.family, record.model), []).append(record)
    times = {benchmark.name: benchmark for benchmark in benchmarks}
    models = [
        Model(
            tuple(sorted(group, key=_order)),
            {record.name: times[record.name] for record in group if record.name in times},
        )
        for group in groups.values()
    ]
    return sorted(models, key=lambda model: (natural(model.family), natural(model.name), model.path))


def precision_of(record: Record) -> str:
    """The precision of a file: what stands behind the opset in its name, or ``fp32``."""
    return precision(record) or FULL_PRECISION


def for_snippet(records: Sequence[Record]) -> Record:
    """Choose the file to show how to use: the newest that ONNX Runtime runs, or else the newest."""
    newest_first = sorted(records, key=lambda record: -record.opset)
    runnable = (record for record in newest_first if runtime_of(record) == "onnxruntime")
    return next(runnable, newest_first[0])


@dataclass(frozen=True)
class Answer:
    """The most probable classes of one picture, best first, and who says so."""

    who: str
    detail: str
    classes: Sequence[Mapping[str, Any]]


def answers(model: Model) -> list[tuple[Mapping[str, Any], list[Answer]]]:
    """What the model says about each sample picture: the source first, then a file of each precision.

    A file is asked in the first runtime, judges first, that has an answer.
    """
    newest = [group[-1] for group in model.precisions.values()]
    shown = []
    for index, picture in enumerate(model.main.predictions):
        picture_answers = [Answer("The source", model.main.framework, picture["source"])]
        for record in newest:
            runtime = _answering_runtime(record, index)
            if runtime:
                detail = f"{precision_of(record)}, in {prose.runtime_title(runtime)}"
                picture_answers.append(
                    Answer(f"ONNX, opset {record.opset}", detail, record.predictions[index][runtime])
                )
        shown.append((picture, picture_answers))
    return shown


def _answering_runtime(record: Record, index: int) -> str | None:
    if index >= len(record.predictions):
        return None
    runtimes = record.verdict["runtimes"]
    names = [name for name in record.predictions[index] if name in runtimes]
    return min(names, key=lambda name: (not runtimes[name]["judge"], name), default=None)


def _order(record: Record) -> tuple[bool, str, int]:
    return precision(record) != "", precision(record), record.opset
