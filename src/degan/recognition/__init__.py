"""Recognition of expressions with onnxruntime: weights, the recogniser, its results. No torch."""
