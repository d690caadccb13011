"""A small zoo for the tests of the catalogue: records of every kind, and its folder as it is published."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from publishing.benchmarks import BENCHMARK_SUFFIX, Benchmark
from publishing.benchmarks import to_json as times_to_json
from publishing.pages.catalogue import catalogue
from publishing.record import KINDS, RECORD_SUFFIX, PublishedFile, Record, to_json
from tests.publishing.pages.card_records import comparison, figure, record, runtime

THUMBNAIL = "pictures/cat-0123456789ab.jpg"
DISSENT = "opencv disagrees with the reference on noise-1"
DATA_SETS = ("noise-1", "noise-3", "pictures-1", "pictures-3")
CLASSES = ("Egyptian cat", "tabby cat", "tiger cat", "lynx", "plastic bag")


def unit(name: str, megabytes: float = 18.7, **changes: Any) -> Record:
    """Return the record of a unit with a picture, at a size of its own."""
    source, _, rest = name.partition("/")
    model, _, version = rest.partition("@")
    family = changes.setdefault("family", "repvgg")
    runtimes = changes.setdefault("runtimes", runtimes_at(int(version.partition("-")[0])))
    return record(
        name,
        predictions=[
            {
                "picture": "cat.png",
                "thumbnail": THUMBNAIL,
                "source": top5(),
                **{who: top5() for who, verdict in runtimes.items() if verdict["outcome"] == "ran"},
            }
        ],
        files={
            kind: PublishedFile(
                f"{source}/{family}/model/{model}-{version}.{kind}", round(megabytes * 1e6), "42" * 32
            )
            for kind in KINDS
        },
        **{key: value for key, value in changes.items() if key not in ("predictions", "files")},
    )


def top5() -> list[dict[str, Any]]:
    """The five most probable classes of a picture."""
    return [
        {"index": index, "label": label, "probability": 0.7 / 4**index} for index, label in enumerate(CLASSES)
    ]


def runtimes_at(opset: int, error: float = 3e-6) -> dict[str, Any]:
    """The runtimes that are asked at an opset, all of which agree."""
    names = ("onnxruntime", "openvino") if opset >= 7 else ("openvino", "opencv")
    comparisons = {name: comparison(error) for name in DATA_SETS}
    return {name: runtime(comparisons=comparisons, judge=name != "opencv") for name in names}


def zoo() -> list[Record]:
    """Return a zoo of three models, one of them with dissent, gaps and two precisions."""
    lite = {"family": "efficientnet", "origin": "lite0.pth of the package weights==0.1.0"}
    objecting = runtimes_at(5)
    wrong = comparison(0.83, passed=False, reason="relative error 0.83 is above 0.0001", top1=0.0)
    objecting["opencv"]["comparisons"] = {"noise-1": wrong, "noise-3": comparison(2e-6)}
    silent = runtimes_at(3)
    silent["opencv"] |= {"outcome": "unsupported", "reason": "no layer Sigmoid_3", "comparisons": {}}
    silent["caffe2"] = runtime("", outcome="missing", reason="no wheel", comparisons={}, judge=False)
    reported = [{"document": "timm's results", "files": [], "top1": 74.83, "top5": 92.17}]
    records = [
        unit(f"timm/tf_efficientnet_lite0@{opset}", 18.7, reported=reported, **lite) for opset in (4, 7, 12)
    ]
    records.append(unit("timm/tf_efficientnet_lite0@3", 18.8, runtimes=silent, **lite))
    dissenting = unit("timm/tf_efficientnet_lite0@5", 18.7, runtimes=objecting, **lite)
    dissenting.verdict["dissent"] = DISSENT  # type: ignore[index]
    records.append(dissenting)
    reduced = {"runtimes": runtimes_at(12, 3e-3), "reported": reported, "accuracy": [figure(36910, 50000)]}
    records.append(unit("timm/tf_efficientnet_lite0@12-int8", 5.1, **reduced, **lite))
    records += [unit(f"paddle/RepVGG_A0@{opset}", 33.2, framework="PaddlePaddle") for opset in (7, 12)]
    records.append(unit("mxnet/vgg16_bn@7", 553.5, family="vgg", framework="MXNet Gluon"))
    return records


def timed(
    name: str, sha256: str = 64 * "4", scale: float = 1.0, processor: str = "Some Processor"
) -> Benchmark:
    """Measured times of a unit: ``scale`` times 4 ms in ONNX Runtime, twice that in its framework."""

    def figures(seconds: float, batch: int, ratio: float | None) -> dict[str, Any]:
        return {
            "runs": 100,
            "median": seconds,
            "p90": 1.1 * seconds,
            "p99": 1.5 * seconds,
            "pictures_per_second": batch / seconds,
            "peak_memory": 123_000_000 + batch,
            "ratio": ratio,
        }

    def measured(title: str, version: str, factor: float) -> dict[str, Any]:
        batches = {str(batch): figures(0.008 * scale * factor * batch, batch, factor) for batch in (1, 4, 8)}
        return {"title": title, "version": version, "reason": "", "batches": batches}

    silent = {"title": "OpenCV", "version": "5.0", "reason": "it does not load the model", "batches": {}}
    return Benchmark(
        name=name,
        sha256=sha256,
        bytes=18_700_000,
        threads=2,
        pinned=[0, 1],
        rounds=10,
        processor={
            "name": processor,
            "flags": ["avx2", "avx512_vnni"],
            "processors": 4,
            "system": "Linux 6.1",
            "load": 0.25,
        },
        runtimes={
            "onnxruntime": measured("ONNX Runtime", "1.32.0", 0.5),
            "openvino": measured("OpenVINO", "2026.4.1", 0.6),
            "opencv": silent,
        },
        source=measured("PyTorch Image Models", "torch 2.9.1", 1.0),
        remark="",
    )


def times() -> list[Benchmark]:
    """Return the times of two of the models of :func:`zoo`, one of them in two precisions."""
    return [
        timed("timm/tf_efficientnet_lite0@12"),
        timed("timm/tf_efficientnet_lite0@12-int8", scale=0.4),
        timed("paddle/RepVGG_A0@12", scale=2.0),
    ]


def many(count: int, opsets: Sequence[int]) -> list[Record]:
    """Return ``count`` models at all ``opsets``, of 4 sources and 10 families, of 1 MB to ``count`` MB."""
    sources = ("timm", "torchvision", "paddle", "mmcls")
    return [
        unit(
            f"{sources[number % 4]}/net{number}_{'bn' if number % 3 == 0 else 'plain'}@{opset}",
            number + 1,
            family=f"family{number % 10}",
        )
        for number in range(count)
        for opset in opsets
    ]


def write(folder: Path, records: Sequence[Record], benchmarks: Sequence[Benchmark] = ()) -> Path:
    """Write the zoo's folder, in which models and archives are empty; the answer is its catalogue's page."""
    pages = catalogue(records, benchmarks)
    folders = {written.name: f"{written.folder}/{written.stem}" for written in records}
    for each in benchmarks:
        pages[folders[each.name] + BENCHMARK_SUFFIX] = times_to_json(each).encode()
    pages |= dict.fromkeys(("README.md", "SHA256SUMS", "ONNX_HUB_MANIFEST.json"), b"")
    for written in records:
        pages |= {file.path: b"" for file in written.files.values()}
        pages[f"{written.folder}/{written.stem}{RECORD_SUFFIX}"] = to_json(written).encode()
        pages[f"{written.source}/{written.family}/README.md"] = b""
    picture = io.BytesIO()
    Image.linear_gradient("L").resize((320, 213)).save(picture, "JPEG")
    pages[THUMBNAIL] = picture.getvalue()
    for path, content in pages.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder / "index.html"
