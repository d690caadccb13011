"""What is tried, in which order, and what is left in float32."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import onnx
import pytest

from evaluation.picture_files import pictures_below
from parity.exact import evaluate
from quantization.calibration import calibrate
from quantization.errors import QuantizationError
from quantization.folding import fold_batch_normalization, named
from quantization.gate import Gate
from quantization.graph import work_of
from quantization.pictures import choose
from quantization.search import Material, search
from quantization.settings import Settings
from quantization.writer import Form, tensors_to_calibrate
from tests.quantization.networks import Array, network, pictures

pytestmark = pytest.mark.slow


def _run(model: onnx.ModelProto, data: Array) -> Array:
    return evaluate(model, {"x": data})[0]


@pytest.fixture(scope="module")
def material() -> Material:
    model = named(network())
    tensors = [*tensors_to_calibrate(model), *tensors_to_calibrate(fold_batch_normalization(model))]
    histograms = calibrate(model, list(dict.fromkeys(tensors)), lambda: [pictures(32, seed=1)], 1)
    return Material(model, _run, pictures(24, seed=2), pictures(4, seed=1), histograms)


EASY = Settings(gate=Gate(min_agreement=0.5, min_cosine=0.9))
IMPOSSIBLE = Settings(gate=Gate(min_agreement=1.0, min_cosine=1.0))


def test_the_first_that_passes_is_taken(material: Material) -> None:
    found = search("int8", material, EASY)
    assert len(found.tries) == 1
    recipe = found.best.recipe
    assert (recipe.method, recipe.folded, recipe.weights, recipe.kept) == ("percentile", True, "int8", ())
    assert found.best.verdict.passed
    onnx.checker.check_model(found.model, full_check=True)


def test_calibrations_come_first_then_both_ways_of_folding_and_weights_then_nodes(material: Material) -> None:
    found = search("int8", material, IMPOSSIBLE)
    recipes = [tried.recipe for tried in found.tries]
    assert [recipe.method for recipe in recipes[:3]] == ["percentile", "entropy", "minmax"]
    assert [recipe.folded for recipe in recipes[:4]] == [True, True, True, False]
    assert recipes[4].weights == "uint8"
    assert not found.best.verdict.passed
    best = max(found.tries, key=lambda tried: tried.rank)
    assert found.best == best


@pytest.mark.parametrize("form", ["int8", "int8-qdq"])
def test_batch_normalisation_is_neither_tried_nor_told_where_there_is_none(
    material: Material, form: Form
) -> None:
    plain = replace(material, model=fold_batch_normalization(material.model))
    found = search(form, plain, IMPOSSIBLE)
    assert [tried.recipe.folded for tried in found.tries] == [None] * len(found.tries)
    assert [tried.recipe.weights for tried in found.tries[:4]] == ["int8", "int8", "int8", "uint8"]
    assert "batch normalisation" not in str([tried.to_dict() for tried in found.tries])
    whole = search(form, material, EASY).best
    assert whole.to_dict()["batch normalisation"] == ("folded" if form == "int8" else "as it is")


def test_batch_normalisation_that_cannot_be_folded_is_left_as_it_is(material: Material) -> None:
    alone = onnx.ModelProto()
    alone.CopyFrom(material.model)
    [relu] = [node for node in alone.graph.node if node.name == "relu"]
    relu.op_type = "Add"
    relu.input.append("c1")  # the convolution is read by another node than its BatchNormalization
    onnx.checker.check_model(alone, full_check=True)
    assert fold_batch_normalization(alone) is alone
    histograms = calibrate(alone, tensors_to_calibrate(alone), lambda: [pictures(32, seed=1)], 1)
    found = search("int8", replace(material, model=alone, histograms=histograms), IMPOSSIBLE)
    told = [tried.to_dict()["batch normalisation"] for tried in found.tries]
    assert told == ["as it is"] * len(told)
    assert [tried.recipe.weights for tried in found.tries[:4]] == ["int8", "int8", "int8", "uint8"]


def test_at_most_a_tenth_of_the_work_stays_in_float32(material: Material) -> None:
    for share in (0.1, 0.5):
        found = search("int8", material, replace(IMPOSSIBLE, max_float_share=share))
        work = work_of(fold_batch_normalization(material.model))
        most = max(sum(work[name] for name in tried.recipe.kept) for tried in found.tries)
        assert 0 < most <= share * sum(work.values())
        kept = [tried.recipe.kept for tried in found.tries if tried.recipe.kept]
        assert [len(names) for names in kept] == list(range(1, len(kept) + 1))
        assert all(later[: len(names)] == names for names, later in pairwise(kept))


def test_nodes_that_are_left_bring_the_logits_nearer(material: Material) -> None:
    found = search("int8-qdq", material, replace(IMPOSSIBLE, max_float_share=0.9))
    plain = [tried for tried in found.tries if not tried.recipe.kept]
    assert found.best.recipe.kept
    assert found.best.rank > max(tried.rank for tried in plain)


def test_the_search_gives_the_same_twice(material: Material) -> None:
    first, second = (search("int8-qdq", material, IMPOSSIBLE) for _ in range(2))
    assert first.tries == second.tries
    assert first.model == second.model


def test_float16_passes_as_it_is(material: Material) -> None:
    found = search("fp16", material, Settings())
    assert len(found.tries) == 1
    assert found.best.verdict.cosine is not None
    assert found.best.verdict.cosine > 0.9999


def test_labels_decide_where_there_are_any(material: Material) -> None:
    labels = _run(material.model, material.pictures).argmax(axis=1)
    found = search("int8", replace(material, labels=labels), Settings(gate=Gate(max_drop=0.3)))
    assert found.best.verdict.reference_top1 == 1.0
    assert found.best.verdict.passed


def test_the_work_of_a_node_is_its_multiply_adds() -> None:
    work = work_of(named(network()))
    assert work["first"] == 16 * 16 * 8 * 3 * 9
    assert work["depth"] == 16 * 16 * 8 * 9
    assert work["grouped"] == 8 * 8 * 8 * 4
    assert work["dense"] == 16 * 16
    assert work["last"] == 160
    constant = """<ir_version: 5, opset_import: ["": 12]> g (float[N,2,4,4] x) => (float[N,1,4,4] y) {
        w = Constant<value=float[1,2,1,1]{1,2}>() [a] y = Conv(x, w)
    }"""
    assert work_of(onnx.parser.parse_model(constant)) == {"a": 4 * 4 * 2}


def test_pictures_are_spread_over_their_folders_and_never_in_both(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    for name, count in (("a", 40), ("b", 10), ("c", 10)):
        (folder / name).mkdir()
        for number in range(count):
            (folder / name / f"{number}.png").touch()
    (folder / "notes.txt").touch()
    found = [folder / name for name in pictures_below(folder)]
    assert len(found) == 60
    choice = choose(found, 12, 9, seed=0)
    assert not set(choice.calibration) & set(choice.gate)
    for some, each in ((choice.calibration, 4), (choice.gate, 3)):
        assert [sum(path.parent.name == name for path in some) for name in "abc"] == [each] * 3
    assert choose(found, 12, 9, seed=0) == choice
    assert choose(found, 12, 9, seed=1) != choice
    few = choose(found[:5], 1000, 100, seed=0)
    assert (len(few.calibration), len(few.gate)) == (3, 2)
    with pytest.raises(QuantizationError, match="too few, being 3"):
        choose(found[:3], 1000, 100, seed=0)
    assert np.all([path.is_file() for path in choice.gate])
