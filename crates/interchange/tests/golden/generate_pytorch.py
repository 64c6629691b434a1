"""Golden values of the networks in cases.json, from PyTorch.

    pip install -r requirements.txt
    python generate_pytorch.py

It writes pytorch.json beside itself: for each network a file that `safetensors.torch` has made of its `state_dict`, an input, and the output in
float64 at these parameters.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save

from torch_cases import cases, draw, in_double


def main():
    generator = torch.Generator().manual_seed(6)
    golden = {}
    for name, model in cases().items():
        draw(model, generator)
        x = (2 * torch.randn(3, 5, generator=generator)).tolist()
        with torch.no_grad():
            y = in_double(model, x)
        golden[name] = {"file": save(model.state_dict()).hex(), "x": x, "y": y}
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in golden.items())
    Path(__file__).with_name("pytorch.json").write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    main()
