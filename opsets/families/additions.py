"""Operators whose newer form only adds to the older one: on the way up a node stays as it is.

What is new may be left out, and an attribute that is left out has the old meaning by default: more types,
axes from the back, an optional input or output, an attribute. On the way down each has an adapter.
"""

from __future__ import annotations

from opsets.registry import unchanged

WHY = "the newer form adds what may be left out, and then means the same"

ADDED_AT = {
    21: "DequantizeLinear QuantizeLinear",
    19: "AveragePool Cast CastLike Pad QuantizeLinear Resize",
    18: "LpPool OptionalGetElement OptionalHasElement Pad Resize ScatterElements ScatterND",
    16: "ScatterElements ScatterND",
    15: "BatchNormalization Shape",
    14: "GRU LSTM RNN Reshape",
    12: "ArgMax ArgMin Clip GatherND Max MaxPool Min Pow ReduceMax ReduceMin",
    11: (
        "ArgMax ArgMin Compress Concat Conv DepthToSpace Equal Flatten Gather Gemm Hardmax If LogSoftmax"
        " ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum"
        " ReduceSumSquare Scan Slice Softmax Split Squeeze TopK Unsqueeze"
    ),
    10: "AveragePool MaxPool",
    9: "Cast Flatten Gemm Greater Less MatMul",
    8: "Max MaxPool Mean Min Sum",
    7: "AveragePool",
}

for newer, operators in ADDED_AT.items():
    for operator in operators.split():
        unchanged(operator, newer - 1, newer, WHY)
