"""onnxruntime runs what we have exported: `python check_onnx.py FOLDER`, run by tests/python.rs.

The folder has networks, and cases.json for each of them inputs of several batch sizes, our outputs, and the operators that must not be there.
"""

import numpy as np
import onnx
import onnxruntime

from check import compare, folder, written


def main():
    cases = written("cases.json")
    for name, case in cases.items():
        path = str(folder() / f"{name}.onnx")
        onnx.checker.check_model(path, full_check=True)
        graph = onnx.load(path).graph
        operators = {node.op_type for node in graph.node}
        assert not operators & set(case["without"]), f"{name}: {operators}"
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (input,), (output,) = session.get_inputs(), session.get_outputs()
        assert [input.name, output.name] == ["input", "output"] and input.shape[0] == output.shape[0] == "batch"
        for batch in case["batches"]:
            (found,) = session.run(None, {"input": np.array(batch["x"], np.float32)})
            compare(name, found, batch["y"])
    print(f"onnxruntime {onnxruntime.__version__}: {len(cases)} networks")


if __name__ == "__main__":
    main()
