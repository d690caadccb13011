"""One try after the other, until the gate is passed or too much would stay in float32."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from quantization.float16 import to_float16
from quantization.folding import fold_batch_normalization
from quantization.gate import GateVerdict, judge
from quantization.graph import Array, Graph, opset_of, work_of
from quantization.parameters import WeightKind
from quantization.ranges import Histogram, Method, ranges_of
from quantization.settings import Settings
from quantization.targets import AXIS_FROM, targets_in
from quantization.writer import Form, write_quantized

FEW = 8
"""The pictures on which the error of single nodes is measured."""


@dataclass(frozen=True)
class Recipe:
    """How a file is made of the one in float32."""

    form: str
    """A form of int8, or ``fp16``."""
    method: Method | None = None
    folded: bool | None = None
    """Whether each BatchNormalization was merged into the convolution before it; None where there is none."""
    weights: WeightKind | None = None
    kept: tuple[str, ...] = ()
    """The nodes that stay in float32."""

    def to_dict(self) -> dict[str, Any]:
        """What a record says of it."""
        words = {"form": self.form, "calibration": self.method, "weights": self.weights}
        said = {key: value for key, value in words.items() if value is not None}
        if self.folded is not None:
            said["batch normalisation"] = "folded" if self.folded else "as it is"
        return said | {"kept in float32": list(self.kept)}


@dataclass(frozen=True)
class Try:
    """A recipe, and what the gate measured of it."""

    recipe: Recipe
    verdict: GateVerdict

    @property
    def rank(self) -> tuple[bool, float, float]:
        """The better the larger: by the logits, as a few pictures more or less on the same class are chance.

        Rounded: what is chosen must not hang on a processor's last bits.
        """
        cosine, agreement = self.verdict.cosine, self.verdict.agreement
        distance = np.inf if cosine is None else float(f"{max(1 - cosine, 1e-7):.2g}")
        return self.verdict.passed, -distance, -1.0 if agreement is None else agreement

    def to_dict(self) -> dict[str, Any]:
        """What a record says of it."""
        return self.recipe.to_dict() | {"gate": self.verdict.to_dict()}


@dataclass(frozen=True)
class Material:
    """What a search works with.

    ``model`` is in float32, and its nodes have names. ``run`` answers with the logits, float32 (N, classes),
    of a model on pictures, float32 (N, C, H, W): in exact arithmetic, which alone decides. ``histograms``
    are those of calibration. ``pictures`` are those of the gate, which were not calibrated on, with
    their ``labels``, where there are any; ``few`` are some that were.
    """

    model: onnx.ModelProto
    run: Callable[[onnx.ModelProto, Array], Array]
    pictures: Array
    few: Array
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    labels: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Found:
    """The model that passed, or the best that was found, and all that was tried."""

    model: onnx.ModelProto
    best: Try
    tries: tuple[Try, ...]
    reference: Array
    """The logits of the model in float32 on the pictures of the gate."""


def search(form: Form | str, material: Material, settings: Settings) -> Found:
    """Find a model of ``form`` that passes the gate.

    Calibrations come first, and both ways with batch normalisation and weights; then the most sensitive
    nodes are left in float32, one after the other, until more than ``max_float_share`` of the work would be.
    Raises QuantizationError where the model cannot be said in that form.
    """
    return _Search(form, material, settings).found()


class _Search:
    def __init__(self, form: str, material: Material, settings: Settings) -> None:
        self._form, self._material, self._settings = form, material, settings
        self._reference = material.run(material.model, material.pictures)
        self._folded: onnx.ModelProto | None = None
        self._tries: list[Try] = []

    def found(self) -> Found:
        for recipe in self._recipes():
            if self._try(recipe).verdict.passed:
                break
        best = self._best()
        if not best.verdict.passed:
            best = self._leave_nodes(best)
        return Found(self._made(best.recipe), best, tuple(self._tries), self._reference)

    def _recipes(self) -> Iterator[Recipe]:
        """The recipes without any node left; each of the later ones builds on the best before it."""
        if self._form == "fp16":
            yield Recipe(self._form)
            return
        normalized = any(node.op_type == "BatchNormalization" for node in self._material.model.graph.node)
        foldable = normalized and self._with_folded() is not self._material.model
        # Folded, channels of one convolution differ in size: right for a scale each, harmful for one scale.
        of_channels = self._form == "int8" or opset_of(self._material.model) >= AXIS_FROM
        folded = foldable and of_channels if normalized else None
        first = Recipe(self._form, self._settings.method, folded, "int8")
        for method in self._settings.methods:
            yield replace(first, method=method)
        if foldable:
            yield replace(self._best().recipe, folded=not self._best().recipe.folded)
        yield replace(self._best().recipe, weights="uint8")

    def _best(self) -> Try:
        return max(self._tries, key=lambda one: one.rank)

    def _try(self, recipe: Recipe) -> Try:
        logits = self._material.run(self._made(recipe), self._material.pictures)
        verdict = judge(self._reference, logits, self._settings.gate, self._material.labels)
        self._tries.append(Try(recipe, verdict))
        return self._tries[-1]

    def _base(self, recipe: Recipe) -> onnx.ModelProto:
        return self._with_folded() if recipe.folded else self._material.model

    def _with_folded(self) -> onnx.ModelProto:
        if self._folded is None:
            self._folded = fold_batch_normalization(self._material.model)
        return self._folded

    def _made(self, recipe: Recipe) -> onnx.ModelProto:
        if recipe.method is None or recipe.weights is None:
            return to_float16(self._material.model, recipe.kept, keep_io_types=self._settings.keep_io_types)
        ranges = ranges_of(self._material.histograms, recipe.method, self._settings.percentile)
        form: Form = "int8" if self._form == "int8" else "int8-qdq"
        return write_quantized(self._base(recipe), ranges, form, recipe.kept, recipe.weights)

    def _leave_nodes(self, best: Try) -> Try:
        """Leave nodes in float32, the most sensitive first, as long as little enough of the work is."""
        work, left = work_of(self._base(best.recipe)), list[str]()
        allowed = self._settings.max_float_share * sum(work.values())
        for name in self._by_sensitivity(best.recipe):
            if sum(work.get(each, 0) for each in (*left, name)) > allowed:
                continue
            left.append(name)
            if self._try(replace(best.recipe, kept=tuple(left))).verdict.passed:
                break
        return self._best()

    def _by_sensitivity(self, recipe: Recipe) -> Sequence[str]:
        """The nodes that can be left, by the error that each makes alone in the lower precision."""
        base = self._base(recipe)
        names = self._reducible(base)
        reference = self._material.run(self._material.model, self._material.few).astype(np.float64)
        errors = {}
        for name in names:
            alone = replace(recipe, kept=tuple(other for other in names if other != name))
            logits = self._material.run(self._made(alone), self._material.few)
            error = float(np.square(logits - reference).mean())
            errors[name] = float(f"{error:.3g}") if np.isfinite(error) else np.inf
        return sorted((name for name in names if errors[name] > 0), key=lambda name: (-errors[name], name))

    def _reducible(self, base: onnx.ModelProto) -> Collection[str]:
        if self._form == "fp16":
            return [node.name for node in base.graph.node]
        return [target.node.name for target in targets_in(Graph(base))]
