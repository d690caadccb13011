"""A data set stride by stride: pictures are prepared, everybody answers, and what is done stays done.

Of each stride the state folder keeps the pictures' digests, and of everybody who answered what counting
needs of the logits. A run that was killed goes on from there. Memory holds two strides at the most.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.accuracy import Ranked, joined, rank
from evaluation.datasets import Dataset, LabelledPicture
from evaluation.errors import EvaluationError
from evaluation.inputs import read_npz, write_npz
from evaluation.preprocessing import Array, Preprocessing
from pipeline.evaluations.pictures import PreparedPicture, Preparing, preparing
from pipeline.system.files import digest_of, read_note, whole_file, write_note

BATCH = 16
"""Pictures that go through a model at a time, where it takes any number."""
LARGEST_STRIDE = 256
_STRIDE_BYTES = 128 << 20


@dataclass(frozen=True)
class Participant:
    """Who answers: a file in a runtime, or a source framework."""

    name: str
    identity: str
    """What determines its logits, beside the pictures."""


@dataclass(frozen=True)
class Answer:
    """The logits for a stride, float32 (N, classes), or the reason why there are none."""

    logits: Array | None
    version: str = ""
    reason: str = ""


Ask = Callable[[Sequence[Participant], Path, Path], Mapping[str, Answer]]
"""Asks some for an answer to an .npz file of batches; the second path is an empty folder for whatever
it takes. The answer has everybody's name."""


@dataclass(frozen=True)
class Measured:
    """What one of them answered to all pictures that could be read, or why it failed."""

    ranked: Ranked | None
    version: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Measurement:
    """A data set as it was read, and what everybody answered."""

    pictures: tuple[LabelledPicture, ...]
    """Those that could be read."""
    sha256: str
    """Of the data set: of the digest, the label and the name of each picture."""
    broken: tuple[str, ...]
    """What is wrong with each picture that could not be read."""
    measured: Mapping[str, Measured]


@dataclass(frozen=True)
class Series:
    """A data set, prepared for models that want it alike."""

    dataset: Dataset
    preprocessing: Preprocessing
    batch: int | None
    """The number of pictures that the models take at a time; None where any will do."""
    state: Path
    """The folder that keeps what is done."""

    @property
    def stride(self) -> int:
        """How many pictures are at hand at a time; it depends on nothing but their size."""
        channels, height, width = self.preprocessing.input_size
        picture_bytes = 4 * channels * height * width
        return max(BATCH, min(LARGEST_STRIDE, _STRIDE_BYTES // picture_bytes // BATCH * BATCH))

    @property
    def strides(self) -> list[tuple[LabelledPicture, ...]]:
        pictures = self.dataset.pictures
        return [pictures[start : start + self.stride] for start in range(0, len(pictures), self.stride)]


def state_name(dataset: Dataset, preprocessing: Preprocessing, batch: int | None, code: str) -> str:
    """The name of a state folder: another one where a picture was touched, or is prepared otherwise."""
    pictures = []
    for picture in dataset.pictures:
        status = dataset.path(picture).stat()
        pictures.append([picture.name, picture.label, status.st_size, status.st_mtime_ns])
    place = str(dataset.folder.absolute())
    return digest_of([place, pictures, preprocessing.to_dict(), batch, BATCH, code])[:24]


def measure(
    series: Series, participants: Sequence[Participant], ask: Ask, tell: Callable[[int, bool], None]
) -> Measurement:
    """Ask ``participants`` about all pictures; ``tell`` gets how many are done, and whether they were before.

    One that fails is not asked again. Raises PipelineError, Interrupted, OSError.
    """
    state, strides = _State(series.state), series.strides
    failed: dict[str, Measured] = {}
    with preparing(series.dataset.folder, series.preprocessing, len(series.dataset.pictures)) as prepare:
        upcoming = _Upcoming(
            prepare, strides, [state.lacks(index, participants) for index in range(len(strides))]
        )
        for index, stride in enumerate(strides):
            asked = [one for one in participants if one.name not in failed]
            missing = [one for one in asked if not state.has(index, one)]
            if state.pictures(index) is None or missing:
                prepared = upcoming.take(index)
                arrays = state.keep_pictures(index, stride, prepared)
                if missing and arrays:
                    failed |= _ask(series, state, index, stride, arrays, missing, ask)
            tell(sum(map(len, strides[: index + 1])), not upcoming.wanted[index])
    return _measurement(series, state, participants, failed)


class _Upcoming:
    """The pictures of a stride, while those of the next one are being prepared."""

    def __init__(
        self, prepare: Preparing, strides: Sequence[Sequence[LabelledPicture]], wanted: Sequence[bool]
    ) -> None:
        self._prepare, self._strides, self.wanted = prepare, strides, wanted
        self._begun: dict[int, list[Future[PreparedPicture]]] = {}

    def _begin(self, index: int) -> list[Future[PreparedPicture]]:
        if index not in self._begun:
            self._begun[index] = self._prepare([picture.name for picture in self._strides[index]])
        return self._begun[index]

    def take(self, index: int) -> list[PreparedPicture]:
        """The pictures of a stride; the next one that is wanted is begun."""
        pictures = [future.result() for future in self._begin(index)]
        del self._begun[index]
        following = next((at for at in range(index + 1, len(self.wanted)) if self.wanted[at]), None)
        if following is not None:
            self._begin(following)
        return pictures


class _State:
    """The files of what is done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def pictures(self, index: int) -> dict[str, Any] | None:
        """The digests of a stride's pictures, and what is wrong with those that are broken, by name."""
        done: dict[str, Any] | None = read_note(self.folder / f"{index}.json")
        return done

    def keep_pictures(
        self, index: int, stride: Sequence[LabelledPicture], prepared: Sequence[PreparedPicture]
    ) -> list[Array]:
        """Note the pictures of a stride; those that could be read."""
        named = list(zip(stride, prepared, strict=True))
        broken = {picture.name: one.reason for picture, one in named if one.array is None}
        digests = {picture.name: one.sha256 for picture, one in named}
        write_note(self.folder / f"{index}.json", {"sha256": digests, "broken": broken})
        return [one.array for one in prepared if one.array is not None]

    def _file(self, index: int, participant: Participant) -> Path:
        return self.folder / f"{index}-{digest_of(participant.identity)[:24]}.npz"

    def has(self, index: int, participant: Participant) -> bool:
        return self.read(index, participant) is not None

    def lacks(self, index: int, participants: Sequence[Participant]) -> bool:
        """Whether a stride is still to be done by somebody."""
        return self.pictures(index) is None or not all(self.has(index, one) for one in participants)

    def keep(self, index: int, participant: Participant, ranked: Ranked, version: str) -> None:
        with whole_file(self._file(index, participant)) as part, part.open("wb") as stream:
            np.savez(
                stream,
                predicted=ranked.predicted,
                rank=ranked.rank,
                tied=ranked.tied,
                version=np.array(version),
            )

    def read(self, index: int, participant: Participant) -> tuple[Ranked, str] | None:
        """What was kept, and the runtime's version; None where there is nothing, or it is damaged."""
        try:
            done: Mapping[str, Any] = read_npz(self._file(index, participant))
            return Ranked(done["predicted"], done["rank"], done["tied"]), str(done["version"])
        except (EvaluationError, KeyError):
            return None


def _ask(
    series: Series,
    state: _State,
    index: int,
    stride: Sequence[LabelledPicture],
    arrays: Sequence[Array],
    missing: Sequence[Participant],
    ask: Ask,
) -> dict[str, Measured]:
    """Ask about one stride and keep the answers; those who failed."""
    broken = (state.pictures(index) or {})["broken"]
    labels = [picture.label for picture in stride if picture.name not in broken]
    folder = state.folder / "asked"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    inputs = folder / "inputs.npz"
    write_npz(inputs, dict(_batches(arrays, series.batch)))
    answers = ask(missing, inputs, folder)
    failed: dict[str, Measured] = {}
    for one in missing:
        answer = answers[one.name]
        if answer.logits is None:
            failed[one.name] = Measured(None, answer.version, answer.reason)
        else:
            logits = answer.logits[: len(labels)]
            state.keep(index, one, rank(logits.reshape(len(logits), -1), labels), answer.version)
    shutil.rmtree(folder)
    return failed


def _batches(arrays: Sequence[Array], batch: int | None) -> Iterator[tuple[str, Array]]:
    """Batches by names in their order; where the models' batch is fixed, the last one is filled up."""
    size = batch or BATCH
    for start in range(0, len(arrays), size):
        some = list(arrays[start : start + size])
        some += [some[-1]] * (size - len(some) if batch else 0)
        yield f"{start:06}", np.stack(some)


def _measurement(
    series: Series, state: _State, participants: Sequence[Participant], failed: Mapping[str, Measured]
) -> Measurement:
    digests: dict[str, str] = {}
    broken: dict[str, str] = {}
    for index in range(len(series.strides)):
        done = state.pictures(index) or {}
        digests |= done["sha256"]
        broken |= done["broken"]
    pictures = series.dataset.pictures
    measured = dict(failed)
    for one in participants:
        if one.name not in failed:
            kept = [state.read(index, one) for index in range(len(series.strides))]
            parts = [part for part in kept if part]
            measured[one.name] = (
                Measured(joined([ranked for ranked, _ in parts]), parts[0][1])
                if parts
                else Measured(None, reason="no picture could be read")
            )
    return Measurement(
        tuple(picture for picture in pictures if picture.name not in broken),
        digest_of([[picture.name, picture.label, digests[picture.name]] for picture in pictures]),
        tuple(broken.values()),
        measured,
    )
