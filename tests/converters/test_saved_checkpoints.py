"""Checkpoints in the forms that people save them in, written by the frameworks and read back by our readers.

One process of a framework writes all forms, and reads each into a fresh network. That alone can show that the
files are what we think they are, and that every value arrives.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from converters.interface import WORKER_MODULES
from converters.registry import SOURCES
from tests.converters.conftest import Export, run_lines

READ = """
import json, os, sys
sys.path[:0] = [{worker!r}, {folder!r}]
import export
from networks import Network
from pytorch_weights import fit, read_checkpoint, report
from protocol import TaskError

def read(file, expected, entry=None, shards=()):
    '''What is taken of a file, and by how much the values are off.'''
    try:
        checkpoint = read_checkpoint(file, export.ENTRIES, entry, shards)
        network = export.build(Network(MODEL))
        taken = report(checkpoint, fit(network, checkpoint))
    except TaskError as error:
        return {{'refused': str(error)}}
    ours = network.state_dict()
    off = [float((ours[name].double() - value.double()).abs().max())
           for name, value in expected.items() if not name.endswith('num_batches_tracked')]
    return {{**taken, 'off': max(off)}}
"""
TIMM = """
import argparse, io, pathlib, numpy, timm, torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file
from timm.utils import CheckpointSaver, ModelEmaV3
from torch.optim.swa_utils import AveragedModel

torch.manual_seed(3)
network = timm.create_model(MODEL)
averaged, timms = AveragedModel(network), ModelEmaV3(network, decay=0.5)
optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
for step in range(2):
    network(torch.randn(4, 3, 64, 64)).square().mean().backward()
    optimizer.step()
    averaged.update_parameters(network)
    timms.update(network)
args = argparse.Namespace(model=MODEL, lr=numpy.float64(0.1), output=pathlib.Path('out'))
state, average = network.state_dict(), averaged.module.state_dict()
trained, ema = dict(state), timms.module.state_dict()

saver = CheckpointSaver(network, optimizer, args=args, model_ema=timms, checkpoint_dir='.', recovery_dir='.')
saver.save_checkpoint(0, metric=numpy.float64(70.5))
by_torchvision = {'model': state, 'optimizer': optimizer.state_dict(), 'epoch': 1, 'args': args}
torch.save({**by_torchvision, 'model_ema': averaged.state_dict()}, 'torchvision.pth')
pl = {'model.' + name: value for name, value in state.items()}
pl['criterion.weight'] = torch.ones(1000)
lightning = {'epoch': 1, 'hyper_parameters': vars(args), 'callbacks': {'best': args}}
torch.save({**lightning, 'state_dict': pl}, 'pl.ckpt')
for key in ('net', 'model_state_dict'):
    torch.save({key: state, 'acc': numpy.float32(0.7), 'curve': numpy.ones(3), 'args': args}, key + '.pth')
torch.distributed.init_process_group('gloo', store=torch.distributed.HashStore(), rank=0, world_size=1)
torch.save(torch.nn.parallel.DistributedDataParallel(network).state_dict(), 'ddp.pth')
torch.save(torch.compile(network).state_dict(), 'compiled.pth')
torch.save(state, 'old.bin', _use_new_zipfile_serialization=False)
save_file({name: value.contiguous() for name, value in state.items()}, 'named_otherwise.bin')
for name, dtype in (('half', torch.float16), ('bfloat16', torch.bfloat16), ('double', torch.float64)):
    torch.save({key: value.to(dtype) for key, value in state.items()}, name + '.pth')
views = {name: torch.stack([value, value], -1)[..., 1] for name, value in state.items()}
views['counts'] = torch.zeros(3, dtype=torch.uint16)
torch.save(views, 'views.pth')
torch.save(views, 'views_old.pth', _use_new_zipfile_serialization=False)
torch.save(network, 'module.pt')
torch.save({'model': torch.nn.DataParallel(network), 'epoch': 3}, 'module.pth.tar')
torch.save(averaged, 'averaged_module.pt', _use_new_zipfile_serialization=False)
os.mkdir('shards')
save_torch_state_dict(state, 'shards', max_shard_size='300KB')
save_torch_state_dict(state, 'shards', max_shard_size='300KB', safe_serialization=False)
for module in network.modules():  # as thop.profile leaves a network
    module.register_buffer('total_ops', torch.zeros(1, dtype=torch.float64))
    module.register_buffer('total_params', torch.zeros(1, dtype=torch.float64))
torch.save(network.state_dict(), 'profiled.pth')

def shards(name):
    files = sorted(set(json.load(open(name))['weight_map'].values()))
    assert len(files) > 1
    return ['shards/' + file for file in files]

safe, pickled = 'shards/model.safetensors.index.json', 'shards/pytorch_model.bin.index.json'
answers = {
    'checkpoint-0.pth.tar': read('checkpoint-0.pth.tar', ema),
    'checkpoint-0.pth.tar, asked': read('checkpoint-0.pth.tar', trained, 'state_dict'),
    'torchvision.pth': read('torchvision.pth', average),
    'torchvision.pth, asked': read('torchvision.pth', trained, 'model'),
    'torchvision.pth, not there': read('torchvision.pth', trained, 'model_emma'),
    'averaged_module.pt': read('averaged_module.pt', average),
    'safetensors': read(safe, trained, shards=shards(safe)),
    'pickles': read(pickled, trained, shards=shards(pickled)),
    'safetensors twice': read(safe, trained, shards=shards(safe) * 2),
}
for file in ('pl.ckpt', 'net.pth', 'model_state_dict.pth', 'ddp.pth', 'compiled.pth', 'old.bin', 'half.pth',
             'named_otherwise.bin', 'bfloat16.pth', 'double.pth', 'views.pth', 'views_old.pth', 'module.pt',
             'module.pth.tar', 'profiled.pth'):
    answers[file] = read(file, trained)
json.dump(answers, open('answers.json', 'w'))
os._exit(0)
"""
MMCLS = """
import types, mmcv, numpy, torch
from mmcv.runner import EMAHook, save_checkpoint

torch.manual_seed(3)
network = export.build(Network(MODEL))
trained = {name: value.clone() for name, value in network.state_dict().items()}
preprocessor = {'data_preprocessor.mean': torch.zeros(3, 1, 1), 'data_preprocessor.std': torch.ones(3, 1, 1)}
torch.save({'meta': {'epoch': 1, 'dataset_meta': {'classes': ['a', 'b']}},
            'state_dict': {**trained, **preprocessor},
            'message_hub': {'loss': numpy.ones(3)}}, 'mmpretrain.pth')
runner = types.SimpleNamespace(model=network)
hook = EMAHook(momentum=0.5)
hook.before_run(runner)
for parameter in network.parameters():
    parameter.data.add_(1)
hook.iters, runner.iter = 0, 0
hook.after_train_iter(runner)
hook.after_train_epoch(runner)  # before a checkpoint is written: the averages take the weights' place
save_checkpoint(network, 'ema.pth', meta={'config': mmcv.ConfigDict(a=1), 'CLASSES': None})
averaged = {name: value for name, value in network.state_dict().items() if not name.startswith('ema_')}
json.dump({'mmpretrain.pth': read('mmpretrain.pth', trained), 'ema.pth': read('ema.pth', averaged),
           'labels': [export.labels(read_checkpoint(file).saved) for file in ('mmpretrain.pth', 'ema.pth')],
           'moved': float((averaged['head.fc.bias'] - trained['head.fc.bias']).abs().max())},
          open('answers.json', 'w'))
os._exit(0)
"""


def _answers(source: str, model: str, code: str, folder: Path) -> dict[str, Any]:
    """What the process of a framework read of the files that it wrote into ``folder``."""
    begin = READ.format(worker=str(WORKER_MODULES), folder=str(SOURCES[source].folder))
    run_lines(source, f"MODEL = {model!r}\n{begin}{code}", folder)
    answers: dict[str, Any] = json.loads((folder / "answers.json").read_text())
    return answers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("timm")


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, Any]:
    return _answers("timm", "test_resnet", TIMM, folder)


@pytest.mark.timm
def test_every_form_is_read_with_every_value(answers: dict[str, Any]) -> None:
    """And of several sets, timm's own loader's; see its ``load_state_dict``."""
    taken = {
        name: (answer["entry"], answer["prefix"], answer["surplus_names"])
        for name, answer in answers.items()
        if "refused" not in answer
    }
    assert taken.pop("profiled.pth") == (
        "",
        "",
        ["total_ops", "total_params", "conv1.total_ops", "conv1.total_params"],
    )
    assert taken == {
        "checkpoint-0.pth.tar": ("state_dict_ema", "", []),
        "checkpoint-0.pth.tar, asked": ("state_dict", "", []),
        "torchvision.pth": ("model_ema", "module.", ["n_averaged"]),
        "torchvision.pth, asked": ("model", "", []),
        "averaged_module.pt": ("", "module.", ["n_averaged"]),
        "safetensors": ("", "", []),
        "pickles": ("", "", []),
        "pl.ckpt": ("state_dict", "model.", ["criterion.weight"]),
        "net.pth": ("net", "", []),
        "model_state_dict.pth": ("model_state_dict", "", []),
        "ddp.pth": ("", "module.", []),
        "compiled.pth": ("", "_orig_mod.", []),
        "old.bin": ("", "", []),
        "named_otherwise.bin": ("", "", []),
        "half.pth": ("", "", []),
        "bfloat16.pth": ("", "", []),
        "double.pth": ("", "", []),
        "views.pth": ("", "", ["counts"]),
        "views_old.pth": ("", "", ["counts"]),
        "module.pt": ("", "", []),
        "module.pth.tar": ("model", "module.", []),
    }
    off = {name: answer["off"] for name, answer in answers.items() if "off" in answer}
    assert 0 < off.pop("half.pth") < 1e-3
    assert 0 < off.pop("bfloat16.pth") < 1e-2
    assert set(off.values()) == {0.0}


@pytest.mark.timm
def test_what_is_refused_says_what_there_is(answers: dict[str, Any]) -> None:
    refused = {name: answer["refused"] for name, answer in answers.items() if "refused" in answer}
    twice = refused.pop("safetensors twice")
    assert twice.startswith("the shards of model.safetensors.index.json have ")
    assert refused == {
        "torchvision.pth, not there": "torchvision.pth has no entry 'model_emma' with tensors: "
        "it has model, model_ema"
    }


@pytest.mark.timm
def test_an_entry_is_exported_and_said(answers: dict[str, Any], folder: Path, export: Export) -> None:
    """Through the script of the source, as a run asks for it."""
    weights = {"kind": "file", "path": str(folder / "torchvision.pth"), "entry": "model"}
    assert export("timm", "test_resnet", weights).answer["weights"]["file"] == {
        "entry": "model",
        "other_entries": ["model_ema"],
        "matched": "by name",
        "prefix": "",
        "surplus": 0,
        "surplus_names": [],
    }


@pytest.mark.mmcls
def test_averages_and_preprocessors_of_openmmlab(tmp_path: Path) -> None:
    """An EMAHook keeps the weights it has replaced as buffers, with names of their own."""
    answers = _answers("mmcls", "resnet18_8xb32_in1k", MMCLS, tmp_path)
    assert answers["moved"] > 0.005  # the momentum of the first step is near a hundredth
    preprocessor, averaged = answers["mmpretrain.pth"], answers["ema.pth"]
    assert (preprocessor["off"], averaged["off"]) == (0.0, 0.0)
    assert preprocessor["surplus_names"] == ["data_preprocessor.mean", "data_preprocessor.std"]
    assert averaged["surplus_names"][0] == "ema_backbone_conv1_weight"
    assert averaged["entry"] == "state_dict"
    assert answers["labels"] == [["a", "b"], None]
