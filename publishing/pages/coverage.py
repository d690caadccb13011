"""The page of a coverage: which models come down to which opset, and why the others do not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from publishing.coverage import FILE_STAGES, ONNX_FILES, STAGES, Row, by_source, stages_of
from publishing.coverage_notes import Note
from publishing.pages.catalogue import render
from publishing.pages.formatting import natural

SHOWN = 15
"""Of the slowest and the largest."""


@dataclass(frozen=True)
class Share:
    """How many of some rows are right."""

    right: int
    of: int

    @property
    def ratio(self) -> float:
        return self.right / self.of

    @property
    def level(self) -> str:
        """A word for the style of a cell."""
        return "all" if self.right == self.of else "none" if not self.right else "some"


@dataclass(frozen=True)
class Failure:
    """Models that ended at one stage for one cause, with what was said of each."""

    stage: str
    cause: str
    models: Mapping[str, Sequence[tuple[Sequence[int], str]]]
    """Opsets and reason, for each reason that there is, by model."""


def coverage_page(rows: Sequence[Row], assets: str, notes: Mapping[str, Note]) -> bytes:
    """The page in UTF-8, with ``notes`` on models that failed, by their names.

    ``assets`` is where the catalogue's style lies, relative to it.
    """
    opsets = sorted({row.opset for row in rows})
    sources = by_source(rows)
    files = sources.get(ONNX_FILES, [])
    frameworks = [source for source in sources if source != ONNX_FILES]
    return render(
        "coverage.html",
        {
            "assets": assets,
            "models": len({row.model for row in rows} - {row.model for row in files}),
            "frameworks": frameworks,
            "files": _by_model(files),
            "sources": list(sources),
            "opsets": opsets,
            "versions": _versions(rows),
            "shares": {source: _by_opset(some, opsets) for source, some in sources.items()},
            "whole": _by_opset(rows, opsets),
            "funnel": {source: _funnel(some) for source, some in sources.items()},
            "ways": [
                (stages, some)
                for stages, some in ((STAGES, frameworks), (FILE_STAGES, [ONNX_FILES] if files else []))
                if some
            ],
            "failures": _failures(rows),
            "notes": notes,
            "families": _families(rows, opsets),
            "slowest": _most(rows, lambda row: sum(row.seconds.values())),
            "largest": _most(rows, lambda row: max(row.peak_memory.values(), default=0)),
        },
    )


def _share(rows: Iterable[Row]) -> Share:
    goods = [row.good for row in rows]
    return Share(sum(goods), len(goods))


def _by_opset(rows: Sequence[Row], opsets: Sequence[int]) -> dict[int, Share | None]:
    """The share of right ones at each opset; None where there is no row."""
    shares = {opset: _share(row for row in rows if row.opset == opset) for opset in opsets}
    return {opset: share if share.of else None for opset, share in shares.items()}


def _funnel(rows: Sequence[Row]) -> dict[str, Share]:
    """How many rows, of one source, got as far as each stage, that is, did not end before it."""
    at = [stages_of(row.source).index(row.stage) for row in rows]
    stages = stages_of(rows[0].source)
    reached = {stage: sum(end >= number for end in at) for number, stage in enumerate(stages)}
    return {stage: Share(count, len(rows)) for stage, count in reached.items()}


def _failures(rows: Iterable[Row]) -> list[Failure]:
    """What failed, the most frequent first."""
    groups: defaultdict[tuple[str, str], defaultdict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if not row.good:
            groups[row.stage, row.cause][row.model].append(row)
    failures = [
        Failure(
            stage,
            cause,
            {
                model: _by_reason(failed)
                for model, failed in sorted(models.items(), key=lambda item: natural(item[0]))
            },
        )
        for (stage, cause), models in groups.items()
    ]
    return sorted(failures, key=lambda failure: (-len(failure.models), failure.stage, failure.cause))


def _by_reason(failed: Sequence[Row]) -> list[tuple[Sequence[int], str]]:
    """The opsets of each reason, the highest first: what is in the way there is so further down as well."""
    reasons: defaultdict[str, list[int]] = defaultdict(list)
    for row in sorted(failed, key=lambda row: -row.opset):
        reasons[row.reason].append(row.opset)
    return [(sorted(opsets), reason) for reason, opsets in reasons.items()]


def _by_model(rows: Iterable[Row]) -> dict[str, dict[int, Row]]:
    """The row of each model at each opset."""
    models: defaultdict[str, dict[int, Row]] = defaultdict(dict)
    for row in rows:
        models[row.model][row.opset] = row
    return {model: models[model] for model in sorted(models, key=natural)}


def _families(rows: Sequence[Row], opsets: Sequence[int]) -> dict[str, dict[int, Share | None]]:
    """The shares of each family of each source."""
    families: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        families[f"{row.source}/{row.family}"].append(row)
    return {name: _by_opset(families[name], opsets) for name in sorted(families, key=natural)}


def _most(rows: Sequence[Row], cost: Callable[[Row], float]) -> list[tuple[Row, float]]:
    """The models that cost the most, each once, with what it cost."""
    best: dict[str, tuple[Row, float]] = {}
    for row in rows:
        if row.model not in best or cost(row) > best[row.model][1]:
            best[row.model] = row, cost(row)
    ranked = sorted(best.values(), key=lambda pair: (-pair[1], pair[0].model))
    return ranked[:SHOWN]


def _versions(rows: Iterable[Row]) -> dict[str, str]:
    """Each package with the versions that there were."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name, version in row.versions.items():
            found[name].add(version)
    return {name: ", ".join(sorted(versions, key=natural)) for name, versions in sorted(found.items())}
