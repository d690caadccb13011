"""What Paddle writes while it makes a program of a network."""

from __future__ import annotations

import pytest

from tests.converters.conftest import RunIn

pytestmark = pytest.mark.paddle

SAVES = """\
import os
os.environ["HOME"] = os.path.abspath("home")
import paddle
import paddle_saving

class Network(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.dense = paddle.nn.Linear(12, 5)

    def forward(self, pictures):
        flat = pictures.flatten(1)
        if self.dense.weight is not None:
            flat = self.dense(flat)
        return flat

for folder in ("first", "second"):
    os.makedirs(f"made/{folder}")
    paddle_saving.save(Network(), (3, 2, 2), f"made/{folder}")
    assert len(paddle_saving.parameter_files(f"made/{folder}")) == 2
assert not os.path.exists("home/.cache/paddle"), os.listdir("home/.cache/paddle")
assert sorted(os.listdir("made")) == ["first", "second"]
"""


def test_nothing_is_left_but_the_program_and_its_parameters(run_in: RunIn) -> None:
    """Not the code that Paddle makes, which it would write below the user's home for each process anew."""
    run_in("paddle", SAVES)
