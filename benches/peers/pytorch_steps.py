"""Time PyTorch's training step on the CPU: eager with the fused optimizers, or with `--compile`."""

import measure

options = measure.settings(__doc__, "--compile")

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


def build(network):
    """The network as a user would write it."""
    widths, layers = measure.dims(network), []
    for i, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
        layers.append(nn.Linear(fan_in, fan_out))
        if not measure.activated(network, i):
            continue
        if network == "relu_bn_dropout_adam":
            layers += [nn.BatchNorm1d(fan_out), nn.ReLU(), nn.Dropout(0.5)]
        else:
            layers.append(nn.Sigmoid() if network == "sigmoid_sgd" else nn.ReLU())
    return nn.Sequential(*layers)


def main():
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    images, labels, order = map(torch.from_numpy, measure.load(options.data))
    peer = "pytorch-compile" if options.compile else "pytorch"

    def trainer(network, batch):
        # Graphs of other cells would otherwise count towards the limit on recompilations.
        torch.compiler.reset()
        model = build(network)
        forward = torch.compile(model) if options.compile else model
        if network == "sigmoid_sgd":
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5, fused=True)
        else:
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

        def loss(forward, start, count):
            # `images[rows]` does the same through general indexing, which is slower for small batches.
            rows = order[start : start + count]
            x = images.index_select(0, rows)
            y = forward(x)
            if network == "autoencoder_adam":
                return F.mse_loss(y, x)
            return F.cross_entropy(y, labels.index_select(0, rows))

        def step(start):
            optimizer.zero_grad()
            loss(forward, start, batch).backward()
            optimizer.step()

        def probe():
            with torch.no_grad():
                return loss(model, 0, measure.PROBE).item()

        return step, probe

    for network in options.networks:
        for batch in options.batches:
            step, probe = trainer(network, batch)
            version = torch.__version__.split("+")[0]
            measure.measure(peer, version, network, batch, len(labels), options, step, probe)


if __name__ == "__main__":
    main()
