"""Golden values of autoencoders, from PyTorch.

    pip install -r requirements.txt
    python generate.py

It writes autoencoders.json beside itself: for each case the configuration as our `Autoencoder` reads it, a batch, the
parameters by name, the loss of a training pass, its gradients, code and reconstruction of the clean batch; and vae.json
with the same for variational ones, whose losses are those of an evaluation pass (the code is the mean), made of
`torch.distributions`. The truth is PyTorch in float64 at parameters and inputs that are exact in float32. Jacobians are
those of `torch.func.jacrev`, so no formula of ours is used for them.

Noise cannot be drawn here: what seed 7 corrupts in a batch [5, 6] is written down in MASKING and SALT_AND_PEPPER (the
mask, then the values at its ones); losses of another choice would be others.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import distributions

MASKING = ["011010", "010011", "011010", "010011", "100101"]
SALT_AND_PEPPER = (["001010", "010010", "010010", "010010", "100100"], [1, 0, 1, 0, 1, 1, 1, 0, 1, 0])

FUNCTIONS = {
    "identity": lambda x: x,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "silu": F.silu,
    "softplus": F.softplus,
}

BATCH = 5


def draw(rng, *shape):
    """Normal values in multiples of 1/64."""
    return torch.tensor(np.round(rng.normal(size=shape) * 64) / 64)


def tensor(x):
    return {"shape": list(x.shape), "values": [float(f"{value:.10g}") for value in x.detach().flatten().tolist()]}


def config(encoder, activation="relu", code="identity", output="identity", decoder=None, **more):
    decoder = decoder or encoder[::-1]
    return {"encoder": encoder, "decoder": decoder, "activation": activation, "code": code, "output": output, **more}


CASES = {
    "plain": config([6, 4, 3], "tanh"),
    "relu": config([6, 4, 3], "relu", output="relu"),
    "other_decoder_and_sum": config([6, 4, 3], "silu", "tanh", decoder=[3, 5, 4, 6], scale="sum"),
    "tied_bce": config([6, 4, 3], "sigmoid", "sigmoid", "sigmoid", weights="tied", loss="bce"),
    "tied_linear": config([6, 3], weights="tied"),
    "logits": config([6, 4], code="sigmoid", loss="bce_with_logits", scale="sum"),
    "l1": config([6, 4], code="tanh", penalties={"l1": 0.3}),
    "kl": config([6, 4], code="sigmoid", penalties={"kl": {"rho": 0.15, "beta": 2.0}}),
    "l1_and_kl_tied": config([6, 4, 3], "relu", "sigmoid", weights="tied", penalties={"l1": 0.1, "kl": {"rho": 0.3, "beta": 0.5}}),
    "contractive": config([6, 4], code="sigmoid", penalties={"contractive": 0.1}),
    "contractive_tied": config([6, 4], code="sigmoid", weights="tied", penalties={"contractive": 0.2}),
    "contractive_softplus": config([6, 4], code="softplus", penalties={"contractive": 0.1}),
    "contractive_deep": config([6, 5, 4], "silu", "tanh", penalties={"contractive": 0.1}),
    "contractive_deeper_tied": config([6, 5, 4, 2], "tanh", "sigmoid", weights="tied", penalties={"contractive": 0.3}),
    "batch_norm": config([6, 4, 3], "tanh", batch_norm={}),
    "masking": config([6, 4], code="tanh", corruption={"masking": {"nu": 0.5}}),
    "masking_contractive": config([6, 4], code="sigmoid", corruption={"masking": {"nu": 0.5}}, penalties={"contractive": 0.1}),
    "salt_and_pepper": config(
        [6, 4], code="sigmoid", loss="bce_with_logits", corruption={"salt_and_pepper": {"nu": 0.3, "low": 0, "high": 1}}
    ),
    "emphasis_mse": config(
        [6, 4], code="sigmoid", weights="tied", corruption={"masking": {"nu": 0.5}}, emphasis={"corrupted": 1.5, "others": 0.25}
    ),
    "emphasis_bce": config(
        [6, 4],
        code="sigmoid",
        output="sigmoid",
        loss="bce",
        corruption={"masking": {"nu": 0.5}},
        emphasis={"corrupted": 1.5, "others": 0.25},
        scale="sum",
    ),
    "full_emphasis_logits": config(
        [6, 4],
        code="sigmoid",
        loss="bce_with_logits",
        corruption={"salt_and_pepper": {"nu": 0.3, "low": 0, "high": 1}},
        emphasis={"corrupted": 1.0, "others": 0.0},
    ),
}


def mask_of(rows):
    return torch.tensor([[float(bit) for bit in row] for row in rows], dtype=torch.float64)


def corrupted(x, corruption):
    """The corrupted batch, and the mask of what was chosen."""
    if corruption is None:
        return x, None
    if "masking" in corruption:
        mask = mask_of(MASKING)
        return x * (1 - mask), mask
    mask = mask_of(SALT_AND_PEPPER[0])
    noisy = x.clone()
    noisy[mask == 1] = torch.tensor(SALT_AND_PEPPER[1], dtype=torch.float64)
    return noisy, mask


class Model:
    """The functions of a configuration, with parameters drawn from `rng` under the names of `torch.nn.Sequential`."""

    def __init__(self, c, rng):
        self.c, self.parameters = c, {}
        self.norm = "batch_norm" in c
        self.step = 3 if self.norm else 2
        self.tied = c.get("weights") == "tied"
        for half in ["encoder", "decoder"]:
            widths = c[half]
            for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
                at = f"{half}.{i * self.step}"
                if half == "encoder" or not self.tied:
                    self.add(f"{at}.weight", draw(rng, outputs, inputs))
                self.add(f"{at}.bias", draw(rng, outputs))
                if self.norm and i + 2 < len(widths):
                    at = f"{half}.{i * self.step + 1}"
                    self.add(f"{at}.weight", draw(rng, outputs))
                    self.add(f"{at}.bias", draw(rng, outputs))

    def add(self, name, value):
        self.parameters[name] = value.requires_grad_()

    def half(self, half, x, last, train):
        layers = len(self.c[half]) - 1
        for i in range(layers):
            at = i * self.step
            p = self.parameters
            if half == "decoder" and self.tied:
                weight = p[f"encoder.{(layers - 1 - i) * self.step}.weight"].T
            else:
                weight = p[f"{half}.{at}.weight"]
            x = F.linear(x, weight, p[f"{half}.{at}.bias"])
            hidden = i + 1 < layers
            if hidden and self.norm:
                features = x.shape[-1]
                x = F.batch_norm(
                    x,
                    torch.zeros(features, dtype=x.dtype),
                    torch.ones(features, dtype=x.dtype),
                    p[f"{half}.{at + 1}.weight"],
                    p[f"{half}.{at + 1}.bias"],
                    training=train,
                )
            x = FUNCTIONS[self.c["activation"] if hidden else last](x)
        return x

    def encode(self, x, train=False):
        return self.half("encoder", x, self.c["code"], train)

    def decode(self, code, train=False):
        return self.half("decoder", code, self.c["output"], train)

    def loss(self, x):
        c = self.c
        noisy, mask = corrupted(x, c.get("corruption"))
        code = self.encode(noisy, train=True)
        output = self.decode(code, train=True)
        if c.get("loss", "mse") == "mse":
            elements = (output - x) ** 2
        elif c["loss"] == "bce":
            elements = F.binary_cross_entropy(output, x, reduction="none")
        else:
            elements = F.binary_cross_entropy_with_logits(output, x, reduction="none")
        if "emphasis" in c:
            elements = elements * torch.where(mask == 1, c["emphasis"]["corrupted"], c["emphasis"]["others"])
        examples = elements.sum(1) if c.get("scale") == "sum" else elements.mean(1)
        loss = examples.mean()
        penalties = c.get("penalties", {})
        if "l1" in penalties:
            loss = loss + penalties["l1"] * code.abs().sum(1).mean()
        if "kl" in penalties:
            asked = distributions.Bernoulli(probs=torch.tensor(penalties["kl"]["rho"], dtype=torch.float64))
            found = distributions.Bernoulli(probs=code.mean(0))
            loss = loss + penalties["kl"]["beta"] * distributions.kl_divergence(asked, found).sum()
        if "contractive" in penalties:
            jacobians = torch.func.vmap(torch.func.jacrev(lambda row: self.encode(row)))(noisy)
            loss = loss + penalties["contractive"] * (jacobians**2).sum((1, 2)).mean()
        return loss

    def dump(self):
        return [{"name": name, "value": tensor(p), "gradient": tensor(p.grad)} for name, p in self.parameters.items()]


def autoencoder(name, c, rng):
    x = torch.tensor(np.round(rng.uniform(size=(BATCH, c["encoder"][0])) * 64) / 64)
    model = Model(c, rng)
    loss = model.loss(x)
    loss.backward()
    code = model.encode(x)
    reconstruction = model.decode(code)
    if c.get("loss") == "bce_with_logits":
        reconstruction = torch.sigmoid(reconstruction)
    return {
        "name": name,
        "config": c,
        "x": tensor(x),
        "loss": tensor(loss),
        "code": tensor(code),
        "reconstruction": tensor(reconstruction),
        "parameters": model.dump(),
    }


VAES = {
    "bernoulli": {"widths": [6, 5, 2], "activation": "tanh"},
    "beta_without_hidden_layer": {"widths": [6, 3], "activation": "relu", "beta": 4.0},
    "gaussian": {"widths": [6, 5, 4, 2], "activation": "silu", "likelihood": {"gaussian": {"std": 0.5}}, "beta": 0.5},
}


def vae(name, c, rng):
    x = torch.tensor(np.round(rng.uniform(size=(BATCH, 6)) * 64) / 64)
    widths, activation = c["widths"], FUNCTIONS[c["activation"]]
    parameters = {}

    def linear(path, inputs, outputs):
        for part, shape in [("weight", (outputs, inputs)), ("bias", (outputs,))]:
            parameters[f"{path}.{part}"] = (draw(rng, *shape) / 2).requires_grad_()
        return lambda x: F.linear(x, parameters[f"{path}.weight"], parameters[f"{path}.bias"])

    hidden = x
    for i, (inputs, outputs) in enumerate(zip(widths[:-1], widths[1:-1])):
        hidden = activation(linear(f"encoder.{2 * i}", inputs, outputs)(hidden))
    mean = linear("mean", widths[-2], widths[-1])(hidden)
    log_var = linear("log_var", widths[-2], widths[-1])(hidden)
    output = mean
    back = widths[::-1]
    for i, (inputs, outputs) in enumerate(zip(back, back[1:])):
        output = linear(f"decoder.{2 * i}", inputs, outputs)(output)
        if i + 2 < len(back):
            output = activation(output)
    posterior = distributions.Normal(mean, (0.5 * log_var).exp())
    divergence = distributions.kl_divergence(posterior, distributions.Normal(0.0, 1.0)).sum(1).mean()
    if "likelihood" in c:
        reconstruction = -distributions.Normal(output, c["likelihood"]["gaussian"]["std"]).log_prob(x).sum(1).mean()
    else:
        reconstruction = F.binary_cross_entropy_with_logits(output, x, reduction="none").sum(1).mean()
    loss = reconstruction + c.get("beta", 1.0) * divergence
    loss.backward()
    return {
        "name": name,
        "config": c,
        "x": tensor(x),
        "loss": tensor(loss),
        "reconstruction": tensor(reconstruction),
        "divergence": tensor(divergence),
        "parameters": [{"name": name, "value": tensor(p), "gradient": tensor(p.grad)} for name, p in parameters.items()],
    }


def main():
    torch.set_default_dtype(torch.float64)
    rng = np.random.default_rng(1)
    here = Path(__file__).parent
    for file, cases, make in [("autoencoders.json", CASES, autoencoder), ("vae.json", VAES, vae)]:
        lines = ",\n".join(json.dumps(make(name, c, rng)) for name, c in cases.items())
        (here / file).write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
