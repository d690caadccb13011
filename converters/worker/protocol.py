"""The script's side of a worker call: read the request, do the task, write the result.

Run as ``python export.py request.json result.json`` in the source's own environment. Standard
library only, and no syntax newer than Python 3.8, because some frameworks stopped there.

Request, task ``catalogue``::

    {"task": "catalogue"}

Its result lists what can be named, the family of each model and how it wants its pictures::

    {"models": {"vgg11": {"family": "vgg",
                          "preprocessing": {"input_size": [3, 224, 224], "resize": 256,
                                            "crop_mode": "center", "interpolation": "bilinear",
                                            "mean": [...], "std": [...], "colour": "RGB"}}, ...}}

A ``family`` is what the framework keeps together, mostly a module, and what published models share a
folder by: the name in small letters, digits and ``._+-``, not beginning with one of ``.+-``.
``input_size`` is (channels, height, width); ``resize`` the length in pixels that the shorter side
gets before the crop; ``crop_mode`` one of ``center``, ``center_first`` (the
crop before it is resized: ``input_size / resize`` of the shorter side), ``squash`` (resize to the
proportion of ``input_size``, whatever the picture's, and crop) and ``border`` (fit the longer side, pad
the rest); ``interpolation`` one of ``nearest``, ``bilinear``, ``bicubic``, ``lanczos``, ``box``,
``hamming``; ``mean`` and ``std`` are for values between 0 and 1, one per channel; ``colour`` is
``RGB`` or ``BGR``. Two more keys are given where a framework does not do as torchvision does: ``library``,
``pillow`` or ``opencv``, resizes, and ``convention``, ``mmcls``, ``paddleclas`` or ``paddleclas_levels``,
is whose rounding and arithmetic it is.

Request, task ``export``::

    {"task": "export", "model": "vgg11",
     "options": {"classes": 10, "input_size": [1, 64, 64], "arguments": {"drop_rate": 0.1},
                 "output": "aux", "batch": 1, "keywords": {"num_classes": "classes", ...}},
     "weights": {"kind": "random", "seed": 0},
     "reparameterise": false, "inputs": "/.../inputs.npz", "output_folder": "/.../", "opset": 12}

``options`` is what the network is built with beside its name: the number of its logits, the channels,
height and width of its pictures, each null where the framework's own holds, and ``arguments``, further
keywords of the framework's constructor; ``keywords`` are, for messages, the keys of the pipeline file by the
keywords that they stand for. ``trusted_code`` lists the files of the user's that may be read as the model,
and run where they are code, for a source whose models are such files; where it is null, none may. ``output``
is the name, or the position from 0, of the output that is published of several; null where nobody says it,
which is an error of kind ``model`` where there are several. ``batch`` is the number of pictures that every
file is to take at a time, or null: a program that takes a fixed number alone is refused unless it is that. A
keyword that the constructor does not take is an error of kind ``model``, as are pictures that the network
cannot take. Where ``classes`` is null and the head of a weights file has another length than the
framework's, the network gets that many classes.

``inputs`` holds one float32 array (N, C, H, W) per data set. The script writes ``model.onnx`` (one
input and one output, the batch axis dynamic, or fixed where the program's own is) and ``outputs.npz`` (the
logits of the framework in eval mode, float32 (N, classes), under the same names), and answers::

    {"opset": 12, "exporter": "torch.onnx.export", "parameters": 132863336,
     "head": {"classes": 10, "from": "the pipeline file"},
     "weights": {"origin": "random weights, seed 0", "sha256": null, "tensors": 22}}

``opset`` is that of the file, ``parameters`` the number of learned values of the network, ``head`` the
number of its logits and who said so: ``the framework``, ``the pipeline file`` or ``the weights file``;
``weights.origin`` a sentence for the record, ``weights.sha256`` the digest of the file that the
framework downloaded itself, or null. With ``reparameterise`` the outputs come from the network's form
for training, ``model.onnx`` holds its form for inference, and the answer has ``"reparameterised": 22``,
the number of blocks that were fused, and ``"training_parameters"``, the learned values that they were
fused from (``parameters`` are those of the file); a network without such blocks is an error of kind
``model``. Where the model or its checkpoint says what its classes are called, the answer has ``"labels":
{"names": ["cat", "dog"], "origin": "the checkpoint net.pth"}``, in the order of the logits.
Where the network has several outputs, the answer has ``"output": {"index": 1, "name": "aux", "of": 2}``, the
one that was taken; the name is empty where it has none.
Where a network is not built as the framework has it, but repaired, or as a file of the user's says, it has
``"form"``, a few words on that for the record; and where that file is based on files of the framework's
package, ``"packaged_code"``, the sha256 of these by their names. Such a model may also say of its classes
``"labels": {"file": "/.../classes.txt", "origin": "the config net.py"}``, where their names are.

Request, task ``preprocessing``, of a source whose models may be configs of the user's: how such a model wants
its pictures, in the form of the catalogue::

    {"task": "preprocessing", "model": "/.../net.py", "options": {...}}
    {"preprocessing": {"input_size": [3, 224, 224], ...}}

Weights of a file are asked for as ``{"kind": "file", "path":
"/.../w.pth"}``, and of a source that takes one of several sets of tensors in it, also with ``"entry":
"model_ema"``, the set, and with ``"shards": ["/.../w-1.safetensors", ...]`` where ``path`` is the index of
these. Such a source answers in ``weights`` with what it took::

    {"file": {"entry": "model_ema", "other_entries": ["model"], "matched": "by name", "prefix": "module.",
              "surplus": 1, "surplus_names": ["n_averaged"]}}

``entry`` is empty where the file is one set, ``surplus`` the number of tensors in it that no layer needs, and
``surplus_names`` the first of them.

Request, task ``outputs``: the answers of the same network to other pictures::

    {"task": "outputs", "model": "vgg11", "options": {...}, "weights": {"kind": "random", "seed": 0},
     "inputs": "/.../inputs.npz", "pictures": "/.../pictures.npz", "output_folder": "/.../"}

``inputs`` are those of ``export``, as random weights depend on them; ``pictures`` holds arrays of the same
kind. The script writes ``outputs.npz``, what the network that ``export`` would compute its outputs with
answers to ``pictures``, and no ONNX file. The answer has nothing in it.

Request, task ``trace``, the same with one array in ``pictures``, and its result: what each layer of that
network answers with on the way, in the order in which they do, and last the network itself. The arrays, of
floats, are ``.npy`` files in ``output_folder``::

    {"task": "trace", "model": "vgg11", "options": {...}, "weights": {"kind": "random", "seed": 0},
     "inputs": "/.../inputs.npz", "pictures": "/.../pictures.npz", "output_folder": "/.../"}
    {"layers": [{"name": "features.0", "kind": "Conv2d", "file": "0.npy"}, ...]}

A network that does not show its layers is an error of kind ``model``.

Request, task ``details``, and its result: what is known of networks that are built and given no weights::

    {"task": "details", "models": ["vgg11", ...]}
    {"models": {"vgg11": {"parameters": 132863336, "bytes": 531453344, "pretrained": true}, ...}}

``parameters`` is the number of learned values, ``bytes`` those of all tensors that the ONNX file will hold,
about, and ``pretrained`` whether the framework offers weights of its own for the model. A model that cannot
be built is left out of the result.

Request, task ``latency``: the network of an export, built in the same way with the weights of the request,
computes when it is told to, through the pipes ``turns`` and ``answers``. ``inputs`` holds an array for each
batch, under its size; the network uses ``threads`` threads on ``processors``. ``modules`` is the folder of
the module ``turns``, which serves the pipes. The result names the framework::

    {"task": "latency", "model": "vgg11", "options": {...}, "weights": {"kind": "random", "seed": 0},
     "reparameterise": false, "inputs": "/.../inputs.npz", "threads": 2, "processors": [0, 1],
     "turns": "/...", "answers": "/...", "modules": "/..."}
    {"version": "torch 2.9.1"}

Every result has a ``status``: ``ok``, or ``failed`` with ``kind`` and ``message``. ``kind`` is
``model`` (no such model), ``weights`` (they do not fit, or are not safe to load), ``export`` (the
exporter cannot say this model) or ``framework`` (anything unforeseen; the traceback is in the log).
"""

from __future__ import annotations

import difflib
import json
import os
import sys
import threading
import time
import traceback
from typing import Any, Callable, Dict, Iterable, Mapping

Task = Callable[[Dict[str, Any]], Dict[str, Any]]

MODEL, WEIGHTS, EXPORT, FRAMEWORK = "model", "weights", "export", "framework"


class TaskError(Exception):
    """A failure that was foreseen; it reaches the user as ``message``, without a traceback."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def unknown_model(name: str, names: Iterable[str]) -> TaskError:
    """The error of a request for ``name``, where ``names`` are all that there are."""
    near = difflib.get_close_matches(name, list(names), n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "list the models of the source to see its names"
    return TaskError(MODEL, f"there is no model {name!r}: {hint}")


def _leave_with_parent() -> None:
    """End this process soon after its parent did, so that a killed run leaves no worker behind."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _answer(tasks: Mapping[str, Task], request: Dict[str, Any]) -> Dict[str, Any]:
    try:
        return {"status": "ok", **tasks[request["task"]](request)}
    except TaskError as error:
        return {"status": "failed", "kind": error.kind, "message": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever a framework raises is an answer, not a crash
        traceback.print_exc()
        return {"status": "failed", "kind": FRAMEWORK, "message": f"{type(error).__name__}: {error}"}


def main(tasks: Mapping[str, Task]) -> None:
    """Serve one request; exit code 0 when it was done, 1 when the result says why not."""
    _leave_with_parent()
    request_file, result_file = sys.argv[1:3]
    with open(request_file, encoding="utf-8") as stream:
        request = json.load(stream)
    answer = _answer(tasks, request)
    with open(result_file + ".part", "w", encoding="utf-8") as stream:
        json.dump(answer, stream, indent=1)
    os.replace(result_file + ".part", result_file)
    sys.stdout.flush()
    sys.stderr.flush()
    # Some frameworks crash while they tear down their threads; the result is complete by now.
    os._exit(0 if answer["status"] == "ok" else 1)
