"""The stage that makes what files with embedded steps are held against: plain pixels, and probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import PipelineError
from pipeline.planning import keys
from pipeline.stages.export import Export
from pipeline.stages.model_run import ModelRun
from pipeline.stages.work_folder import folder_of_embedded, make_stage

if TYPE_CHECKING:
    from evaluation.preprocessing import Preprocessing
    from opsets import Normalisation

Array = npt.NDArray[np.float32]

SOFTMAX, OWN_SOFTMAX = "embedded", "the network's own"
"""Who makes the probabilities that a file answers with, as a record says it."""


def embedded_export(run: ModelRun, export: Export) -> Export:
    """``export`` as files are made of it that have the steps of its entry inside.

    Its inputs are the same pictures, with their pixels as they are where a normalisation is embedded, and
    its outputs the source framework's own logits for them as it normalises them, with Softmax taken in
    float64 where that is embedded. Raises PipelineError where Softmax would make no sense.
    """
    from evaluation.inputs import fixed_inputs, write_npz
    from evaluation.labels import softmax
    from evaluation.preprocessing import Preprocessing
    from opsets import EmbeddedSteps

    asked, own = run.job.entry.embed, Preprocessing.from_dict(export.preprocessing)
    if not asked.any:
        return export
    ends_with_softmax = asked.softmax and _ends_with_softmax(run, export)
    if ends_with_softmax:
        run.progress.note(run.job.name, "the network ends with a softmax of its own: none is embedded")
    taken, normalisation = own, None
    described: dict[str, Any] = {}
    if asked.normalise is not None:
        taken, normalisation = own.unnormalised(asked.normalise), normalisation_of(own, asked.normalise)
        wanted = {name: export.preprocessing[name] for name in ("mean", "std", "colour")}
        described["normalise"] = {"largest": asked.normalise, **wanted}
    if asked.softmax:
        described["softmax"] = OWN_SOFTMAX if ends_with_softmax else SOFTMAX
    steps = EmbeddedSteps(normalisation, asked.softmax and not ends_with_softmax)

    def make(staging: Path) -> dict[str, Any]:
        files = [path for _, path in export.pictures]
        inputs = fixed_inputs(taken, files, seed=keys.SEED, batch=run.job.entry.batch)
        write_npz(staging / "inputs.npz", inputs)
        references = export.references()
        if steps.softmax:
            exact = {name: softmax(logits.astype(np.float64)) for name, logits in references.items()}
            references = {name: rows.astype(np.float32) for name, rows in exact.items()}
        write_npz(staging / "outputs.npz", references)
        return {}

    folder = run.work / folder_of_embedded(run.job)
    make_stage(folder, run.job.base_key, make)
    return replace(
        export,
        inputs=folder / "inputs.npz",
        outputs=folder / "outputs.npz",
        preprocessing=taken.to_dict(),
        steps=steps,
        embedded=described,
    )


def normalisation_of(own: Preprocessing, largest: int) -> Normalisation:
    """What makes red, green, blue of 0 to ``largest`` what a network takes that wants ``own``."""
    from opsets import Normalisation

    offset, divisor = (tuple(largest * value for value in values) for values in (own.mean, own.std))
    return Normalisation(offset, divisor, turned=own.colour == "BGR" and own.input_size[0] > 1)


def normalised(pictures: Array, preprocessing: Mapping[str, Any], largest: int) -> Array:
    """What a network takes that wants ``preprocessing``, a record's form of it.

    ``pictures`` are (N, C, H, W) of red, green, blue from 0 to ``largest``, and the result is float32.
    """
    from evaluation.preprocessing import Preprocessing, normalise

    own = Preprocessing.from_dict(preprocessing)
    turned = pictures[:, ::-1] if own.colour == "BGR" else pictures
    return normalise(turned / np.float32(largest), own)


def _ends_with_softmax(run: ModelRun, export: Export) -> bool:
    from evaluation.labels import are_distributions
    from opsets import last_operator, read_graph

    last = last_operator(read_graph(export.model))
    if last in ("Sigmoid", "HardSigmoid"):
        raise PipelineError(
            f"the network ends with {last}, which says of each class alone how probable it is: Softmax "
            "behind it would mean nothing. Leave softmax out of embed"
        )
    rows = np.concatenate(list(export.references().values())).astype(np.float64)
    return last == "Softmax" or are_distributions(rows)
