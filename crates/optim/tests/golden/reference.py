"""The rules that PyTorch does not have, from their papers, one tensor operation per line of the algorithm."""

import torch


class Rule:
    """What generate.py uses of an optimizer."""

    def __init__(self, params):
        self.params = list(params)
        self.state = {p: {} for p in self.params}

    def zero_grad(self, set_to_none):
        assert set_to_none
        for p in self.params:
            p.grad = None

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                self.update(p, p.grad, self.state[p])


class Lion(Rule):
    """Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params)
        self.lr, self.betas, self.weight_decay = lr, betas, weight_decay

    def update(self, p, g, state):
        beta1, beta2 = self.betas
        m = state.setdefault("m", torch.zeros_like(p))
        c = beta1 * m + (1 - beta1) * g
        p.copy_(p - self.lr * (torch.sign(c) + self.weight_decay * p))
        m.copy_(beta2 * m + (1 - beta2) * g)


class Lamb(Rule):
    """You et al. 2020, "Large batch optimization for deep learning", algorithm 2; phi is the identity."""

    def __init__(self, params, lr, betas, eps, weight_decay):
        super().__init__(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay

    def update(self, p, g, state):
        beta1, beta2 = self.betas
        m = state.setdefault("m", torch.zeros_like(p))
        v = state.setdefault("v", torch.zeros_like(p))
        t = state["t"] = state.get("t", 0) + 1
        m.copy_(beta1 * m + (1 - beta1) * g)
        v.copy_(beta2 * v + (1 - beta2) * g**2)
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        r = m_hat / (torch.sqrt(v_hat) + self.eps)
        u = r + self.weight_decay * p
        ratio = torch.linalg.vector_norm(p) / torch.linalg.vector_norm(u)
        p.copy_(p - self.lr * ratio * u)


class Lookahead(Rule):
    """Zhang et al. 2019, "Lookahead optimizer: k steps forward, 1 step back", algorithm 1."""

    def __init__(self, params, inner, k, alpha):
        super().__init__(params)
        self.inner, self.k, self.alpha, self.t = inner, k, alpha, 0
        self.slow = [p.detach().clone() for p in self.params]

    @torch.no_grad()
    def step(self):
        self.inner.step()
        self.t += 1
        if self.t % self.k == 0:
            for p, slow in zip(self.params, self.slow):
                slow.copy_(slow + self.alpha * (p - slow))
                p.copy_(slow)
