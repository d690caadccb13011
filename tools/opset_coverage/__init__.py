"""How many of onnx's own tests still give their expected numbers at an older, or a newer, opset.

``python -m tools.opset_coverage`` brings the backend node tests of opset 13 and above down, and those
below 21 with older networks up, with ``opsets.retarget`` and with ``onnx.version_converter``, runs both
results, compares them with the outputs that come with the tests, and writes ``docs/opsets.md``.
"""
