"""How large models are: as the catalogue of their source says, or seen on disk."""

from __future__ import annotations

import threading

from converters.catalogue import catalogue_file
from pipeline.environments import building
from pipeline.estimates.sizes import bytes_below, sizes_of
from pipeline.planning.jobs import Plan
from tests.pipeline.fake_source import FakeSource


def _sizes(plan: Plan) -> dict[str, int]:
    return sizes_of(plan.jobs, plan.folder)


def test_the_size_of_a_named_model_is_known_without_an_environment(tiny: FakeSource) -> None:
    building.remove(tiny.source, stop=threading.Event())
    assert _sizes(tiny.plan("net", "other")) == {"tiny/net": 160, "tiny/other": 160}


def test_where_the_framework_cannot_tell_a_file_of_weights_has_a_size(tiny: FakeSource) -> None:
    place = catalogue_file(tiny.source)
    place.write_text(place.read_text().replace('"bytes": 160', '"bytes": null'))
    (tiny.folder / "net.npz").write_bytes(bytes(77))
    assert _sizes(tiny.plan("net", more="weights: {file: net.npz}")) == {"tiny/net": 77}
    assert _sizes(tiny.plan("net")) == {}


def test_a_model_in_a_folder_has_the_size_of_its_files(tiny: FakeSource) -> None:
    (tiny.folder / "model").mkdir()
    (tiny.folder / "model" / "net.pb").write_bytes(bytes(33))
    more = "name: classifier\npreprocessing: {input_size: [3, 8, 8]}"
    assert _sizes(tiny.plan("./model", more=more)) == {"tiny/classifier": 33}


def test_a_folder_that_is_not_there_has_no_bytes(tiny: FakeSource) -> None:
    assert bytes_below(tiny.folder / "absent") == 0
