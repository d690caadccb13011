"""How files in lower precisions, simplified ones and those of a fixed batch were made, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from publishing.pages.card_groups import fixed_batch, precision
from publishing.pages.formatting import listed
from publishing.pages.prose import element_type
from publishing.record import Record

SIMPLIFIED = "sim"
FIXED_BATCH = "batch"
_FORMS = {
    "int8": "QLinearConv and QLinearMatMul, with a scale for each channel",
    "int8-qdq": "operators between DequantizeLinear and QuantizeLinear, with a scale for each tensor",
    "fp16": "weights and computation in float16",
}


def told_of(records: Iterable[Record]) -> list[tuple[str, str]]:
    """The files that are not the source's graph in float32, by their stems, and what there is to say."""
    return [(record.stem, _told(record)) for record in records if precision(record)]


def _told(record: Record) -> str:
    if precision(record).startswith(FIXED_BATCH):
        batch = fixed_batch(record)
        return (
            f"takes {'one picture' if batch == 1 else f'{batch} pictures'} at a time and no other number; "
            "what follows from that is computed beforehand, and the weights are those of the other files. It "
            "was compared with the source's own outputs for the same pictures"
        )
    if precision(record) == SIMPLIFIED:
        return (
            "constants and batch normalisations are folded, so its weights are not those of the source by "
            "construction; it was compared with the source's own outputs like every file"
        )
    reduction = record.reduction
    chosen, kept = reduction["chosen"], len(reduction["chosen"]["kept in float32"])
    how = [_FORMS.get(reduction["form"], str(reduction["form"]))]
    if reduction["form"] == "fp16":
        port = record.io_ports["inputs"][0]
        how.append(f"input and output in {element_type(port)}")
    if "calibration" in chosen:
        normalised = chosen.get("batch normalisation")
        how.append(
            f"calibrated ({chosen['calibration']}) on {reduction['calibration pictures']} pictures, weights "
            f"in {chosen['weights']}{f', batch normalisation {normalised}' if normalised else ''}"
        )
    how.append(
        f"{kept} node{'s' if kept != 1 else ''} left in float32" if kept else "no node left in float32"
    )
    tries = len(reduction["tries"])
    how.append(f"try {tries}" if tries > 1 else "the first try")
    return f"{'; '.join(how)}. {_measured(reduction)}. The test data's outputs are those of exact arithmetic"


def _measured(reduction: Mapping[str, Any]) -> str:
    gate, count = reduction["chosen"]["gate"], reduction["gate pictures"]
    exact = f"On {count} other pictures, beside the file in float32: {_figures(gate)} in exact arithmetic"
    runtimes = [
        f"{_figures(verdict)} in {name} {verdict['version']}"
        for name, verdict in reduction.get("runtimes", {}).items()
        if verdict["cosine"] is not None
    ]
    sums = "saturates when it" if reduction["saturates"] else "does not saturate when it"
    machine = f"{reduction['processor']}, which {sums} adds products of bytes up"
    return f"{listed([exact, *runtimes])} ({machine})"


def _figures(verdict: Mapping[str, Any]) -> str:
    figures = f"the same class on {100 * verdict['agreement']:.1f}%, mean cosine {verdict['cosine']:.4f}"
    if verdict["top1"] is None:
        return figures
    return f"top-1 {100 * verdict['top1']:.1f}% after {100 * verdict['reference_top1']:.1f}%, {figures}"
