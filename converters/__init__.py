"""Framework models in; one ONNX file and the framework's own reference outputs out."""
