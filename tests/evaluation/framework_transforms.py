"""Run in the environment of a source: what its own transforms make of pictures.

``python framework_transforms.py SOURCE request.json output.npz``; the request has the paths of ``pictures``
and the names of ``models``, and for Paddle, whose wheel lacks the configurations, the steps of each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Transform = Callable[[str], Any]


def of_timm(model: str, steps: Any) -> Transform:
    import timm
    from PIL import Image
    from timm.data import create_transform, resolve_data_config

    settings = resolve_data_config({}, pretrained_cfg=timm.models.get_pretrained_cfg(model).to_dict())
    transform = create_transform(**settings)
    return lambda path: transform(Image.open(path).convert("RGB")).numpy()


def of_torchvision(model: str, steps: Any) -> Transform:
    import torchvision
    from PIL import Image

    transform = torchvision.models.get_model_weights(model).DEFAULT.transforms()
    return lambda path: transform(Image.open(path).convert("RGB")).numpy()


def of_mmcls(model: str, steps: Any) -> Transform:
    import mmcls
    import mmcv
    from mmcls.datasets.pipelines import Compose

    folder = Path(mmcls.__file__).parent / ".mim" / "configs"
    [file] = folder.rglob(f"{model}.py")
    pipeline = mmcv.Config.fromfile(str(file)).data.test.pipeline
    transform = Compose([step for step in pipeline if step["type"] != "Collect"])
    request = {"img_prefix": None}
    return lambda path: transform({**request, "img_info": {"filename": path}})["img"].numpy()


def of_paddle(model: str, steps: Any) -> Transform:
    import importlib.util
    import types

    # The module is loaded by itself: the package around it imports what an export does not need.
    place = next(
        Path(folder, "paddleclas/deploy") for folder in sys.path if Path(folder, "paddleclas").is_dir()
    )
    for name in ("paddleclas", "paddleclas.deploy", "paddleclas.deploy.python"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = []
    for name in ("paddleclas.deploy.utils", "paddleclas.deploy.utils.logger"):
        sys.modules[name] = types.ModuleType(name)
    utilities: Any = sys.modules["paddleclas.deploy.utils"]
    utilities.logger = sys.modules["paddleclas.deploy.utils.logger"]
    wanted: Any = types.ModuleType("paddleclas.deploy.python.det_preprocess")
    wanted.DetNormalizeImage = wanted.DetPadStride = wanted.DetPermute = wanted.DetResize = None
    sys.modules[wanted.__name__] = wanted
    spec = importlib.util.spec_from_file_location("preprocess", place / "python/preprocess.py")
    assert spec
    assert spec.loader
    module = sys.modules["preprocess"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    operators = module.create_operators(steps)

    def transform(path: str) -> Any:
        value: Any = Path(path).read_bytes()
        for operator in operators:
            value = operator(value)
        return value

    return transform


def main() -> None:
    source, request, output = sys.argv[1:]
    if source in ("timm", "torchvision", "mmcls"):
        from torchvision_operators import import_torchvision

        import_torchvision()
    asked = json.loads(Path(request).read_text())
    make = {"timm": of_timm, "torchvision": of_torchvision, "mmcls": of_mmcls, "paddle": of_paddle}[source]
    arrays: dict[str, Any] = {}
    for model, steps in asked["models"].items():
        transform = make(model, steps)
        for picture in asked["pictures"]:
            arrays[f"{model}|{picture}"] = np.asarray(transform(picture))
    np.savez(output, **arrays)


main()
