"""Times one ONNX file in the runtimes of this machine, beside the framework that it came from."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import WorkerError
from pipeline.latency.measuring import Timed, measure
from pipeline.latency.processes import Origin, RuntimeProcess, Settings, SourceProcess
from pipeline.latency.processor import described
from pipeline.latency.turns import Participant
from pipeline.system.files import sha256_of_file
from pipeline.workers.runtimes import without_log
from publishing.addresses import without_secrets
from publishing.benchmarks import Benchmark
from publishing.foreign_text import in_one_line

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SOURCE = "source"
_SAME = 0.99
"""The least cosine between the outputs of two runtimes: the times of another computation say nothing."""


@dataclass(frozen=True)
class Subject:
    """A file to be timed.

    ``input_size`` are channels, height and width, and ``input_type`` is ``float32`` or ``float16``.
    """

    name: str
    file: Path
    input_size: tuple[int, int, int]
    input_type: str
    origin: Origin | None
    remark: str = ""
    """What is to be known of the origin, or why there is none."""
    largest: int | None = None
    """Of the pixels of a file that normalises them itself; the framework gets them normalised."""


def benchmark(subject: Subject, settings: Settings, folder: Path) -> Benchmark:
    """Time ``subject``; ``folder`` is empty, and for what the processes write. Raises Interrupted."""
    from latency.runtimes import RUNTIMES, available_runtimes

    processor = described()
    inputs, normalised = folder / "inputs.npz", folder / "normalised.npz"
    _write_inputs(inputs, subject.input_size, settings.batches, subject.largest)
    if subject.origin:
        _write_inputs(normalised, subject.input_size, settings.batches)
    names = available_runtimes()
    ending = threading.Event()
    with ExitStack() as stack:
        participants: dict[str, Participant] = {}
        if subject.origin:
            serve = SourceProcess(subject.origin, normalised, settings, folder / SOURCE, ending)
            participants[SOURCE] = stack.enter_context(Participant(folder / SOURCE, serve, ending))
        for name in names:
            runtime = RuntimeProcess(
                name, subject.file, subject.input_type, inputs, settings, folder / name, ending
            )
            participants[name] = stack.enter_context(Participant(folder / name, runtime, ending))
        timed = measure(participants, settings.batches, settings.rounds)
    for times in timed.values():
        _forget_places(times, subject.file, folder)
    _refuse_other_outputs({name: timed[name] for name in names}, folder)
    reference = timed.get(SOURCE)
    return Benchmark(
        name=subject.name,
        sha256=sha256_of_file(subject.file),
        bytes=subject.file.stat().st_size,
        threads=settings.threads,
        pinned=list(settings.processors),
        rounds=settings.rounds,
        processor=processor,
        runtimes={name: _told(RUNTIMES[name].title, timed[name], reference) for name in names},
        source=_source_told(subject, reference),
        remark=subject.remark,
    )


def _forget_places(timed: Timed, file: Path, folder: Path) -> None:
    """Leave this machine's folders out of what went wrong: it is published."""

    def plain(text: str) -> str:
        for place in (file.absolute(), file.resolve()):
            text = text.replace(str(place), file.name)
        return text.replace(f"{folder}/", "")

    timed.failure = plain(timed.failure)
    timed.reasons = {batch: plain(reason) for batch, reason in timed.reasons.items()}


def _source_told(subject: Subject, timed: Timed | None) -> dict[str, Any] | None:
    if subject.origin is None or timed is None:
        return None
    return _told(subject.origin.source.title, timed, timed)


def _told(title: str, timed: Timed, reference: Timed | None) -> dict[str, Any]:
    """What a benchmark says of one participant."""
    from latency.figures import ratio, summary

    batches = {}
    for batch, seconds in sorted(timed.seconds.items()):
        expected = reference.seconds.get(batch) if reference else None
        batches[str(batch)] = {
            **summary(seconds, batch),
            "peak_memory": timed.peak_memory[batch],
            "ratio": ratio(seconds, expected) if expected else None,
        }
    reasons = [timed.failure] if timed.failure else list(dict.fromkeys(timed.reasons.values()))
    reason = in_one_line(without_secrets(without_log("; ".join(reasons))))
    return {
        "title": title,
        "version": str(timed.result.get("version", "")),
        "reason": reason,
        "processors": timed.processors,
        "batches": batches,
    }


def _write_inputs(
    file: Path, size: tuple[int, int, int], batches: Sequence[int], largest: int | None = None
) -> None:
    """The smooth noise of the fixed inputs, which any network takes for pictures; to ``largest`` if given."""
    from evaluation.inputs import fixed_inputs, write_npz
    from evaluation.preprocessing import Preprocessing

    plain = Preprocessing(
        input_size=size,
        resize=min(size[1:]),
        crop_mode="center",
        interpolation="bilinear",
        mean=(0.5,) * size[0],
        std=(0.25,) * size[0],
        colour="RGB",
    )
    wanted = plain.unnormalised(largest) if largest else plain
    count = max(2, *batches)
    pictures = fixed_inputs(wanted, [], seed=0, batch=count)[f"noise-{count}"]
    write_npz(file, {str(batch): pictures[:batch] for batch in batches})


def _refuse_other_outputs(timed: Mapping[str, Timed], folder: Path) -> None:
    """Take the times of a runtime away that computes something else than the first one that ran."""
    import numpy as np

    first: tuple[str, npt.NDArray[np.float64]] | None = None
    for name, times in timed.items():
        if not times.seconds:
            continue
        with np.load(folder / name / "outputs.npz", allow_pickle=False) as archive:
            outputs = archive["outputs"].astype(np.float64).ravel()
        if first is None:
            first = name, outputs
        elif not _alike(first[1], outputs):
            times.seconds.clear()
            times.failure = f"it computes something else than {first[0]}, so its times say nothing"


def _alike(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> bool:
    import numpy as np

    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return False
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return bool(np.array_equal(one, other) or (lengths > 0 and float(one @ other) / lengths >= _SAME))


def refuse_none(result: Benchmark) -> None:
    """Raise WorkerError where no runtime of this machine runs the file."""
    if not any(measured["batches"] for measured in result.runtimes.values()):
        reasons = [f"{name}: {measured['reason']}" for name, measured in result.runtimes.items()]
        raise WorkerError(
            f"{result.name}: no runtime of this machine runs it:", *(f"  {line}" for line in reasons)
        )
