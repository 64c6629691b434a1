"""Runs the network that the example export_onnx has written in onnxruntime, and compares the results: `python run_onnx.py FOLDER`."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

folder = Path(sys.argv[1])
expected = json.loads((folder / "expected.json").read_text())
session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
classes = session.get_modelmeta().custom_metadata_map["classes"].split(",")
(probabilities,) = session.run(None, {"input": np.array(expected["input"], np.float32)})

difference = np.abs(probabilities - np.array(expected["output"])).max()
print("digits:", " ".join(classes[i] for i in probabilities.argmax(axis=1)))
print(f"largest difference to Layerwise: {difference:.1e}")
assert difference < 1e-5
