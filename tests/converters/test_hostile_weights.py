"""Weights and folders that were made to harm, given to the frameworks' own scripts: refused, and not run."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from converters.interface import WORKER_MODULES
from converters.registry import SOURCES
from pipeline.errors import WorkerError
from tests.converters.conftest import Export, RunIn
from tests.converters.hostile import POINTED_AT, POINTER, call, entry, many, named, number, program, raw, text

SIZES = {
    **{"input_size": [3, 32, 32], "resize": 32, "crop_mode": "center", "interpolation": "bilinear"},
    **{"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "colour": "RGB"},
}


def _refusal(export: Export, source: str, model: str, weights: Path | None = None) -> str:
    request = {"kind": "file", "path": str(weights)} if weights else {"kind": "pretrained"}
    with pytest.raises(WorkerError) as caught:
        export(source, model, request, **SIZES)
    message = str(caught.value)
    assert "ends with" not in message  # a foreseen failure shows no log
    return message


@pytest.mark.paddle
def test_an_array_of_objects_ends_no_process(export: Export, tmp_path: Path) -> None:
    """Its elements are pointers, and Python followed them."""
    objects = call(named("numpy", "dtype"), text("O"))
    array = call(named("numpy", "ndarray"), many(number(1)), objects, raw(b"AAAAAAAA"))
    path = tmp_path / "objects.pdparams"
    path.write_bytes(program(entry("a", array), protocol=3))
    assert "objects.pdparams holds an array of objects: only" in _refusal(export, "paddle", "alexnet", path)


READS = """\
import os; os.environ['FLAGS_enable_pir_api'] = '1'
import paddle
class Reads(paddle.nn.Layer):
    def __init__(self, always):
        super().__init__()
        self.layer, self.always = paddle.nn.Linear(3, 4), always
    def forward(self, pictures):
        scores = self.layer(pictures.mean([2, 3]))
        if self.always:
            return scores + self.secret()
        if scores.sum() > 0:
            scores = scores + self.secret()
        else:
            scores = scores - 1
        return scores
    def secret(self):
        return paddle.vision.ops.read_file('secret').astype('float32').sum()
open('secret', 'w').write('a password')
spec = [paddle.static.InputSpec([None, 3, 32, 32], 'float32', 'x')]
for always in (True, False):
    network = Reads(always)
    network.eval()
    program = paddle.jit.to_static(network, input_spec=spec, full_graph=True)
    paddle.jit.save(program, 'always/inference' if always else 'branch/inference')
"""
WRITES = """\
import os, shutil; os.environ['FLAGS_enable_pir_api'] = '0'
import paddle
spec = [paddle.static.InputSpec([None, 3, 32, 32], 'float32', 'x')]
for folder, classes in (('writes', 4), ('mixed', 5)):
    layers = [paddle.nn.AdaptiveAvgPool2D(1), paddle.nn.Flatten(), paddle.nn.Linear(3, classes)]
    network = paddle.nn.Sequential(*layers)
    network.eval()
    paddle.jit.save(network, folder + '/inference', input_spec=spec)
shutil.copy('writes/inference.pdiparams', 'mixed/inference.pdiparams')
paddle.enable_static()
with paddle.pir_utils.OldIrGuard():
    program = paddle.static.deserialize_program(open('writes/inference.pdmodel', 'rb').read())
    block = program.global_block()
    position = len(block.ops) - 1
    logits = block.var(block.ops[position].input_arg_names[0])
    all_of_it = block.create_var(name='all', type=paddle.base.core.VarDesc.VarType.RAW)
    block._insert_op(
        position,
        type='save_combine',
        inputs={'X': [logits]},
        outputs={'Y': [all_of_it]},
        attrs={'file_path': FILE},
    )
    open('writes/inference.pdmodel', 'wb').write(program.desc.serialize_to_string())
"""


@pytest.mark.paddle
def test_a_program_that_reads_files(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    """What it read would be in the logits, and be published; also where only a branch does so."""
    (tmp_path / "reads.py").write_text(READS)  # Paddle translates the source of what it saves
    run_in("paddle", "import reads")
    for folder in ("always", "branch"):
        message = _refusal(export, "paddle", str(tmp_path / folder))
        assert "inference.json holds read_file: these operators have no translation to ONNX" in message


@pytest.mark.paddle
def test_a_program_that_writes_files(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    """And one that is given the parameters of another, of other sizes."""
    ran = tmp_path / "ran"
    run_in("paddle", WRITES.replace("FILE", repr(str(ran))), fresh=True)
    message = _refusal(export, "paddle", str(tmp_path / "writes"))
    assert "inference.pdmodel holds save_combine: these operators have no translation to ONNX" in message
    assert not ran.exists()
    assert "are both of one model?" in _refusal(export, "paddle", str(tmp_path / "mixed"))


def _safetensors(header: dict[str, Any] | bytes, length: int, declared: int | None = None) -> bytes:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(content) if declared is None else declared) + content + bytes(length)


def _tensor(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


SAFETENSORS = {
    "overlapping": _safetensors({"a": _tensor([2], 0, 8), "b": _tensor([2], 4, 12)}, 12),
    "twice_the_same": _safetensors({"a": _tensor([2], 0, 8), "b": _tensor([2], 0, 8)}, 8),
    "one_name": _safetensors(
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
        b'"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        8,
    ),
    "gap": _safetensors({"a": _tensor([2], 4, 12)}, 12),
    "negative_offset": _safetensors({"a": _tensor([2], -8, 0)}, 8),
    "negative_shape": _safetensors({"a": _tensor([-2], 0, 8)}, 8),
    "huge_offset": _safetensors({"a": _tensor([2], 1 << 60, (1 << 60) + 8)}, 8),
    "huge_shape": _safetensors({"a": _tensor([1 << 32, 1 << 32], 0, 0)}, 0),
    "disagreeing_shape": _safetensors({"a": _tensor([3], 0, 8)}, 8),
    "cut": _safetensors({"a": _tensor([2], 0, 8)}, 7),
    "longer": _safetensors({"a": _tensor([2], 0, 8)}, 9),
    "objects": _safetensors({"a": _tensor([1], 0, 8, "O")}, 8),
    "header_of_2_60": _safetensors({"a": _tensor([2], 0, 8)}, 8, 1 << 60),
    "header_of_2_64": _safetensors({"a": _tensor([2], 0, 8)}, 8, (1 << 64) - 1),
    "empty": b"",
}
"""Files that no reader may take."""
READ_ALL = """\
import glob, json, sys; sys.path[:0] = [{worker!r}, {folder!r}]
from protocol import TaskError
import {module}
refusals = {{}}
for path in glob.glob('*.*'):
    try:
        {module}.{function}(path)
    except TaskError as error:
        refusals[path] = str(error)
json.dump(refusals, open('refusals', 'w'))
"""


def _read_all(run_in: RunIn, folder: Path, source: str, module: str, function: str) -> dict[str, str]:
    """What the reader of a source says of each file that it refuses, in one process."""
    where = {"worker": str(WORKER_MODULES), "folder": str(SOURCES[source].folder)}
    run_in(source, READ_ALL.format(module=module, function=function, **where))
    refusals: dict[str, str] = json.loads((folder / "refusals").read_text())
    return refusals


def _sparse() -> bytes:
    """An array of MXNet's whose indices lead beyond its values: MXNet writes there when it makes it dense."""
    shapes = struct.pack("<iqiqq", 1, 3, 2, 4, 5)
    indices = struct.pack("<8q", 0, 1 << 40, 1 << 41, 3, 3, 1 << 40, -5, 1 << 50)
    kinds = struct.pack("<iiqiiq", 6, 1, 5, 6, 1, 3)
    array = struct.pack("<Ii", 0xF993FAC9, 2) + shapes + struct.pack("<iii", 1, 0, 0) + kinds
    return struct.pack("<QQQ", 0x112, 0, 1) + array + bytes(12) + indices + bytes(8)


@pytest.mark.parametrize(
    ("source", "module", "function"),
    [
        pytest.param("torchvision", "pytorch_weights", "read_checkpoint", marks=pytest.mark.torchvision),
        pytest.param("paddle", "paddle_weights", "read_checkpoint", marks=pytest.mark.paddle),
        pytest.param("mxnet", "gluon_weights", "read_file", marks=pytest.mark.mxnet),
    ],
)
def test_files_that_lie_or_only_point_elsewhere(
    run_in: RunIn, tmp_path: Path, source: str, module: str, function: str
) -> None:
    files = {f"{name}.safetensors": content for name, content in SAFETENSORS.items()}
    pointers = {f"pointer{suffix}": POINTER for suffix in SOURCES[source].weights_suffixes}
    files |= pointers
    if source == "mxnet":
        files["sparse.params"] = _sparse()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    refusals = _read_all(run_in, tmp_path, source, module, function)
    assert refusals.keys() == files.keys()
    assert all(name in message for name, message in refusals.items())
    assert all(f"{name} cannot be read: {POINTED_AT}" in refusals[name] for name in pointers)
    if source == "mxnet":
        assert "it holds a sparse array, and only dense ones are read" in refusals["sparse.params"]


@pytest.mark.paddle
def test_an_inference_model_that_only_points_elsewhere(run_in: RunIn, tmp_path: Path) -> None:
    for pointer in ("a.json", "a.pdmodel", "a.pdiparams"):
        folder = tmp_path / f"folder{pointer}"
        folder.mkdir()
        for name in {pointer if pointer != "a.pdiparams" else "a.json", "a.pdiparams"}:
            (folder / name).write_bytes(POINTER if name == pointer else b"")
    refusals = _read_all(run_in, tmp_path, "paddle", "paddle_folders", "Folder")
    assert len(refusals) == 3
    for folder_name, message in refusals.items():
        assert message == f"{folder_name.removeprefix('folder')} cannot be read: {POINTED_AT}"


TORCH = """\
import argparse, os, struct, torch, zipfile, numpy
tensors = {'w': torch.arange(4.), 'v': torch.ones(1000), 'args': argparse.Namespace(epochs=3)}
torch.save(tensors, 'good.pth')
torch.save(tensors, 'good_old.pth', _use_new_zipfile_serialization=False)
class Reduced:
    def __init__(self, *reduced): self.reduced = reduced
    def __reduce__(self): return self.reduced
save = lambda name, value: (torch.save({'w': value}, name + '.pth'),
    torch.save({'w': value}, name + '_old.pth', _use_new_zipfile_serialization=False))
save('code', Reduced(os.system, ('touch ran',)))
save('sparse', torch.ones(3, 3).to_sparse())
save('compressed_rows', torch.ones(3, 3).to_sparse_csr())
save('quantised', torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8))
save('nested', Reduced(torch._utils._rebuild_nested_tensor,
    (torch.ones(4), torch.tensor([[2, 2]]), torch.tensor([[2, 1]]), torch.tensor([1 << 40]))))
save('without_values', torch.ones(3, device='meta'))
save('memory', Reduced(bytearray, (1 << 40,)))
save('unwritten', Reduced(torch.FloatTensor, (10,)))
save('objects', numpy.array([{}], dtype=object))
content = open('good.pth', 'rb').read()
grown = content.replace(b'K\\x04tq', b'K\\xf0tq', 1)
assert grown != content
with zipfile.ZipFile('good.pth') as good:
    for name, method in (('mapped', zipfile.ZIP_STORED), ('packed', zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(name + '.pth', 'w', method) as archive:
            for member in good.namelist():
                archive.writestr(member, good.read(member).replace(b'K\\x04tq', b'K\\xf0tq', 1))
old = open('good_old.pth', 'rb').read()
position = old.rindex(struct.pack('<q', 4) + struct.pack('<f', 0))
open('grown_old.pth', 'wb').write(old[:position] + struct.pack('<q', 1 << 40) + old[position + 8:])
open('cut_old.pth', 'wb').write(old[:-5])
"""
NOTHING = "holds no tensors by name: it is a dict with the keys w"
REFUSED = {
    "code": "holds posix.system",
    "sparse": "holds a sparse tensor",
    "compressed_rows": "holds a sparse tensor",
    "quantised": "holds a quantised tensor",
    "nested": "holds a nested tensor",
    "without_values": "holds a tensor without values",
    # These are not made, whatever size they ask for, and nothing is left to take.
    "memory": f"{NOTHING} (a __builtin__.bytearray)",
    "unwritten": f"{NOTHING} (a torch.FloatTensor)",
    "objects": f"{NOTHING} (a numpy._core.multiarray._reconstruct)",
}


@pytest.mark.torchvision
def test_checkpoints_that_torch_itself_wrote(run_in: RunIn, tmp_path: Path) -> None:
    """In its format and in that of old; storages that declare another size than they have among them."""
    run_in("torchvision", TORCH)
    refusals = _read_all(run_in, tmp_path, "torchvision", "pytorch_weights", "read_checkpoint")
    expected = {f"{name}{end}.pth": reason for name, reason in REFUSED.items() for end in ("", "_old")}
    for name in ("mapped", "packed", "grown_old", "cut_old"):
        expected[f"{name}.pth"] = "is damaged: it declares tensors of "
    assert refusals.keys() == expected.keys()
    for name, reason in expected.items():
        assert f"{name} {reason}" in refusals[name]
    assert not (tmp_path / "ran").exists()


BUILD = """\
import sys; sys.path[:0] = [{worker!r}, {folder!r}]
import paddle, paddle_models
from networks import Network
from ppcls.utils import download
def refuse(*_, **__): raise SystemExit('weights are loaded that nobody asked for')
paddle.load = download.get_path_from_url = refuse
with paddle.LazyGuard():
    paddle_models.build(Network('UniFormer_small'))
"""


@pytest.mark.paddle
def test_a_network_loads_no_weights_that_nobody_asked_for(run_in: RunIn) -> None:
    """PaddleClas's UniFormers do so unless they are told not to, with a pickle that may run code."""
    run_in("paddle", BUILD.format(worker=str(WORKER_MODULES), folder=str(SOURCES["paddle"].folder)))
