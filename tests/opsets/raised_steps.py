"""One graph, or a few, for each adapter of the way up, before and after its step: see test_raising.py."""

from __future__ import annotations

import re

from opsets.registry import Step

ONE = "g (float[2,3,4] x) => (float[2,3,4] z)"
IMAGE = "float[1,2,4,6] x"

STEPS: dict[Step, list[tuple[str, str]]] = {
    ("Concat", 3, 4): [
        (
            "g (float[2,3] x, float[2,3] y) => (float[2,6] z) { z = Concat(x, y) }",
            "g (float[2,3] x, float[2,3] y) => (float[2,6] z) { z = Concat<axis=1>(x, y) }",
        )
    ],
    ("Reshape", 4, 5): [
        (
            "g (float[2,3,4] x) => (float[2,12] z) { z = Reshape<shape=[0,-1]>(x) }",
            "g (float[2,3,4] x) => (float[2,12] z) <int64[2] z_shape = {0,-1}> { z = Reshape(x, z_shape) }",
        )
    ],
    ("Selu", 5, 6): [
        (
            f"{ONE} {{ z = Selu<consumed_inputs=[0]>(x) }}",
            f"{ONE} {{ z = Selu<alpha=1.6732, gamma=1.0507>(x) }}",
        )
    ],
    ("PRelu", 6, 7): [
        (
            "g (float[2,3,4,5] x, float[3] s) => (float[2,3,4,5] z) { z = PRelu(x, s) }",
            """g (float[2,3,4,5] x, float[3] s) => (float[2,3,4,5] z)
            { z_Unsqueeze = Unsqueeze<axes=[1,2]>(s) z = PRelu(x, z_Unsqueeze) }""",
        ),
        (
            "g (float[2,3] x, float[3] s) => (float[2,3] z) { z = PRelu(x, s) }",
            "g (float[2,3] x, float[3] s) => (float[2,3] z) { z = PRelu(x, s) }",
        ),
    ],
    ("Gemm", 6, 7): [
        (
            "g (float[2,3] x, float[3,4] w, float[4] c) => (float[2,4] z) { z = Gemm<broadcast=1>(x, w, c) }",
            "g (float[2,3] x, float[3,4] w, float[4] c) => (float[2,4] z) { z = Gemm(x, w, c) }",
        )
    ],
    ("BatchNormalization", 6, 7): [
        (
            f"""g ({IMAGE}, float[2] s, float[2] b, float[2] m) => (float[1,2,4,6] z) <float[2] v = {{0.5,2}}>
            {{ z = BatchNormalization<is_test=1, spatial=1>(x, s, b, m, v) }}""",
            f"""g ({IMAGE}, float[2] s, float[2] b, float[2] m) => (float[1,2,4,6] z) <float[2] v = {{0.5,2}}>
            {{ z = BatchNormalization<spatial=1>(x, s, b, m, v) }}""",
        )
    ],
    ("BatchNormalization", 8, 9): [
        (
            f"""g ({IMAGE}, float[2] s, float[2] b, float[2] m) => (float[1,2,4,6] z) <float[2] v = {{0.5,2}}>
            {{ z = BatchNormalization<spatial=1, momentum=0.5>(x, s, b, m, v) }}""",
            f"""g ({IMAGE}, float[2] s, float[2] b, float[2] m) => (float[1,2,4,6] z) <float[2] v = {{0.5,2}}>
            {{ z = BatchNormalization<momentum=0.5>(x, s, b, m, v) }}""",
        )
    ],
    ("BatchNormalization", 13, 14): [
        (
            f"""g ({IMAGE}, float[2] s, float[2] b, float[2] m) => (float[1,2,4,6] z) <float[2] v = {{0.5,2}}>
            {{ z = BatchNormalization(x, s, b, m, v) }}""",
            f"""g ({IMAGE}, float[2] s, float[2] b, float[2] m) => (float[1,2,4,6] z) <float[2] v = {{0.5,2}}>
            {{ z = BatchNormalization(x, s, b, m, v) }}""",
        )
    ],
    ("Dropout", 6, 7): [
        (
            f"{ONE} {{ a = Neg(x) b, mask = Dropout<is_test=1, ratio=0.7>(a) z = Abs(b) }}",
            f"{ONE} {{ a = Neg(x) z = Abs(a) }}",
        )
    ],
    ("Dropout", 9, 10): [
        (f"{ONE} {{ a = Neg(x) b = Dropout<ratio=0.7>(a) z = Abs(b) }}", f"{ONE} {{ a = Neg(x) z = Abs(a) }}")
    ],
    ("Dropout", 11, 12): [
        (f"{ONE} {{ a = Neg(x) b = Dropout<ratio=0.7>(a) z = Abs(b) }}", f"{ONE} {{ a = Neg(x) z = Abs(a) }}")
    ],
    ("Upsample", 6, 7): [
        (
            f"""g ({IMAGE}) => (float[1,2,8,18] z)
            {{ z = Upsample<mode="{old}", height_scale=2.0, width_scale=3.0>(x) }}""",
            f"""g ({IMAGE}) => (float[1,2,8,18] z)
            {{ z = Upsample<mode="{new}", scales=[1.0,1.0,2.0,3.0]>(x) }}""",
        )
        for old, new in (("nearest", "nearest"), ("bilinear", "linear"))
    ],
    ("Upsample", 8, 9): [
        (
            f"""g ({IMAGE}) => (float[1,2,8,6] z) {{ z = Upsample<scales=[1.0,1.0,2.0,1.0]>(x) }}""",
            f"""g ({IMAGE}) => (float[1,2,8,6] z) <float[4] z_scales = {{1,1,2,1}}>
            {{ z = Upsample(x, z_scales) }}""",
        )
    ],
    ("Upsample", 9, 10): [
        (
            f"""g ({IMAGE}) => (float[1,2,8,9] z) <float[4] s = {{1,1,2,1.5}}>
            {{ z = Upsample<mode="linear">(x, s) }}""",
            f"""g ({IMAGE}) => (float[1,2,8,9] z) <float[4] s = {{1,1,2,1.5}}>
            {{ z = Resize<mode="linear">(x, s) }}""",
        )
    ],
    ("Resize", 10, 11): [
        (
            f"""g ({IMAGE}) => (float[1,2,10,9] z) <float[4] s = {{1,1,2.5,1.5}}> {{ z = Resize(x, s) }}""",
            f"""g ({IMAGE}) => (float[1,2,10,9] z) <float[4] s = {{1,1,2.5,1.5}}, float[0] z_region = {{}}>
            {{ z = Resize<mode="nearest", nearest_mode="floor",
               coordinate_transformation_mode="asymmetric">(x, z_region, s) }}""",
        ),
        (
            f"""g ({IMAGE}) => (float[1,2,2,4] z) <float[4] s = {{1,1,0.6,0.7}}> {{ z = Resize(x, s) }}""",
            f"""g ({IMAGE}) => (float[1,2,2,4] z) <float[4] s = {{1,1,0.6,0.7}}, float[0] z_region = {{}}>
            {{ z = Resize<mode="nearest", nearest_mode="ceil",
               coordinate_transformation_mode="asymmetric">(x, z_region, s) }}""",
        ),
        (
            f"""g ({IMAGE}) => (float[1,2,2,9] z) <float[4] s = {{1,1,0.6,1.5}}> {{ z = Resize(x, s) }}""",
            f"""g ({IMAGE}) => (float[1,2,2,9] z)
            <float[0] z_region = {{}}, float[0] z_region_1 = {{}}, float[4] z_scales = {{1,1,1,1.5}},
             float[4] z_scales_1 = {{1,1,0.6,1}}> {{
                z_Resize = Resize<mode="nearest", nearest_mode="floor",
                  coordinate_transformation_mode="asymmetric">(x, z_region, z_scales)
                z = Resize<mode="nearest", nearest_mode="ceil",
                  coordinate_transformation_mode="asymmetric">(z_Resize, z_region_1, z_scales_1)
            }}""",
        ),
        (
            f"""g ({IMAGE}) => (float[1,2,2,9] z) <float[4] s = {{1,1,0.6,1.5}}>
            {{ z = Resize<mode="linear">(x, s) }}""",
            f"""g ({IMAGE}) => (float[1,2,2,9] z) <float[4] s = {{1,1,0.6,1.5}}, float[0] z_region = {{}}>
            {{ z = Resize<mode="linear", coordinate_transformation_mode="asymmetric">(x, z_region, s) }}""",
        ),
    ],
    ("Resize", 12, 13): [
        (
            f"""g ({IMAGE}) => (float[1,2,8,3] z)
            <float[0] r = {{}}, float[0] s = {{}}, int64[4] n = {{1,2,8,3}}>
            {{ z = Resize<mode="linear">(x, r, s, n) }}""",
            f"""g ({IMAGE}) => (float[1,2,8,3] z) <int64[4] n = {{1,2,8,3}}>
            {{ z = Resize<mode="linear">(x, , , n) }}""",
        ),
        (
            f"""g ({IMAGE}) => (float[1,2,8,6] z) <float[0] r = {{}}, float[4] s = {{1,1,2,1}}>
            {{ z = Resize<coordinate_transformation_mode="tf_half_pixel_for_nn", nearest_mode="floor">
              (x, r, s) }}""",
            f"""g ({IMAGE}) => (float[1,2,8,6] z) <int64[8] z_places = {{0,0,1,1,2,2,3,3}}>
            {{ z = Gather<axis=2>(x, z_places) }}""",
        ),
    ],
    ("Slice", 9, 10): [
        (
            "g (float[4,5] x) => (float[2,2] z) { z = Slice<starts=[1,-3], ends=[3,-1], axes=[0,1]>(x) }",
            """g (float[4,5] x) => (float[2,2] z)
            <int64[2] z_starts = {1,-3}, int64[2] z_ends = {3,-1}, int64[2] z_axes = {0,1}>
            { z = Slice(x, z_starts, z_ends, z_axes) }""",
        ),
        (
            "g (float[4,5] x) => (float[2,5] z) { z = Slice<starts=[1], ends=[3]>(x) }",
            """g (float[4,5] x) => (float[2,5] z) <int64[1] z_starts = {1}, int64[1] z_ends = {3}>
            { z = Slice(x, z_starts, z_ends) }""",
        ),
    ],
    ("TopK", 9, 10): [
        (
            "g (float[3,5] x) => (float[3,2] z, int64[3,2] i) { z, i = TopK<axis=1, k=2>(x) }",
            """g (float[3,5] x) => (float[3,2] z, int64[3,2] i) <int64[1] z_k = {2}>
            { z, i = TopK<axis=1>(x, z_k) }""",
        )
    ],
    ("OneHot", 10, 11): [
        (
            """g (int64[3] x) => (float[3,4] z) <int64 d = {4}, float[2] v = {-1,2}>
            { z = OneHot(x, d, v) }""",
            """g (int64[3] x) => (float[3,4] z) <int64 d = {4}, float[2] v = {-1,2}>
            { z = OneHot(x, d, v) }""",
        )
    ],
    ("Clip", 10, 11): [
        (f"{ONE} {{ z = Clip(x) }}", f"{ONE} {{ z = Clip(x) }}"),
        (
            f"{ONE} {{ z = Clip<max=0.5>(x) }}",
            f"{ONE} <float z_max = {{0.5}}> {{ z = Clip(x, , z_max) }}",
        ),
        (
            f"{ONE} {{ z = Clip<min=-1.0, max=0.5>(x) }}",
            f"{ONE} <float z_min = {{-1}}, float z_max = {{0.5}}> {{ z = Clip(x, z_min, z_max) }}",
        ),
    ],
    ("Pad", 10, 11): [
        (
            "g (float[2,3] x) => (float[3,5] z) { z = Pad<pads=[1,0,0,2], value=0.5>(x) }",
            """g (float[2,3] x) => (float[3,5] z) <int64[4] z_pads = {1,0,0,2}, float z_value = {0.5}>
            { z = Pad(x, z_pads, z_value) }""",
        ),
        (
            """g (float[2,3] x) => (float[2,5] z) { z = Pad<mode="reflect", pads=[0,1,0,1]>(x) }""",
            """g (float[2,3] x) => (float[2,5] z) <int64[4] z_pads = {0,1,0,1}>
            { z = Pad<mode="reflect">(x, z_pads) }""",
        ),
    ],
    ("Scatter", 10, 11): [
        (
            """g (float[2,3] x, float[2,2] u) => (float[2,3] z) <int64[2,2] i = {0,1,2,1}>
            { z = Scatter<axis=1>(x, i, u) }""",
            """g (float[2,3] x, float[2,2] u) => (float[2,3] z) <int64[2,2] i = {0,1,2,1}>
            { z = ScatterElements<axis=1>(x, i, u) }""",
        )
    ],
    ("ConvTranspose", 10, 11): [
        (
            """g (float[1,1,3,3] x, float[1,1,3,3] w) => (float[1,1,6,6] z)
            { z = ConvTranspose<strides=[2,2], auto_pad="SAME_UPPER">(x, w) }""",
            """g (float[1,1,3,3] x, float[1,1,3,3] w) => (float[1,1,6,6] z)
            { z = ConvTranspose<strides=[2,2], pads=[0,0,1,1]>(x, w) }""",
        )
    ],
    ("MeanVarianceNormalization", 12, 13): [
        (
            f"g ({IMAGE}) => (float[1,2,4,6] z) {{ z = MeanVarianceNormalization{given}(x) }}",
            f"g ({IMAGE}) => (float[1,2,4,6] z) {{ z = MeanVarianceNormalization<axes={axes}>(x) }}",
        )
        for given, axes in (("", "[0,2,3]"), ("<axes=[1]>", "[1]"))
    ],
    ("Split", 12, 13): [
        (
            "g (float[2,6] x) => (float[2,2] z, float[2,4] y) { z, y = Split<axis=1, split=[2,4]>(x) }",
            """g (float[2,6] x) => (float[2,2] z, float[2,4] y) <int64[2] z_split = {2,4}>
            { z, y = Split<axis=1>(x, z_split) }""",
        ),
        (
            "g (float[4,3] x) => (float[2,3] z, float[2,3] y) { z, y = Split(x) }",
            "g (float[4,3] x) => (float[2,3] z, float[2,3] y) { z, y = Split(x) }",
        ),
    ],
    ("Split", 17, 18): [
        (
            "g (float[4,3] x) => (float[2,3] z, float[2,3] y) { z, y = Split(x) }",
            "g (float[4,3] x) => (float[2,3] z, float[2,3] y) { z, y = Split<num_outputs=2>(x) }",
        ),
        (
            "g (float[4,3] x) => (float[1,3] z, float[3,3] y) <int64[2] n = {1,3}> { z, y = Split(x, n) }",
            "g (float[4,3] x) => (float[1,3] z, float[3,3] y) <int64[2] n = {1,3}> { z, y = Split(x, n) }",
        ),
    ],
    ("Squeeze", 12, 13): [
        (
            "g (float[2,1,1] x) => (float[2,1] z) { z = Squeeze<axes=[-1]>(x) }",
            "g (float[2,1,1] x) => (float[2,1] z) <int64[1] z_axes = {-1}> { z = Squeeze(x, z_axes) }",
        ),
        (
            "g (float[2,1,1] x) => (float[2] z) { z = Squeeze(x) }",
            "g (float[2,1,1] x) => (float[2] z) { z = Squeeze(x) }",
        ),
    ],
    ("Unsqueeze", 12, 13): [
        (
            "g (float[2,3] x) => (float[1,2,3,1] z) { z = Unsqueeze<axes=[0,-1]>(x) }",
            "g (float[2,3] x) => (float[1,2,3,1] z) <int64[2] z_axes = {0,-1}> { z = Unsqueeze(x, z_axes) }",
        )
    ],
    ("QuantizeLinear", 12, 13): [
        (
            """g (float[2,3] x) => (uint8[2,3] z) <float s = {0.1}, uint8 p = {100}>
            { z = QuantizeLinear(x, s, p) }""",
            """g (float[2,3] x) => (uint8[2,3] z) <float s = {0.1}, uint8 p = {100}>
            { z = QuantizeLinear(x, s, p) }""",
        )
    ],
    ("DequantizeLinear", 12, 13): [
        (
            """g (uint8[2,3] x) => (float[2,3] z) <float[1] s = {0.1}, uint8[1] p = {100}>
            { z = DequantizeLinear(x, s, p) }""",
            """g (uint8[2,3] x) => (float[2,3] z) <float z_scale = {0.1}, uint8 z_zero_point = {100}>
            { z = DequantizeLinear(x, z_scale, z_zero_point) }""",
        )
    ],
    ("RoiAlign", 15, 16): [
        (
            """g (float[1,2,6,5] x) => (float[1,2,2,3] z) <float[1,4] r = {0,0,3,3}, int64[1] n = {0}>
            { z = RoiAlign<output_height=2, output_width=3, sampling_ratio=2>(x, r, n) }""",
            """g (float[1,2,6,5] x) => (float[1,2,2,3] z) <float[1,4] r = {0,0,3,3}, int64[1] n = {0}>
            { z = RoiAlign<output_height=2, output_width=3, sampling_ratio=2,
               coordinate_transformation_mode="output_half_pixel">(x, r, n) }""",
        )
    ],
    ("GridSample", 19, 20): [
        (
            f"""g ({IMAGE}, float[1,2,3,2] q) => (float[1,2,2,3] z) {{ z = GridSample{given}(x, q) }}""",
            f"""g ({IMAGE}, float[1,2,3,2] q) => (float[1,2,2,3] z)
            {{ z = GridSample<mode="{now}">(x, q) }}""",
        )
        for given, now in (("", "linear"), ('<mode="nearest">', "nearest"), ('<mode="bicubic">', "cubic"))
    ],
    ("DFT", 19, 20): [
        (
            "g (float[1,4,3,1] x) => (float[1,4,3,2] z) { z = DFT(x) }",
            "g (float[1,4,3,1] x) => (float[1,4,3,2] z) <int64 z_axis = {1}> { z = DFT(x, , z_axis) }",
        )
    ],
}

for name, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
    head = f"""g (float[3,2,4] x, float[1,{gates * 5},4] w, float[1,{gates * 5},5] r)
    => (float[3,1,2,5] y, float[1,2,5] h)"""
    STEPS[name, 6, 7] = [
        (
            f"{head} {{ y, h = {name}<hidden_size=5, output_sequence=1>(x, w, r) }}",
            f"{head} {{ y, h = {name}<hidden_size=5>(x, w, r) }}",
        )
    ]
for name in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"):
    STEPS[f"Reduce{name}", *((12, 13) if name == "Sum" else (17, 18))] = [
        (
            f"""g (float[2,3,4] x) => (float[3] z)
            {{ a = Abs(x) z = Reduce{name}<axes=[0,-1], keepdims=0>(a) }}""",
            f"""g (float[2,3,4] x) => (float[3] z) <int64[2] z_axes = {{0,-1}}>
            {{ a = Abs(x) z = Reduce{name}<keepdims=0>(a, z_axes) }}""",
        ),
        (
            f"g (float[2,3,4] x) => (float[1,1,1] z) {{ a = Abs(x) z = Reduce{name}(a) }}",
            f"g (float[2,3,4] x) => (float[1,1,1] z) {{ a = Abs(x) z = Reduce{name}(a) }}",
        ),
    ]
for name in ("Softmax", "LogSoftmax", "Hardmax"):
    STEPS[name, 12, 13] = [
        (f"{ONE} {{ z = {name}<axis=2>(x) }}", f"{ONE} {{ z = {name}<axis=2>(x) }}"),
        (
            f"{ONE} {{ z = {name}(x) }}",
            f"""{ONE} <int64[3] z_shape = {{2,3,4}}> {{
                z_Flatten = Flatten<axis=1>(x) z_{name} = {name}<axis=-1>(z_Flatten)
                z = Reshape(z_{name}, z_shape)
            }}""",
        ),
        (
            f"g (float[2,3,1,1] x) => (float[2,3,1,1] z) {{ z = {name}(x) }}",
            f"g (float[2,3,1,1] x) => (float[2,3,1,1] z) {{ z = {name}<axis=1>(x) }}",
        ),
    ]
for name in ("Add", "Div", "Mul", "Sub", "Pow", "Equal", "Greater", "Less", "And", "Or", "Xor"):
    kind = "bool" if name in ("And", "Or", "Xor") else "int32" if name == "Equal" else "float"
    result = kind if name in ("Add", "Div", "Mul", "Sub", "Pow") else "bool"
    heads = {
        shape: f"g ({kind}[2,3,4] x, {kind}[{shape}] y) => ({result}[2,3,4] z)"
        for shape in ("2,3,4", "3,4", "4", "1")
    }
    base = "a = Abs(x) " if name == "Pow" else ""
    left = "a" if name == "Pow" else "x"
    STEPS[name, 6, 7] = [
        (f"{head} {{ {base}z = {name}{given}({left}, y) }}", f"{head} {{ {base}z = {name}({left}, y) }}")
        for head, given in zip(heads.values(), ("", *["<broadcast=1>"] * 3), strict=True)
        if name != "And" or "bool[1]" not in head  # of one operand that is false, nothing is left
    ]
    along = f"g ({kind}[2,3,4] x, {kind}[3] y) => ({result}[2,3,4] z)"
    if name in ("Add", "Div", "Mul", "Sub"):  # of the others OpenVINO ignores the axis
        STEPS[name, 6, 7].append(
            (
                f"{along} {{ z = {name}<broadcast=1, axis=1>(x, y) }}",
                f"{along} {{ z_Unsqueeze = Unsqueeze<axes=[1]>(y) z = {name}(x, z_Unsqueeze) }}",
            )
        )
CONSUMING = (
    *("Abs", "Ceil", "Clip", "Elu", "Exp", "Floor", "HardSigmoid", "LeakyRelu", "Max", "Mean", "Min", "Neg"),
    *("Reciprocal", "Relu", "Sigmoid", "Sum", "Tanh"),
)
for name in CONSUMING:
    STEPS[name, 5, 6] = [(f"{ONE} {{ z = {name}<consumed_inputs=[0]>(x) }}", f"{ONE} {{ z = {name}(x) }}")]
for name in ("Log", "Sqrt"):
    STEPS[name, 5, 6] = [
        (
            f"{ONE} {{ a = Abs(x) z = {name}<consumed_inputs=[0]>(a) }}",
            f"{ONE} {{ a = Abs(x) z = {name}(a) }}",
        )
    ]
for name in ("Add", "Div", "Mul", "Sub"):
    head = "g (float[2,3,4] x, float[2,3,4] y) => (float[2,3,4] z)"
    STEPS[name, 5, 6] = [
        (f"{head} {{ z = {name}<consumed_inputs=[0,0]>(x, y) }}", f"{head} {{ z = {name}(x, y) }}")
    ]
STEPS["PRelu", 5, 6] = [
    (
        "g (float[2,3,4,5] x, float[3] s) => (float[2,3,4,5] z) { z = PRelu<consumed_inputs=[0,0]>(x, s) }",
        "g (float[2,3,4,5] x, float[3] s) => (float[2,3,4,5] z) { z = PRelu(x, s) }",
    )
]
STEPS["InstanceNormalization", 5, 6] = [
    (
        f"""g ({IMAGE}, float[2] s, float[2] b) => (float[1,2,4,6] z)
        {{ z = InstanceNormalization<consumed_inputs=[0,0,0], epsilon=0.1>(x, s, b) }}""",
        f"""g ({IMAGE}, float[2] s, float[2] b) => (float[1,2,4,6] z)
        {{ z = InstanceNormalization<epsilon=0.1>(x, s, b) }}""",
    )
]
STEPS["BatchNormalization", 5, 6] = [
    (
        f"""g ({IMAGE}, float[2] s, float[2] b, float[2] m) => (float[1,2,4,6] z) <float[2] v = {{0.5,2}}>
        {{ z = BatchNormalization<consumed_inputs=[0,0,0,1,1], is_test=1>(x, s, b, m, v) }}""",
        f"""g ({IMAGE}, float[2] s, float[2] b, float[2] m) => (float[1,2,4,6] z) <float[2] v = {{0.5,2}}>
        {{ z = BatchNormalization<is_test=1>(x, s, b, m, v) }}""",
    )
]
STEPS["Dropout", 5, 6] = [
    (f"{ONE} {{ z = Dropout<consumed_inputs=[0], is_test=1>(x) }}", f"{ONE} {{ z = Dropout<is_test=1>(x) }}")
]


def readable(operator: str, before: str) -> str:
    """``before`` in another form of the same opset, which a runtime reads and which means the same."""
    if operator == "Concat":
        return before.replace("Concat(", "Concat<axis=1>(")
    if operator == "Selu":
        return before.replace("consumed_inputs=[0]", "alpha=1.6732, gamma=1.0507")
    if operator == "BatchNormalization":
        return before
    return re.sub(r"consumed_inputs=\[[\d,]*\](, )?", "", before).replace("<>", "")
