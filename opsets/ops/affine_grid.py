"""AffineGrid: new at 20."""

from __future__ import annotations

import numpy as np

from opsets.errors import CannotAdapt
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("AffineGrid", 20, 19)
def affine_grid_20_to_19(rewrite: Rewrite) -> None:
    """The points of a constant grid, each with a 1, times the transposed matrices: its definition."""
    theta, size = rewrite.required(0), rewrite.lengths_in(rewrite.required(1))
    lengths = [] if size is None else list(size[2:])
    if not lengths or not all(isinstance(length, int) for length in lengths):
        raise CannotAdapt("the size of its grid is not fixed")
    aligned = rewrite.integer("align_corners", 0)
    axes = [_points(length, bool(aligned)) for length in lengths]
    mesh = np.meshgrid(*axes, indexing="ij")[::-1]  # the innermost axis is named first
    points = np.stack([*mesh, np.ones_like(mesh[0])], axis=-1).reshape(-1, len(lengths) + 1)
    grid = rewrite.initializer(points.astype(rewrite.kind(theta)), "points")
    placed = rewrite.add("MatMul", [grid, rewrite.add("Transpose", [theta], {"perm": [0, 2, 1]})])
    target = rewrite.initializer(np.array([-1, *lengths, len(lengths)], dtype=np.int64), "shape")
    rewrite.replace(rewrite.add("Reshape", [placed, target]))


def _points(length: int, aligned: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """From -1 to 1: the centres of the first and last element if ``aligned``, else their outer edges."""
    if aligned:
        return np.linspace(-1, 1, length) if length > 1 else np.array([-1.0])
    return (2 * np.arange(length) + 1) / length - 1
