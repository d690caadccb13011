"""Graphs of layers whose steps changed nothing but types: see test_types.py."""

from __future__ import annotations

IMAGE = "float[1,2,6,5] x"
BOXES = "float[2,4] r = {0,0,3,3,1,1,4,5}"

LAYERS: dict[str, list[str]] = {
    "BatchNormalization": [
        f"""g ({IMAGE}, float[2] s, float[2] b, float[2] m) => (float[1,2,6,5] z) <float[2] v = {{0.5,2}}>
        {{ z = BatchNormalization<epsilon=0.5>(x, s, b, m, v) }}"""
    ],
    "Resize": [
        f"""g ({IMAGE}) => (float[1,2,9,5] z) <float[0] r = {{}}, float[4] s = {{1,1,1.5,1}}>
        {{ z = Resize<mode="{mode}", coordinate_transformation_mode="{place}">(x, r, s) }}"""
        for mode, place in (("nearest", "half_pixel"), ("linear", "align_corners"), ("cubic", "asymmetric"))
    ]
    + [
        f"""g ({IMAGE}) => (float[1,2,4,3] z) <int64[4] s = {{1,2,4,3}}>
        {{ z = Resize<mode="linear", coordinate_transformation_mode="pytorch_half_pixel">(x, , , s) }}"""
    ],
    "AveragePool": [
        f"""g ({IMAGE}) => (float[1,2,4,3] z)
        {{ z = AveragePool<kernel_shape=[3,2], strides=[2,2], pads=[1,1,1,0], ceil_mode=1,
           count_include_pad={included}>(x) }}"""
        for included in (0, 1)
    ]
    + [
        f"""g ({IMAGE}) => (float[1,2,3,3] z)
        {{ z = AveragePool<kernel_shape=[3,2], strides=[2,2], auto_pad="{automatic}">(x) }}"""
        for automatic in ("SAME_UPPER", "SAME_LOWER")
    ],
    "Conv": [
        f"""g ({IMAGE}, float[4,1,3,2] w, float[4] b) => (float[1,4,3,5] z)
        {{ z = Conv<group=2, strides=[2,1], dilations=[1,2], pads=[1,1,1,1]>(x, w, b) }}"""
    ],
    "ConvTranspose": [
        f"""g ({IMAGE}, float[2,1,3,2] w) => (float[1,2,12,6] z)
        {{ z = ConvTranspose<group=2, strides=[2,1], pads=[1,0,0,0], output_padding=[0,0]>(x, w) }}"""
    ],
    "DeformConv": [
        """g (float[1,1,3,3] x, float[1,1,2,2] w, float[1,8,2,2] o) => (float[1,1,2,2] z)
        { z = DeformConv<kernel_shape=[2,2]>(x, w, o) }"""
    ],
    "DequantizeLinear": [
        """g (uint8[2,3] x) => (float[2,3] z) <float[3] s = {0.5,2,3}, uint8[3] p = {1,2,3}>
        { z = DequantizeLinear<axis=-1>(x, s, p) }"""
    ],
    "GlobalAveragePool": [f"g ({IMAGE}) => (float[1,2,1,1] z) {{ z = GlobalAveragePool(x) }}"],
    "GlobalLpPool": [f"g ({IMAGE}) => (float[1,2,1,1] z) {{ z = GlobalLpPool<p=3>(x) }}"],
    "GlobalMaxPool": [f"g ({IMAGE}) => (float[1,2,1,1] z) {{ z = GlobalMaxPool(x) }}"],
    "GridSample": [
        f"""g ({IMAGE}, float[1,2,3,2] q) => (float[1,2,2,3] z)
        {{ z = GridSample<mode="nearest", padding_mode="border", align_corners=1>(x, q) }}"""
    ],
    "InstanceNormalization": [
        f"""g ({IMAGE}, float[2] s, float[2] b) => (float[1,2,6,5] z)
        {{ z = InstanceNormalization<epsilon=0.5>(x, s, b) }}"""
    ],
    "LpPool": [
        f"""g ({IMAGE}) => (float[1,2,3,3] z)
        {{ z = LpPool<kernel_shape=[3,2], strides=[2,2], pads=[1,1,0,0], p=3>(x) }}"""
    ],
    "MaxPool": [
        f"""g ({IMAGE}) => (float[1,2,3,3] z)
        {{ z = MaxPool<kernel_shape=[3,2], strides=[2,2], pads=[1,1,1,0]>(x) }}""",
        f"""g ({IMAGE}) => (float[1,2,4,3] z, int64[1,2,4,3] i)
        {{ z, i = MaxPool<kernel_shape=[3,2], strides=[2,2], pads=[1,1,1,0], ceil_mode=1,
           storage_order=1>(x) }}""",
    ],
    "MaxRoiPool": [
        f"""g ({IMAGE}) => (float[2,2,2,2] z) <float[2,5] r = {{0,0,0,3,3,0,1,1,4,5}}>
        {{ z = MaxRoiPool<pooled_shape=[2,2], spatial_scale=0.75>(x, r) }}"""
    ],
    "MaxUnpool": [
        """g (float[1,1,2,2] x) => (float[1,1,4,4] z) <int64[1,1,2,2] i = {5,7,13,15}>
        { z = MaxUnpool<kernel_shape=[2,2], strides=[2,2]>(x, i) }"""
    ],
    "QLinearMatMul": [
        """g (uint8[2,3] a, int8[3,2] b) => (uint8[2,2] z)
        <float s = {0.5}, uint8 p = {2}, int8 q = {1}, float t = {0.25}, uint8 u = {100}>
        { z = QLinearMatMul(a, s, p, b, s, q, t, u) }"""
    ],
    "QuantizeLinear": [
        """g (float[2,3] x) => (uint8[2,3] z) <float[3] s = {0.5,2,0.25}, uint8[3] p = {1,2,128}>
        { z = QuantizeLinear<axis=-1>(x, s, p) }"""
    ],
    "RoiAlign": [
        f"""g ({IMAGE}) => (float[2,2,2,3] z) <{BOXES}, int64[2] n = {{0,0}}>
        {{ z = RoiAlign<output_height=2, output_width=3, sampling_ratio=2,
           coordinate_transformation_mode="half_pixel">(x, r, n) }}"""
    ],
}

for name, gates, states in (("RNN", 1, "h"), ("GRU", 3, "h"), ("LSTM", 4, "h, c")):
    results = ", ".join(f"float[1,2,5] y_{state}" for state in states.split(", "))
    outputs = ", ".join(f"y_{state}" for state in states.split(", "))
    LAYERS[name] = [
        f"""g (float[3,2,4] x, float[1,{gates * 5},4] w, float[1,{gates * 5},5] r)
        => (float[3,1,2,5] y, {results})
        {{ y, {outputs} = {name}<hidden_size=5>(x, w, r) }}"""
    ]
