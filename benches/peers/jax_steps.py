"""Time JAX's training step on the CPU: one jitted function with donated buffers, optimizers written by hand."""

import os

import measure

options = measure.settings(__doc__)
# XLA sizes its pool by the cores the process may use, which `settings` has limited, or by this variable.
os.environ["NPROC"] = str(options.threads)
if options.threads == 1:
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax import lax  # noqa: E402

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def init(network, rng):
    """Parameters as PyTorch draws them, and the running statistics of batch normalisation."""
    widths, params, running = measure.dims(network), [], []
    for i, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
        bound = fan_in**-0.5
        layer = {
            "weight": jnp.asarray(rng.uniform(-bound, bound, (fan_in, fan_out)), jnp.float32),
            "bias": jnp.asarray(rng.uniform(-bound, bound, fan_out), jnp.float32),
        }
        if network == "relu_bn_dropout_adam" and measure.activated(network, i):
            layer |= {"gamma": jnp.ones(fan_out), "beta": jnp.zeros(fan_out)}
            running.append({"mean": jnp.zeros(fan_out), "variance": jnp.ones(fan_out)})
        params.append(layer)
    return params, running


def forward(network, params, running, key, x):
    """Outputs and the new running statistics."""
    updated = []
    for i, layer in enumerate(params):
        x = x @ layer["weight"] + layer["bias"]
        if "gamma" in layer:
            count, mean, variance = x.shape[0], x.mean(axis=0), x.var(axis=0)
            x = (x - mean) * (lax.rsqrt(variance + 1e-5) * layer["gamma"]) + layer["beta"]
            old, unbiased = running[i], variance * (count / (count - 1))
            updated.append(
                {
                    "mean": 0.9 * old["mean"] + 0.1 * lax.stop_gradient(mean),
                    "variance": 0.9 * old["variance"] + 0.1 * lax.stop_gradient(unbiased),
                }
            )
        if measure.activated(network, i):
            x = jax.nn.sigmoid(x) if network == "sigmoid_sgd" else jax.nn.relu(x)
        if "gamma" in layer:
            kept = jax.random.bernoulli(jax.random.fold_in(key, i), 0.5, x.shape)
            x = jnp.where(kept, x * 2, 0)
    return x, updated


def loss(network, params, running, key, x, labels):
    y, running = forward(network, params, running, key, x)
    if network == "autoencoder_adam":
        return jnp.mean((y - x) ** 2), running
    log_probabilities = jax.nn.log_softmax(y)
    return -jnp.mean(jnp.take_along_axis(log_probabilities, labels[:, None], axis=1)), running


def sgd(params, gradients, velocities):
    """Learning rate 0.01, momentum 0.5."""
    velocities = jax.tree.map(lambda v, g: 0.5 * v + g, velocities, gradients)
    return jax.tree.map(lambda p, v: p - 0.01 * v, params, velocities), velocities


def adam(params, gradients, state):
    """Learning rate 0.001, bias correction as in PyTorch."""
    first, second, steps = state
    steps = steps + 1
    first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, gradients)
    rate, scale = 1e-3 / (1 - BETA1**steps), lax.rsqrt(1 - BETA2**steps)
    params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) * scale + EPSILON), params, first, second)
    return params, (first, second, steps)


class Trainer:
    """Parameters and optimizer state live on the device and are donated to every step."""

    def __init__(self, network, batch, images, labels, order):
        zeros = lambda tree: jax.tree.map(jnp.zeros_like, tree)  # noqa: E731
        params, running = init(network, np.random.default_rng(0))
        momentum_only = network == "sigmoid_sgd"
        state = zeros(params) if momentum_only else (zeros(params), zeros(params), jnp.float32(0))
        update = sgd if momentum_only else adam
        # `rbg` is the cheaper of JAX's generators on this device.
        key = jax.random.key(0, impl="rbg")
        self.carry = params, running, state, key

        def gather(start, count, images, labels, order):
            rows = lax.dynamic_slice_in_dim(order, start, count)
            pick = lambda array: array.at[rows].get(mode="promise_in_bounds")  # noqa: E731
            return pick(images), pick(labels)

        def step(carry, start, *data):
            params, running, state, key = carry
            x, y = gather(start, batch, *data)
            key, noise = jax.random.split(key) if running else (key, key)
            of = lambda p: loss(network, p, running, noise, x, y)  # noqa: E731
            (value, running), gradients = jax.value_and_grad(of, has_aux=True)(params)
            params, state = update(params, gradients, state)
            return (params, running, state, key), value

        def probe(carry, *data):
            params, running, _, key = carry
            return loss(network, params, running, key, *gather(0, measure.PROBE, *data))[0]

        self.data = images, labels, order
        self.jitted_step = jax.jit(step, donate_argnums=0)
        self.jitted_probe = jax.jit(probe)

    def step(self, start):
        self.carry, _ = self.jitted_step(self.carry, start, *self.data)

    def probe(self):
        return float(self.jitted_probe(self.carry, *self.data))

    def wait(self):
        jax.block_until_ready(self.carry)


def main():
    images, labels, order = measure.load(options.data)
    data = jnp.asarray(images), jnp.asarray(labels, jnp.int32), jnp.asarray(order, jnp.int32)
    for network in options.networks:
        for batch in options.batches:
            t = Trainer(network, batch, *data)
            measure.measure(
                "jax", jax.__version__, network, batch, len(labels), options, t.step, t.probe, t.wait
            )


if __name__ == "__main__":
    main()
