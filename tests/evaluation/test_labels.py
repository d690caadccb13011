"""The most probable classes and their names."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.errors import EvaluationError
from evaluation.labels import Prediction, imagenet_labels, top


def test_the_names_that_everybody_knows() -> None:
    labels = imagenet_labels(1000)
    assert labels is not None
    assert len(labels) == 1000
    assert [labels[index] for index in (282, 967, 657, 872)] == ["tiger cat", "espresso", "missile", "tripod"]
    assert imagenet_labels(1001) is None


def test_the_best_come_first_with_their_softmax() -> None:
    logits = np.log(np.array([[0.1, 0.6, 0.3]], dtype=np.float32))
    (row,) = top(logits, 2, ["a", "b", "c"])
    assert [(item.index, item.label) for item in row] == [(1, "b"), (2, "c")]
    assert [item.probability for item in row] == pytest.approx([0.6, 0.3])


def test_the_output_of_a_softmax_is_taken_as_it_is() -> None:
    rows = top(np.array([[0.25, 0.75], [1, 0]], dtype=np.float32))
    assert [[item.probability for item in row] for row in rows] == [[0.75, 0.25], [1, 0]]


def test_equal_logits_come_in_order_and_few_classes_are_all_named() -> None:
    assert (
        top(np.zeros((2, 2), dtype=np.float32)) == [[Prediction(0, 0.5, None), Prediction(1, 0.5, None)]] * 2
    )


def test_large_logits_do_not_overflow() -> None:
    (row,) = top(np.array([[3e38, -3e38]], dtype=np.float32), 1)
    assert row == [Prediction(0, 1.0, None)]


@pytest.mark.parametrize("logits", [np.zeros(3), np.zeros((1, 0)), np.full((1, 3), np.nan)])
def test_what_are_no_logits_is_refused(logits: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    with pytest.raises(EvaluationError, match="logits of shape"):
        top(logits.astype(np.float32))


def test_labels_of_another_number_are_refused() -> None:
    with pytest.raises(EvaluationError, match="2 labels do not fit 3 classes"):
        top(np.zeros((1, 3), dtype=np.float32), 1, ["a", "b"])
