"""The bytes of a network in ONNX, as the `onnx` package writes it.

    pip install -r requirements.txt
    python generate_onnx.py

It writes onnx.json beside itself: two linear layers with batch normalisation, HardTanh and a softmax, whose parameters are small fractions.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def main():
    def parameter(name, *shape, least=0.0):
        values = least + np.arange(np.prod(shape), dtype=np.float32) / 8
        return numpy_helper.from_array(values.reshape(shape).astype(np.float32), name)

    def constant(name, value):
        return numpy_helper.from_array(np.array(value, np.float32), name)

    nodes = [
        helper.make_node("Gemm", ["x", "0.weight", "0.bias"], ["value/0"], "Gemm/0", transB=1),
        helper.make_node(
            "BatchNormalization",
            ["value/0", "1.weight", "1.bias", "1.running_mean", "1.running_var"],
            ["value/1"],
            "BatchNormalization/1",
            epsilon=1e-5,
        ),
        helper.make_node("Clip", ["value/1", "constant/0", "constant/1"], ["value/2"], "Clip/2"),
        helper.make_node("Gemm", ["value/2", "4.weight", "4.bias"], ["value/3"], "Gemm/3", transB=1),
        helper.make_node("Softmax", ["value/3"], ["y"], "Softmax/4", axis=-1),
    ]
    initializers = [
        parameter("0.weight", 2, 3),
        parameter("0.bias", 2),
        *(parameter(f"1.{name}", 2) for name in ["weight", "bias", "running_mean"]),
        parameter("1.running_var", 2, least=1.0),
        parameter("4.weight", 4, 2),
        parameter("4.bias", 4),
        constant("constant/0", -1),
        constant("constant/1", 1),
    ]
    graph = helper.make_graph(
        nodes,
        "layerwise",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])],
        initializers,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=9,
        producer_name="layerwise",
        producer_version="0.1.0",
    )
    helper.set_model_props(model, {"classes": "a,b,c,d"})
    onnx.checker.check_model(model, full_check=True)
    golden = {"onnx": onnx.__version__, "bytes": model.SerializeToString(deterministic=True).hex()}
    Path(__file__).with_name("onnx.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
