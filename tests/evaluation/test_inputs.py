"""The fixed inputs: the same bits every time, and different enough to tell a wrong graph."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.errors import EvaluationError
from evaluation.inputs import fixed_inputs, read_npz, write_npz
from evaluation.preprocessing import Preprocessing, normalise

MODEL = Preprocessing(
    (3, 64, 48), 72, "center", "bicubic", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "RGB"
)


def png(colour: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (100, 80), colour).save(stream, "PNG")
    return stream.getvalue()


def test_the_data_sets_and_their_shapes(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png((255, 0, 0)))
    inputs = fixed_inputs(MODEL, [tmp_path / "red.png", ("grey.png", png((9, 9, 9)))], seed=0, batch=4)
    shapes = {name: array.shape for name, array in inputs.items()}
    assert shapes == {
        "noise-1": (1, 3, 64, 48),
        "noise-4": (4, 3, 64, 48),
        "pictures-1": (1, 3, 64, 48),
        "pictures-2": (2, 3, 64, 48),
    }
    assert all(array.dtype == np.float32 for array in inputs.values())
    np.testing.assert_array_equal(inputs["pictures-1"], inputs["pictures-2"][:1])
    assert list(fixed_inputs(MODEL, [("one.png", png((1, 2, 3)))], seed=0)) == [
        "noise-1",
        "noise-3",
        "pictures-1",
    ]


def test_the_bits_are_those_of_every_platform() -> None:
    inputs = fixed_inputs(MODEL, [], seed=7)
    digest = hashlib.sha256(inputs["noise-1"].tobytes() + inputs["noise-3"].tobytes()).hexdigest()
    assert digest == "27779d7165b5b349bff4f8b0e4ba77867f334f1909072176feb4fda921b2ab04"


def test_another_seed_gives_other_noise() -> None:
    first, second = (fixed_inputs(MODEL, [], seed=seed)["noise-3"] for seed in (0, 1))
    assert np.abs(first - second).mean() > 0.1


@pytest.mark.parametrize("size", [(3, 224, 224), (1, 28, 28), (3, 48, 192), (3, 1, 1)])
@pytest.mark.parametrize("seed", range(5))
def test_noise_survives_global_pooling_and_stays_a_picture(size: tuple[int, int, int], seed: int) -> None:
    channels = size[0]
    plain = Preprocessing(size, 8, "center", "nearest", (0.0,) * channels, (1.0,) * channels, "RGB")
    noise = np.concatenate(list(fixed_inputs(plain, [], seed=seed).values()))
    assert noise.min() >= 0
    assert noise.max() <= 1
    pooled = noise.mean(axis=(2, 3))
    distances = [np.abs(a - b).max() for i, a in enumerate(pooled) for b in pooled[:i]]
    assert min(distances) > 0.01
    if min(size[1:]) > 8:
        assert noise.std(axis=(2, 3)).min() > 0.01


def test_noise_has_its_colours_turned_as_pictures_have() -> None:
    """What a network takes that wants blue first is the same noise as that of plain red, green, blue."""
    bgr = replace(MODEL, mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.2), colour="BGR")
    plain = fixed_inputs(bgr.unnormalised(255), [], seed=0)
    for name, array in fixed_inputs(bgr, [], seed=0).items():
        turned = normalise(plain[name][:, ::-1] / np.float32(255), bgr)
        assert float(abs(array - turned).max()) < 1e-5


def test_noise_is_smooth() -> None:
    plain = Preprocessing((3, 224, 224), 256, "center", "nearest", (0.0,) * 3, (1.0,) * 3, "RGB")
    noise = fixed_inputs(plain, [], seed=0)["noise-3"]
    assert np.abs(np.diff(noise, axis=3)).mean() < 0.25 * noise.std(axis=(2, 3)).mean()


def test_npz_bytes_depend_on_the_arrays_alone(tmp_path: Path) -> None:
    inputs = fixed_inputs(MODEL, [], seed=0)
    write_npz(tmp_path / "a.npz", inputs)
    write_npz(tmp_path / "b.npz", {name: array.copy() for name, array in inputs.items()})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert b"\x21\x00" in (tmp_path / "a.npz").read_bytes()[:16]  # 1 January 1980
    again = read_npz(tmp_path / "a.npz")
    assert list(again) == ["noise-1", "noise-3"]
    np.testing.assert_array_equal(again["noise-3"], inputs["noise-3"])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.npz", "b.npz"]


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (("a.txt", b"no picture"), "a.txt: not a picture"),
        (("cut.png", png((1, 2, 3))[:60]), "cut.png: .*"),
        (Path("/nowhere/x.png"), "/nowhere/x.png: the picture cannot be read"),
    ],
)
def test_a_bad_picture_is_named(picture: Path | tuple[str, bytes], words: str) -> None:
    with pytest.raises(EvaluationError, match=words):
        fixed_inputs(MODEL, [picture], seed=0)


@pytest.mark.parametrize(("seed", "batch"), [(-1, 3), (0, 1), (0, 0)])
def test_seed_and_batch_are_checked(seed: int, batch: int) -> None:
    with pytest.raises(EvaluationError, match=r"seed -1|batch [01]"):
        fixed_inputs(MODEL, [], seed=seed, batch=batch)


class _Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def test_an_npz_file_of_which_a_bit_is_another_is_read_or_named(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    write_npz(file, {"noise-1": np.arange(5, dtype=np.float32)})
    whole, named = file.read_bytes(), 0
    for position in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[position] ^= 1 << bit
            file.write_bytes(flipped)
            try:
                read_npz(file)
            except EvaluationError as error:
                named += str(file) in str(error)
    assert named > len(whole)


def test_objects_in_an_npz_file_are_not_unpickled(tmp_path: Path) -> None:
    ran, file = tmp_path / "ran", tmp_path / "inputs.npz"
    np.savez(file, pictures=np.array([_Touch(ran)], dtype=object))
    with pytest.raises(EvaluationError, match=r"inputs.npz: no .npz file .* objects, which is not unpickled"):
        read_npz(file)
    assert not ran.exists()
    with np.load(file, allow_pickle=True) as archive:
        assert len(archive["pictures"]) == 1
    assert ran.exists()  # so the file would have been made


@pytest.mark.parametrize("length", [0, 1, 60, 400, -1])
def test_what_is_no_npz_file_is_named(tmp_path: Path, length: int) -> None:
    file = tmp_path / "outputs.npz"
    np.savez_compressed(file, logits=np.arange(1000, dtype=np.float32))
    os.truncate(file, length % file.stat().st_size)
    with pytest.raises(EvaluationError, match=r"outputs.npz: no .npz file of plain arrays: "):
        read_npz(file)


def test_a_member_that_was_changed_is_told(tmp_path: Path) -> None:
    file = tmp_path / "outputs.npz"
    np.savez(file, logits=np.zeros(100, np.float32))
    content = bytearray(file.read_bytes())
    content[300] ^= 1
    file.write_bytes(content)
    with pytest.raises(EvaluationError, match="Bad CRC-32"):
        read_npz(file)


def test_a_single_array_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(EvaluationError, match=r"one.npy: this is a single array"):
        read_npz(tmp_path / "one.npy")
