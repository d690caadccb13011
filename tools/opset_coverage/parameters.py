"""Which inputs of an operator say how it computes rather than what on.

Exporters write them as constants, and most were attributes once. The backend tests hold them as
graph inputs, so they are frozen before a test goes down. Inputs are named as in the operator's schema.
"""

from __future__ import annotations

REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")

PARAMETERS: dict[str, tuple[str, ...]] = {
    **{f"Reduce{kind}": ("axes",) for kind in REDUCTIONS},
    "BlackmanWindow": ("size",),
    "CenterCropPad": ("shape",),
    "Clip": ("min", "max"),
    "CumSum": ("axis",),
    "Dropout": ("ratio", "training_mode"),
    "Expand": ("shape",),
    "HammingWindow": ("size",),
    "HannWindow": ("size",),
    "MaxUnpool": ("output_shape",),
    "OneHot": ("depth",),
    "Pad": ("pads", "constant_value", "axes"),
    "Reshape": ("shape",),
    "Resize": ("roi", "scales", "sizes"),
    "Slice": ("starts", "ends", "axes", "steps"),
    "Split": ("split",),
    "Squeeze": ("axes",),
    "Tile": ("repeats",),
    "TopK": ("K",),
    "Trilu": ("k",),
    "Unsqueeze": ("axes",),
    "Upsample": ("scales",),
}
