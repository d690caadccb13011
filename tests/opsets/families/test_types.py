"""Every claim that a step, down or up, changes nothing, executed on both sides of the step."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

import opsets
from opsets.facts.versions import since_version
from opsets.registry import ADAPTERS, IMPOSSIBLE, UNCHANGED, Step
from tests.opsets.comparing import assert_same_numbers, brought_to, inputs_for, parse, text_of
from tests.opsets.families.layers import LAYERS

BOTH = "float[2,3,4] x, float[2,3,4] y"
ONE = "float[2,3,4] x"
GATHERED = "<int64[2] i = {2,-1}>"

# Per operator one or more graphs: inputs, outputs, constants, and the node or nodes.
GRAPHS: dict[str, list[str]] = {
    "Add": [f"g ({BOTH}) => (float[2,3,4] z) {{ z = Add(x, y) }}"],
    "ArgMax": [
        f"g ({ONE}) => (int64[2,4] z) {{ z = ArgMax<axis=-2, keepdims=0, select_last_index=1>(x) }}",
        f"g ({ONE}) => (int64[2,4] z) {{ z = ArgMax<axis=1, keepdims=0>(x) }}",
    ],
    "ArgMin": [f"g ({ONE}) => (int64[2,1,4] z) {{ z = ArgMin<axis=1>(x) }}"],
    "Cast": [
        f"g ({ONE}) => (int64[2,3,4] z) {{ z = Cast<to=7>(x) }}",
        "g (int64[2,3] x) => (float[2,3] z) { z = Cast<to=1>(x) }",
        "g (bool[2,3] x) => (float[2,3] z) { z = Cast<to=1>(x) }",
    ],
    "Clip": [
        f"g ({ONE}) => (float[2,3,4] z) <float a = {{-1}}, float b = {{1}}> {{ z = Clip(x, a, b) }}",
        f"g ({ONE}) => (float[2,3,4] z) <float b = {{1}}> {{ z = Clip(x, , b) }}",
        f"g ({ONE}) => (float[2,3,4] z) {{ z = Clip(x) }}",
    ],
    "Concat": [f"g ({BOTH}) => (float[2,3,8] z) {{ z = Concat<axis=2>(x, y) }}"],
    "BitShift": [
        """g (uint8[2] x) => (uint8[2] z) <uint8[2] n = {1,2}> { z = BitShift<direction="LEFT">(x, n) }"""
    ],
    "Compress": ["g (float[3,2] x) => (float[2,2] z) <bool[3] c = {1,0,1}> { z = Compress<axis=0>(x, c) }"],
    "ConstantOfShape": [
        "g (float[N,2] x) => (float[N,2] z) { s = Shape(x) z = ConstantOfShape<value=float[1] {2}>(s) }"
    ],
    "CumSum": [
        f"g ({ONE}) => (float[2,3,4] z) <int64 i = {{-2}}> {{ z = CumSum<exclusive=1, reverse=1>(x, i) }}"
    ],
    "DepthToSpace": [
        "g (float[1,8,2,3] x) => (float[1,2,4,6] z) { z = DepthToSpace<blocksize=2>(x) }",
        *(
            f"""g (float[1,8,2,3] x) => (float[1,2,4,6] z)
            {{ z = DepthToSpace<blocksize=2, mode="{mode}">(x) }}"""
            for mode in ("DCR", "CRD")
        ),
    ],
    "Dropout": [f"g ({ONE}) => (float[2,3,4] z) <float r = {{0.75}}> {{ z = Dropout(x, r) }}"],
    "Det": ["g (float[2,3,3] x) => (float[2] z) { z = Det(x) }"],
    "Einsum": [
        """g (float[2,3] x, float[3,4] y) => (float[4,2] z) { z = Einsum<equation="ij,jk->ki">(x, y) }"""
    ],
    "EyeLike": ["g (float[N,3] x) => (float[N,3] z) { z = EyeLike<k=1>(x) }"],
    "Expand": ["g (float[3,1] x) => (float[2,3,4] z) <int64[3] s = {2,1,4}> { z = Expand(x, s) }"],
    "Flatten": [f"g ({ONE}) => (float[6,4] z) {{ z = Flatten<axis={axis}>(x) }}" for axis in (-1, 2)],
    "Gather": [f"g ({ONE}) => (float[2,2,4] z) {GATHERED} {{ z = Gather<axis=1>(x, i) }}"],
    "GatherElements": [
        "g (float[2,3] x) => (float[2,2] z) <int64[2,2] i = {0,-1,2,1}> { z = GatherElements<axis=1>(x, i) }"
    ],
    "Gemm": [
        """g (float[2,3] x, float[4,3] w, float[4] c) => (float[2,4] z)
        { z = Gemm<alpha=0.5, beta=2.0, transB=1>(x, w, c) }""",
        "g (float[2,3] x, float[3,4] w) => (float[2,4] z) { z = Gemm(x, w) }",
    ],
    "Identity": [f"g ({ONE}) => (float[2,3,4] z) {{ z = Identity(x) }}"],
    "If": [
        """g (float[2,3] x, bool c) => (float[2,3] z) {
            z = If (c) <
                then_branch = yes () => (float[2,3] a) { a = Neg(x) },
                else_branch = no () => (float[2,3] b) { b = Abs(x) }
            >
        }"""
    ],
    "LRN": ["g (float[1,6,2,2] x) => (float[1,6,2,2] z) { z = LRN<size=3, alpha=0.5, bias=2.0>(x) }"],
    "LeakyRelu": [f"g ({ONE}) => (float[2,3,4] z) {{ z = LeakyRelu<alpha=0.3>(x) }}"],
    "Log": [f"g ({ONE}) => (float[2,3,4] z) {{ a = Abs(x) z = Log(a) }}"],
    "MatMul": ["g (float[2,3,4] x, float[4,5] y) => (float[2,3,5] z) { z = MatMul(x, y) }"],
    "Mod": [
        "g (int64[2,3] x, int64[2,3] y) => (int64[2,3] z) { n = Neg(x) z = Mod(n, y) }",
        f"g ({BOTH}) => (float[2,3,4] z) {{ z = Mod<fmod=1>(x, y) }}",
    ],
    "OneHot": [
        """g (int64[3] x) => (float[3,4] z)
        <int64 d = {4}, float[2] v = {-1,2}> { z = OneHot<axis=1>(x, d, v) }"""
    ],
    "PRelu": ["g (float[2,3,4] x, float[3,1] s) => (float[2,3,4] z) { z = PRelu(x, s) }"],
    "Pad": [
        f"""g (float[2,3] x) => (float[5,4] z) <int64[4] p = {{1,0,2,1}}, float v = {{0.5}}>
        {{ z = Pad<mode="{mode}">(x, p, v) }}"""
        for mode in ("constant", "edge")
    ]
    + ["g (float[3,4] x) => (float[5,4] z) <int64[4] p = {1,1,1,-1}> { z = Pad(x, p) }"],
    "Pow": ["g (float[2,3] x, float[3] e) => (float[2,3] z) { a = Abs(x) z = Pow(a, e) }"],
    "Reshape": [f"g ({ONE}) => (float[2,12] z) <int64[2] s = {{0,-1}}> {{ z = Reshape(x, s) }}"],
    "ReverseSequence": [
        "g (float[3,2] x) => (float[3,2] z) <int64[2] n = {3,2}> { z = ReverseSequence(x, n) }"
    ],
    "Shape": ["g (float[N,3,4] x) => (int64[3] z) { z = Shape(x) }"],
    "Size": ["g (float[N,3,4] x) => (int64 z) { z = Size(x) }"],
    "Slice": [
        """g (float[2,3,4] x) => (float[2,2,2] z)
        <int64[2] a = {-1,3}, int64[2] b = {-3,-10}, int64[2] c = {1,-1}, int64[2] d = {-1,-2}>
        { z = Slice(x, a, b, c, d) }""",
        "g (float[4,3] x) => (float[2,3] z) <int64[1] a = {1}, int64[1] b = {3}> { z = Slice(x, a, b) }",
    ],
    "SpaceToDepth": ["g (float[1,2,4,6] x) => (float[1,8,2,3] z) { z = SpaceToDepth<blocksize=2>(x) }"],
    "Split": [
        "g (float[2,6] x) => (float[2,2] z, float[2,4] y) { z, y = Split<axis=1, split=[2,4]>(x) }",
        "g (float[4,3] x) => (float[2,3] z, float[2,3] y) { z, y = Split(x) }",
    ],
    "Squeeze": [
        "g (float[2,1,3] x) => (float[2,3] z) <int64[1] a = {-2}> { z = Squeeze(x, a) }",
        "g (float[2,1,3] x) => (float[2,3] z) { z = Squeeze<axes=[1]>(x) }",
    ],
    "Sqrt": [f"g ({ONE}) => (float[2,3,4] z) {{ a = Abs(x) z = Sqrt(a) }}"],
    "Tile": ["g (float[2,3] x) => (float[4,9] z) <int64[2] r = {2,3}> { z = Tile(x, r) }"],
    "TopK": [
        f"""g (float[2,5] x) => (float[2,2] z, int64[2,2] i) <int64[1] k = {{2}}>
        {{ z, i = TopK{largest}(x, k) }}"""
        for largest in ("<largest=0>", "")
    ],
    "Transpose": [
        f"g ({ONE}) => (float[4,2,3] z) {{ z = Transpose<perm=[2,0,1]>(x) }}",
        f"g ({ONE}) => (float[4,3,2] z) {{ z = Transpose(x) }}",
    ],
    "Unique": ["g (float[5] x) => (float[M] z) { a = Round(x) z = Unique(a) }"],
    "Unsqueeze": [
        "g (float[2,3] x) => (float[2,1,3] z) <int64[1] a = {-2}> { z = Unsqueeze(x, a) }",
        "g (float[2,3] x) => (float[2,1,3] z) { z = Unsqueeze<axes=[1]>(x) }",
    ],
    "GatherND": ["g (float[2,3] x) => (float[2] z) <int64[2,2] i = {0,2,1,-1}> { z = GatherND(x, i) }"],
    "NonZero": ["g (int64[2,3] x) => (int64[2,M] z) { z = NonZero(x) }"],
    "NonMaxSuppression": [
        """g (float[1,2,4] x) => (int64[M,3] z) <int64 n = {2}, float t = {0.5}> {
            a = Abs(x) s = ReduceMax<axes=[2]>(a) u = Transpose<perm=[0,2,1]>(s)
            z = NonMaxSuppression(a, u, n, t)
        }"""
    ],
    "ScatterElements": [
        """g (float[2,3] x, float[2,2] u) => (float[2,3] z) <int64[2,2] i = {0,-1,2,1}>
        { z = ScatterElements<axis=1>(x, i, u) }"""
    ],
    "ScatterND": [
        """g (float[3,2] x, float[2,2] u) => (float[3,2] z)
        <int64[2,1] i = {2,0}> { z = ScatterND(x, i, u) }"""
    ],
    "Loop": [
        """g (float[2,3] x) => (float[2,3] z, float[3,2,3] all) <int64 n = {3}, bool c = {1}> {
            z, all = Loop (n, c, x) <
                body = step (int64 i, bool k, float[2,3] a) => (bool l, float[2,3] b, float[2,3] d)
                { l = Identity(k) b = Add(a, x) d = Neg(b) }
            >
        }"""
    ],
    "Scan": [
        """g (float[2] x, float[3,2] y) => (float[2] z, float[3,2] all) {
            z, all = Scan <
                num_scan_inputs = 1,
                body = step (float[2] a, float[2] e) => (float[2] b, float[2] d) { b = Add(a, e) d = Neg(b) }
            > (x, y)
        }"""
    ],
    "Where": ["g (bool[2,1] c, float[2,3] x, float[3] y) => (float[2,3] z) { z = Where(c, x, y) }"],
}

for name in [
    "Abs",
    "Asinh",
    "Atan",
    "Ceil",
    "Celu",
    "Cos",
    "Cosh",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "HardSigmoid",
    "HardSwish",
    "Mish",
    "Neg",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
]:
    GRAPHS[name] = [f"g ({ONE}) => (float[2,3,4] z) {{ z = {name}(x) }}"]
for name in ("Div", "Mul", "Sub"):
    GRAPHS[name] = [f"g (float[2,3,4] x, float[3,1] y) => (float[2,3,4] z) {{ z = {name}(x, y) }}"]
for name in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
    GRAPHS[name] = [
        f"g ({kind}[2,3,4] x, {kind}[3,1] y) => (bool[2,3,4] z) {{ z = {name}(x, y) }}"
        for kind in ("float", "int64")
    ]
for name in ("Max", "Mean", "Min", "Sum"):
    GRAPHS[name] = [
        f"g (float[2,3,4] x, float[3,1] y, float[4] u) => (float[2,3,4] z) {{ z = {name}(x, y, u) }}",
        f"g ({ONE}) => (float[2,3,4] z) {{ z = {name}(x) }}",
    ]
for name in ("Hardmax", "LogSoftmax", "Softmax"):
    GRAPHS[name] = [f"g ({ONE}) => (float[2,3,4] z) {{ z = {name}<axis=1>(x) }}"]
for name in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"):
    GRAPHS[f"Reduce{name}"] = [
        f"g ({ONE}) => (float[2] z) {{ a = Abs(x) z = Reduce{name}<axes=[1,-1], keepdims=0>(a) }}",
        f"g ({ONE}) => (float[2,1,1] z) {{ a = Abs(x) z = Reduce{name}<axes=[1,2]>(a) }}",
        f"g ({ONE}) => (float[1,1,1] z) {{ a = Abs(x) z = Reduce{name}(a) }}",
        f"""g ({ONE}) => (float[2] z) <int64[2] i = {{1,2}}>
        {{ a = Abs(x) z = Reduce{name}<keepdims=0>(a, i) }}""",
    ]


def is_valid(opset: int, text: str) -> bool:
    """Whether the checker accepts the graph at ``opset``: forms differ in what is an input."""
    try:
        parse(opset, text)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, onnx.parser.ParseError):
        return False
    return True


for name in ("Acos", "Asin", "Atanh"):
    GRAPHS[name] = [f"g ({ONE}) => (float[2,3,4] z) {{ a = Sigmoid(x) z = {name}(a) }}"]
GRAPHS["Acosh"] = [f"g ({ONE}) => (float[2,3,4] z) {{ a = Abs(x) b = Exp(a) z = Acosh(b) }}"]
SPECIAL = "g (float[2,3] x) => (bool[2,3] z) <float o = {0}>"
GRAPHS["IsInf"] = [f"{SPECIAL} {{ a = Div(x, o) z = IsInf(a) }}"]
GRAPHS["IsNaN"] = [f"{SPECIAL} {{ a = Div(x, o) b = Mul(a, o) z = IsNaN(b) }}"]
GRAPHS["MeanVarianceNormalization"] = [
    f"g ({ONE}) => (float[2,3,4] z) {{ z = MeanVarianceNormalization<axes=[0,2]>(x) }}"
]
for name, output in (("NegativeLogLikelihoodLoss", "z"), ("SoftmaxCrossEntropyLoss", "z, u")):
    GRAPHS[name] = [
        f"""g (float[2,5,3] x, int64[2,3] t, float[5] w) => (float z)
        {{ z = {name}<ignore_index=2>(x, t, w) }}""",
        f"""g (float[2,5,3] x, int64[2,3] t) => (float[2,3] z)
        {{ {output} = {name}<reduction="none">(x, t) }}""",
    ]
GRAPHS["CastLike"] = ["g (float[2,3] x, int64[1] t) => (int64[2,3] z) { z = CastLike(x, t) }"]
GRAPHS["LpNormalization"] = [f"g ({ONE}) => (float[2,3,4] z) {{ z = LpNormalization<axis=1, p=1>(x) }}"]
GRAPHS["SplitToSequence"] = [
    "g (float[2,N,4] x) => (float[2,1,4] z) <int64 i = {1}> {"
    " s = SplitToSequence<axis=1>(x) z = SequenceAt(s, i) }"
]
# Probabilities of 0 and 1 leave nothing to chance; elsewhere a seed draws the same each time.
GRAPHS["Bernoulli"] = [
    f"g ({ONE}) => (float[2,3,4] z) <float o = {{0}}> {{ c = Less(x, o) a = Cast<to=1>(c) z = Bernoulli(a) }}"
]
GRAPHS["Multinomial"] = [  # logits far apart, short of an overflow, which OpenVINO does not survive
    "g (float[2,5] x) => (int32[2,9] z) <float o = {30}>"
    " { a = Mul(x, o) z = Multinomial<sample_size=9, seed=2.0>(a) }"
]
for name in ("RandomNormal", "RandomUniform"):
    GRAPHS[name] = [f"g ({ONE}) => (float[2,3,4] z) {{ a = {name}<shape=[3,4], seed=2.0>() z = Mul(x, a) }}"]
    GRAPHS[f"{name}Like"] = [f"g ({ONE}) => (float[2,3,4] z) {{ z = {name}Like<seed=2.0>(x) }}"]
GRAPHS["Optional"] = GRAPHS["OptionalGetElement"] = [
    "g (float[2,3] x) => (float[2,3] z) { o = Optional(x) y = OptionalGetElement(o) z = Identity(y) }"
]
GRAPHS["OptionalHasElement"] = ["g (float[2,3] x) => (bool z) { o = Optional(x) z = OptionalHasElement(o) }"]
GRAPHS |= LAYERS

DRAWN = ("Bernoulli", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
"""Random numbers: onnxruntime has none at 22 and OpenVINO draws others; onnx's reference goes by the seed."""

# Below 7 operands have one shape, and the checker does not look.
OF_ONE_SHAPE = {
    name: [f"g ({BOTH}) => (float[2,3,4] z) {{ z = {name}(x, y) }}"]
    for name in ("Add", "Div", "Max", "Mean", "Min", "Mul", "Sub", "Sum")
} | {"PRelu": ["g (float[2,3,4] x, float[3] s) => (float[2,3,4] z) { z = PRelu(x, s) }"]}

SPREAD_AT = dict.fromkeys(("Max", "Mean", "Min", "Sum"), 8)
"""Operators whose operands may differ in shape since another opset than 7."""


def graphs_for(step_: Step) -> list[str]:
    """The graphs of the operator that both sides of the step accept."""
    operator, *sides = step_
    of_one_shape = min(sides) < SPREAD_AT.get(operator, 7) and operator in OF_ONE_SHAPE
    graphs = OF_ONE_SHAPE if of_one_shape else GRAPHS
    return [text for text in graphs.get(operator, []) if all(is_valid(opset, text) for opset in sides)]


CASES = {claim: graphs_for(claim) for claim in UNCHANGED}


def name_of(claim: Step) -> str:
    return "-".join(map(str, claim))


def test_every_claim_has_a_case() -> None:
    assert not sorted(claim for claim, graphs in CASES.items() if not graphs)
    assert set(GRAPHS) == {operator for operator, *_ in UNCHANGED}, "a case without a claim"


@pytest.mark.parametrize("claim", UNCHANGED, ids=name_of)
def test_a_claim_holds_in_a_runtime(claim: Step) -> None:
    operator, leaves, reaches = claim
    for text in CASES[claim]:
        before = parse(leaves, text)
        after, same = (brought_to(before, opset) for opset in (reaches, leaves))
        assert operator in {node.op_type for node in after.graph.node}
        assert text_of(after) == text_of(same)  # where axes may count from the front only
        if operator in DRAWN:
            numbers = inputs_for(before)
            expected, found = (ReferenceEvaluator(model).run(None, numbers) for model in (before, after))
            np.testing.assert_array_equal(found, expected)
        else:
            numbers = inputs_for(before)
            if operator == "Equal":  # of numbers that are no two alike, none is
                numbers["y"] = numbers["x"][0, :, :1]
            assert_same_numbers(before, after, numbers)


OPTIONAL = onnx.defs.OpSchema.FormalParameterOption.Optional


def defaults(schema: onnx.defs.OpSchema) -> dict[str, str]:
    return {name: str(attribute.default_value) for name, attribute in schema.attributes.items()}


@pytest.mark.parametrize("claim", UNCHANGED, ids=name_of)
def test_a_claim_is_of_one_signature(claim: Step) -> None:
    """A new attribute, another default or another number of inputs is a change.

    On the way up all of these may be added, as long as a node need not have them.
    """
    operator, leaves, reaches = claim
    from_, to = (onnx.defs.get_schema(operator, opset, "") for opset in (leaves, reaches))
    kept = {name: value for name, value in defaults(to).items() if name in defaults(from_)}
    assert kept == {
        name: value
        for name, value in defaults(from_).items()
        if name != "consumed_inputs"  # optional, and the way up drops it
    }
    for name in set(defaults(to)) - {*kept, "consumed_inputs"}:
        assert reaches > leaves
        assert not to.attributes[name].required
    for given, taken in ((from_.inputs, to.inputs), (from_.outputs, to.outputs)):
        options = [value.option for value in given] + [OPTIONAL] * (len(taken) - len(given))
        assert reaches > leaves or len(given) == len(taken)
        for option, value in zip(options, taken, strict=True):
            assert value.option == option or (reaches > leaves and value.option == OPTIONAL)


@pytest.mark.parametrize("operator", ["Add", "Relu"])
def test_a_type_that_the_older_form_lacks_is_refused(operator: str) -> None:
    inputs = "x, x" if operator == "Add" else "x"
    model = parse(14, f"g (int8[2] x) => (int8[2] y) {{ y = {operator}({inputs}) }}")
    message = rf"{operator} \(node 'y'\), opset 14 to 13: input 0 may not be tensor\(int8\).* below opset 14$"
    with pytest.raises(opsets.RetargetError, match=message):
        opsets.retarget(model, 12)


def test_every_entry_is_a_boundary_and_has_one_place() -> None:
    claims = [*ADAPTERS, *UNCHANGED, *IMPOSSIBLE]
    assert len(claims) == len(set(claims))
    for operator, *sides in claims:
        newer = max(sides)
        assert since_version(operator, newer) == newer, f"{operator} did not change at {newer}"


@pytest.mark.parametrize("step_", IMPOSSIBLE, ids=name_of)
def test_what_is_impossible_has_a_reason(step_: Step) -> None:
    assert len(IMPOSSIBLE[step_].split()) > 3
