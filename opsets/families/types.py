"""Operators whose steps changed only the types that they accept.

A model that uses a type the older form lacks, such as bfloat16, is caught by the checker at the end.
"""

from __future__ import annotations

from opsets.registry import alike

WHY = "only the accepted types changed"

CHANGED_AT = {
    28: (
        "BitShift Cast Celu Compress DepthToSpace Einsum OneHot Optional OptionalGetElement"
        " OptionalHasElement ReduceLogSum ReduceLogSumExp ReverseSequence Unique"
    ),
    25: (
        "Cast CastLike ConstantOfShape Flatten Identity If Loop Pad Reshape Scan Shape Size Squeeze Transpose"
        " Unsqueeze"
    ),
    24: (
        "ConstantOfShape Flatten Identity If Loop Pad Reshape Scan Shape Size SplitToSequence Squeeze TopK"
        " Transpose Unsqueeze"
    ),
    23: (
        "Cast CastLike ConstantOfShape Flatten Identity If Loop Pad Reshape Scan Shape Size Squeeze Transpose"
        " Unsqueeze"
    ),
    22: (
        "Acos Acosh Asin Asinh Atan Atanh Bernoulli Cos Cosh Det Elu EyeLike HardSigmoid HardSwish"
        " LpNormalization Mish Multinomial NegativeLogLikelihoodLoss RandomNormal RandomNormalLike"
        " RandomUniform RandomUniformLike Round Selu Sin Sinh Softplus Softsign Tan ThresholdedRelu"
    ),
    21: (
        "Cast CastLike ConstantOfShape Flatten Identity If Loop Pad Reshape Scan Shape Size Squeeze Transpose"
        " Unsqueeze"
    ),
    20: "ConstantOfShape IsInf IsNaN ReduceMax ReduceMin",
    19: "Equal Identity If Loop Reshape Scan Shape Size",
    16: ("GreaterOrEqual Identity If LeakyRelu LessOrEqual PRelu Where"),
    15: "Pow",
    14: ("Add CumSum Div Identity Mul Relu Sub"),
    13: (
        "Abs Add ArgMax ArgMin Cast Ceil Clip Concat DepthToSpace Div Dropout Equal Erf"
        " Exp Expand Flatten Floor Gather GatherElements Gemm Greater Identity If LRN Less Log"
        " MatMul Max Mean Min Mod Mul Neg Pad Pow Reciprocal ReduceL1 ReduceL2 ReduceLogSum"
        " ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare Relu Reshape"
        " Shape Sigmoid Sign Size Slice SpaceToDepth Sqrt Sub Sum Tanh Tile Transpose"
    ),
}

for newer, operators in CHANGED_AT.items():
    for operator in operators.split():
        alike(operator, newer, newer - 1, WHY)
