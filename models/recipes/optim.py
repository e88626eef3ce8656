"""Optimizers whose steps are relative to each tensor's size: Adam, and Muon for the hidden matrices."""
import torch


def rms(tensor):
    return max(float(tensor.norm() / tensor.numel() ** 0.5), 1e-3)


@torch.no_grad()
def orthogonalise(g, steps=5):
    """Newton-Schulz towards the nearest orthogonal matrix, for a stack of wide matrices (Muon's quintic)."""
    x = g.to(torch.bfloat16)
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-12)
    for _ in range(steps):
        s = x @ x.transpose(1, 2)
        x = 3.4445 * x + torch.baddbmm(s, s, s, beta=-4.7750, alpha=2.0315) @ x
    return x.float()


class Optimizer:
    """step(rate): Adam moves each tensor by about rate * its RMS; with `muon` the hidden matrices get an orthogonalised step instead."""

    def __init__(self, model, muon, muon_scale=0.3, again=50):
        named = list(model.named_parameters())
        hidden = [p for n, p in named if p.ndim == 2 and "shared" not in n and "relative" not in n] if muon else []
        chosen = {id(p) for p in hidden}
        self.adam = torch.optim.Adam([{"params": [p], "lr": 0.0} for _, p in named if id(p) not in chosen],
                                     betas=(0.9, 0.98), eps=1e-9, fused=True)
        self.muon_scale, self.again, self.steps = muon_scale, again, 0
        shapes = {}
        for p in hidden:   # matrices of one shape, up to transposition, go through one product
            shapes.setdefault(tuple(sorted(p.shape)), []).append(p)
        self.stacks = [{"params": ps, "momentum": [torch.zeros_like(p) for p in ps], "rms": [0.0] * len(ps)} for ps in shapes.values()]

    def parameters(self):
        return [p for g in self.adam.param_groups for p in g["params"]] + [p for s in self.stacks for p in s["params"]]

    @torch.no_grad()
    def step(self, rate):
        if self.steps % self.again == 0:
            for group in self.adam.param_groups:
                group["rms"] = rms(group["params"][0])
            for stack in self.stacks:
                stack["rms"] = [rms(p) for p in stack["params"]]
        self.steps += 1
        for group in self.adam.param_groups:
            group["lr"] = rate * group["rms"]
        self.adam.step()
        for stack in self.stacks:
            grads = [p.grad for p in stack["params"]]
            torch._foreach_lerp_(stack["momentum"], grads, 0.05)
            looks = torch._foreach_lerp(grads, stack["momentum"], 0.95)
            wide = torch.stack([g.t() if g.shape[0] > g.shape[1] else g for g in looks])
            updates = orthogonalise(wide)
            unit = max(wide.shape[1:]) ** 0.5   # the RMS of an orthogonal matrix is 1 / sqrt(longer side)
            for p, u, size in zip(stack["params"], updates, stack["rms"]):
                p.sub_(u.t() if p.shape[0] > p.shape[1] else u, alpha=rate * size * unit * self.muon_scale)

    def state_dict(self):
        return {"adam": self.adam.state_dict(), "momentum": [s["momentum"] for s in self.stacks],
                "rms": [s["rms"] for s in self.stacks], "steps": self.steps}

    def load_state_dict(self, state):
        self.adam.load_state_dict(state["adam"])
        for s, momentum, size in zip(self.stacks, state["momentum"], state["rms"]):
            s["rms"] = size
            for mine, theirs in zip(s["momentum"], momentum):
                mine.copy_(theirs)
        self.steps = state["steps"]
