"""The page of a coverage: which models come down to which opset, and why the others do not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from publishing.coverage import STAGES, Row, by_source
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
    models: Mapping[str, tuple[Sequence[int], str]]
    """Opsets and reason, by model."""


def coverage_page(rows: Sequence[Row], assets: str = "assets/") -> bytes:
    """The page in UTF-8; ``assets`` is where the catalogue's style lies, relative to it."""
    opsets = sorted({row.opset for row in rows})
    sources = by_source(rows)
    return render(
        "coverage.html",
        {
            "assets": assets,
            "models": len({row.model for row in rows}),
            "sources": list(sources),
            "opsets": opsets,
            "versions": _versions(rows),
            "shares": {source: _by_opset(some, opsets) for source, some in sources.items()},
            "whole": _by_opset(rows, opsets),
            "funnel": {source: _funnel(some) for source, some in sources.items()},
            "stages": STAGES,
            "failures": _failures(rows),
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
    """How many rows got as far as each stage, that is, did not end before it."""
    at = [STAGES.index(row.stage) for row in rows]
    reached = {stage: sum(end >= number for end in at) for number, stage in enumerate(STAGES)}
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
                model: (sorted(row.opset for row in failed), failed[0].reason)
                for model, failed in sorted(models.items(), key=lambda item: natural(item[0]))
            },
        )
        for (stage, cause), models in groups.items()
    ]
    return sorted(failures, key=lambda failure: (-len(failure.models), failure.stage, failure.cause))


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
