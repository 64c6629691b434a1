"""Prints the golden values of the tests beside it: the definitions in plain Python 3, in double precision.

Words, permutations and draws must agree exactly, the rest up to the rounding of f32.
"""

from math import cos, erfc, inf, log, sin, sqrt, tau
from statistics import NormalDist

MASK = 2**32 - 1


def philox(counter, key):
    a, b, c, d = counter
    left, right = key
    for _ in range(10):
        first, second = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (second >> 32) ^ b ^ left, second & MASK, (first >> 32) ^ d ^ right, first & MASK
        left, right = (left + 0x9E3779B9) & MASK, (right + 0xBB67AE85) & MASK
    return a, b, c, d


def block(seed, stream, number):
    return philox((number & MASK, number >> 32, stream & MASK, stream >> 32), (seed & MASK, seed >> 32))


def word(position, seed=42, stream=7):
    group, offset = divmod(position, 32)
    return block(seed, stream, 8 * group + offset % 8)[offset // 8]


def unit(bits):
    return (bits >> 8) / 2**24


def box_muller(radius, angle):
    r, t = sqrt(-2 * log(((radius >> 1) + 0.5) / 2**31)), tau * angle / 2**32
    return r * cos(t), r * sin(t)


def normal(position):
    second = position // 8 % 2
    first = position - 8 * second
    return box_muller(word(first), word(first + 8))[second]


def truncated(position, mean, std, low, high):
    sign = -1 if low > mean else 1
    first, last = sorted((sign * (low - mean) / std, sign * (high - mean) / std))
    below, above = (erfc(-x / sqrt(2)) / 2 for x in (first, last))
    u = (word(position) + 0.5) / 2**32
    return mean + sign * std * NormalDist().inv_cdf(below + (above - below) * u)


def permutation(n, seed, stream):
    order, position = list(range(n)), 0
    for last in range(n - 1, 0, -1):
        while True:
            product = word(position, seed, stream) * (last + 1)
            position += 1
            if product & MASK >= 2**32 % (last + 1):
                break
        other = product >> 32
        order[last], order[other] = order[other], order[last]
    return order


print("words       ", [word(i) for i in (0, 1, 8, 31, 32)])
for name, value in {
    "uniform     ": lambda i: -1 + 4 * unit(word(i)),
    "bernoulli   ": lambda i: float(unit(word(i)) < 0.7),
    "normal      ": lambda i: 2 + 0.5 * normal(i),
    "at 2 std    ": lambda i: truncated(i, 0, 1, -2, 2),
    "on one side ": lambda i: truncated(i, 1, 2, 2, inf),
    "in the tail ": lambda i: truncated(i, 0, 1, 8, 9),
}.items():
    print(name, [value(i) for i in (0, 1, 8)])
print("permutation ", permutation(10, 42, 5))
draws = [block(42, 0, 2**63 + i) for i in range(5)]
print("draws       ", [low | high << 32 for low, high, _, _ in draws[:3]])
print("rng.uniform ", -1 + 2 * unit(draws[3][0]))
print("rng.normal  ", box_muller(*draws[4][:2])[0])
