"""The numbers of golden_orders.rs from the algorithms' definitions. Python 3, standard library only."""

M = (1 << 64) - 1


def splitmix64(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & M
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M
        yield z ^ (z >> 31)


def rotl(x, k):
    return ((x << k) | (x >> (64 - k))) & M


def xoshiro256pp(seed):
    mix = splitmix64(seed)
    s = [next(mix) for _ in range(4)]
    while True:
        yield (rotl((s[0] + s[3]) & M, 23) + s[0]) & M
        t = (s[1] << 17) & M
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)


def below(rng, bound):
    while True:
        wide = (next(rng) >> 32) * bound
        if wide & 0xFFFFFFFF >= (1 << 32) % bound:
            return wide >> 32


def shuffle(rng, order):
    for i in range(len(order) - 1, 0, -1):
        j = below(rng, i + 1)
        order[i], order[j] = order[j], order[i]
    return order


if __name__ == "__main__":
    for seed in (0, 1, 42, M):
        print("order", seed, shuffle(xoshiro256pp(seed), list(range(100)))[:8])
    print("random_split 0.1, seed 42:", sorted(shuffle(xoshiro256pp(42), list(range(100)))[:10]))
    rng = xoshiro256pp(42)
    chosen = []
    for label, quota in enumerate((3, 3, 2, 2)):
        chosen += shuffle(rng, [i for i in range(100) if i % 4 == label])[:quota]
    print("stratified_split 0.1, seed 42:", sorted(chosen))
