"""The numbers of golden_variants.rs from the definitions. Python 3, standard library only."""

import math

from golden_orders import M, below, shuffle, xoshiro256pp


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M
    return z ^ (z >> 31)


def image_stream(seed, part, index):
    return xoshiro256pp(mix(mix(mix(seed) ^ part) ^ index))


def unit(rng):
    return (next(rng) >> 11) / 2.0**53


def direction(rng):
    while True:
        x = 2.0 * unit(rng) - 1.0
        y = 2.0 * unit(rng) - 1.0
        square = x * x + y * y
        if 1e-12 < square <= 1.0:
            length = math.sqrt(square)
            return x / length, y / length


def rect(rng):
    while True:
        height = 3 + below(rng, 26)
        width = 3 + below(rng, 26)
        if abs(height - width) >= 3:
            top = below(rng, 29 - height)
            left = below(rng, 29 - width)
            return top, left, height, width


def intersection(rng, least, stop, smallest):
    while True:
        region = {(r, c) for r in range(28) for c in range(28)}
        planes = 0
        while True:
            x = 28.0 * unit(rng) - 0.5
            y = 28.0 * unit(rng) - 0.5
            a, b = direction(rng)
            region = {(r, c) for r, c in region if a * (c - x) + b * (r - y) >= 0.0}
            planes += 1
            if len(region) < smallest:
                break
            if planes >= least and unit(rng) < stop:
                return region


def cross(o, p, q):
    return (p[0] - o[0]) * (q[1] - o[1]) - (p[1] - o[1]) * (q[0] - o[0])


def is_convex(region):
    """Whether it is connected and its hull (Andrew's monotone chain) holds no other pixel."""
    points = sorted(region)
    chains = []
    for sequence in (points, points[::-1]):
        chain = []
        for p in sequence:
            while len(chain) > 1 and cross(chain[-2], chain[-1], p) <= 0:
                chain.pop()
            chain.append(p)
        chains += chain[:-1]
    edges = list(zip(chains, chains[1:] + chains[:1]))
    box = [range(min(values), max(values) + 1) for values in zip(*points)]
    inside = {(r, c) for r in box[0] for c in box[1] if all(cross(p, q, (r, c)) >= 0 for p, q in edges)}
    seen, waiting = {points[0]}, [points[0]]
    while waiting:
        r, c = waiting.pop()
        near = {(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & region - seen
        seen |= near
        waiting += near
    return seen == region == inside


def convex(rng):
    label = below(rng, 2)
    while True:
        if label == 1:
            region = intersection(rng, 1, 0.31, 19)
        else:
            region = set()
            for _ in range(2 + below(rng, 3)):
                region |= intersection(rng, 3, 0.07, 10)
        if is_convex(region) == (label == 1):
            return label, len(region), sum(r for r, _ in region), sum(c for _, c in region)


if __name__ == "__main__":
    order = shuffle(xoshiro256pp(42), list(range(70_000)))
    print("train", order[:3], "validation", order[:-4:-1], "test after 2 validation images", order[-3:-6:-1])
    print("noise", [(next(image_stream(42, 0, 0)) >> 8 * i) & 255 for i in range(8)])
    print("rect, test", [rect(image_stream(42, 2, i)) for i in range(6)])
    print("convex, train", [convex(image_stream(42, 0, i)) for i in range(12)])
