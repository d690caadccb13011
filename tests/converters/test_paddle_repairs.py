"""Networks that PaddleClas cannot run of itself."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from tests.converters.conftest import Export, RunIn

pytestmark = [pytest.mark.slow, pytest.mark.paddle]

MASKS = """\
import numpy as np
import paddle
import paddle_models
from ppcls.arch.backbone.legendary_models import swin_transformer as first
from ppcls.arch.backbone.model_zoo import swin_transformer_v2 as second

for shift in (0, 1, 3):
    size, window = (12, 8), 4
    blocks = [each.SwinTransformerBlock(8, size, 2, window, shift) for each in (first, second)]
    expected = blocks[0].get_attn_mask(*size, "float32")
    if shift == 0:
        assert expected is None and blocks[1].attn_mask is None
        continue
    assert len(np.unique(expected.numpy())) == 2
    np.testing.assert_array_equal(blocks[1].attn_mask.numpy(), expected.numpy())
"""


def test_the_second_version_masks_what_the_first_one_does(run_in: RunIn) -> None:
    run_in("paddle", MASKS)


@pytest.mark.parametrize(
    "model", ["SwinTransformerV2_tiny_patch4_window8_256", "SwinTransformer_tiny_patch4_window7_224_SOLIDER"]
)
def test_it_answers_and_is_exported(export: Export, model: str) -> None:
    exported = export("paddle", model)
    assert "repaired" in exported.answer["form"]
    session = onnxruntime.InferenceSession(exported.model, providers=["CPUExecutionProvider"])
    [name] = [port.name for port in session.get_inputs()]
    for data_set, pictures in exported.inputs.items():
        [answer] = session.run(None, {name: pictures})
        expected = exported.outputs[data_set]
        assert np.abs(answer - expected).max() < 1e-4 * np.abs(expected).max()
        assert len(np.unique(expected.round(4))) > 10
