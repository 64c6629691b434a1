"""PyTorch loads what we have written, and writes what we load: `python check_pytorch.py FOLDER`, run by tests/python.rs.

For every network of cases.json the folder has a file of parameters, and ours.json an input and our output. PyTorch loads the parameters strictly
and has to come to the same output. Then it draws others, saves them beside ours, and writes theirs.json with its own outputs.
"""

import json

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from check import compare, folder, written
from torch_cases import cases, draw, in_double


@torch.no_grad()
def main():
    generator = torch.Generator().manual_seed(7)
    ours, theirs = written("ours.json"), {}
    networks = cases()
    assert ours.keys() == networks.keys()
    for name, model in networks.items():
        path = folder() / f"{name}.safetensors"
        model.load_state_dict(load_file(path), strict=True)
        with safe_open(path, framework="pt") as file:
            assert file.metadata() == {"case": name}, file.metadata()
        compare(name, model(torch.tensor(ours[name]["x"])), ours[name]["y"])
        draw(model, generator)
        save_file(model.state_dict(), folder() / f"{name}.theirs.safetensors", metadata={"framework": "pytorch"})
        x = (2 * torch.randn(3, 5, generator=generator)).tolist()
        theirs[name] = {"x": x, "y": in_double(model, x)}
    (folder() / "theirs.json").write_text(json.dumps(theirs))
    print(f"PyTorch {torch.__version__}: {len(networks)} networks there and back")


if __name__ == "__main__":
    main()
