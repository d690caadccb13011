"""The task ``latency`` of every source: the real framework takes turns, and computes what its export does."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from converters.catalogue import read_catalogue
from converters.interface import latency_call
from converters.registry import SOURCES, frameworks
from evaluation.inputs import fixed_inputs, write_npz
from evaluation.preprocessing import Preprocessing
from pipeline.errors import WorkerError
from pipeline.latency.turns import Participant
from pipeline.workers.processes import Limits
from pipeline.workers.sources import run_worker
from tests.converters.conftest import environment_of

MODELS = {
    "timm": "lcnet_035",
    "torchvision": "squeezenet1_1",
    "mmcls": "mobilenet-v2_8xb32_in1k",
    "paddle": "SqueezeNet1_1",
    "mxnet": "squeezenet1.1",
    "caffe2": "squeezenet",
}
VERSIONS = {"paddle": "paddlepaddle ", "mxnet": "mxnet ", "caffe2": "Caffe2 of torch "}
ALL = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in MODELS]
MODULES = Path(__file__).parents[2] / "latency" / "shared"


class _Timed:
    """The process of a framework, as whoever measures runs it."""

    def __init__(self, source: str, model: str, folder: Path) -> None:
        self.source, self.model, self.folder = SOURCES[source], model, folder
        self.environment = environment_of(source)
        self.processor = min(os.sched_getaffinity(0))

    def __call__(self, turns: Path, answers: Path) -> Mapping[str, Any]:
        own = read_catalogue(self.source)[MODELS[self.source.name]].preprocessing
        pictures = fixed_inputs(Preprocessing.from_dict(own), [], seed=0, batch=2)["noise-2"]
        inputs = self.folder / "inputs.npz"
        write_npz(inputs, {"1": pictures[:1], "2": pictures})
        call = latency_call(
            self.source,
            model=self.model,
            weights={"kind": "random", "seed": 0},
            reparameterise=False,
            inputs=inputs,
            conversation={
                "threads": 1,
                "processors": [self.processor],
                "turns": str(turns),
                "answers": str(answers),
                "modules": str(MODULES),
            },
        )
        return run_worker(
            call,
            python=self.environment.python,
            variables={"OMP_NUM_THREADS": "1", **self.environment.description.variables},
            what="timing",
            folder=self.folder / "work",
            limits=Limits(),
            stop=threading.Event(),
        )


@pytest.mark.parametrize("name", ALL)
def test_a_framework_takes_turns_on_the_processors_that_it_is_given(name: str, tmp_path: Path) -> None:
    timed = _Timed(name, MODELS[name], tmp_path)
    with Participant(tmp_path / "pipes", timed, threading.Event()) as participant:
        for batch, runs in ((1, 2), (2, 1), (1, 1)):
            answer = participant.take_turn(batch, runs)
            assert "error" not in answer, answer
            assert len(answer["seconds"]) == runs
            assert answer["processors"] == [timed.processor]
            assert answer["peak_memory"] > 20 << 20
        assert participant.finish()["version"].startswith(VERSIONS.get(name, "torch "))


@pytest.mark.timm
def test_a_model_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with (
        Participant(
            tmp_path / "pipes", _Timed("timm", "lcnet_36", tmp_path), threading.Event()
        ) as participant,
        pytest.raises(WorkerError, match=r"there is no model 'lcnet_36': did you mean"),
    ):
        participant.take_turn(1, 1)


def test_every_source_is_timed() -> None:
    assert set(MODELS) == set(frameworks())
