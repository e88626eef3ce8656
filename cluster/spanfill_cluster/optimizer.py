"""How gradients change the weights: Adafactor as T5 was trained with, and AdamW; as server/training/step/optimizer.ts."""

import math

import torch

SMALLEST_SQUARE, LEAST_SCALE, CLIP_THRESHOLD = 1e-30, 1e-3, 1.0
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def rate_at(schedule: str, step: int, warmup: int, total: int) -> float:
    """The share of the full rate at a step counted from 1, as server/training/step/schedule.ts."""
    if step <= warmup:
        return step / warmup
    done = (step - 1 - warmup) / max(1, total - warmup)
    if schedule == "linear":
        return max(0.0, 1 - done)
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min(1, done)))
    if schedule == "inverse-sqrt":
        return math.sqrt(max(1, warmup) / max(1, step))
    return 1.0


class Optimizer:
    """Changes the tensors in place, by their gradients; `state` is what a resumed run needs."""

    def __init__(self, kind: str, learned: dict[str, torch.Tensor], weight_decay: float):
        self.kind, self.learned, self.weight_decay = kind, learned, weight_decay
        self.state: dict[str, torch.Tensor] = {}
        for name, tensor in learned.items():
            for suffix, shape in self._shapes(tensor):
                self.state[f"{name} {suffix}"] = torch.zeros(shape, dtype=torch.float32, device=tensor.device)

    def _shapes(self, tensor):
        if self.kind == "adamw":
            return [("m", tensor.shape), ("v", tensor.shape)]
        if tensor.dim() == 1:
            return [("v", tensor.shape)]
        return [("r", tensor.shape[:1]), ("c", tensor.shape[1:])]

    @torch.no_grad()
    def update(self, step: int, rate: float, scale: float) -> None:
        """One step along the gradients times `scale`. The rate of Adafactor is relative to each tensor's size."""
        for name, tensor in self.learned.items():
            gradient = tensor.grad if scale == 1 else tensor.grad * scale
            if self.kind == "adamw":
                self._adamw(name, tensor, gradient, step, rate)
            else:
                self._adafactor(name, tensor, gradient, step, rate)

    def _adamw(self, name, tensor, gradient, step, rate):
        first, second = self.state[f"{name} m"], self.state[f"{name} v"]
        first.mul_(BETA1).add_(gradient, alpha=1 - BETA1)
        second.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        root = second.sqrt().div_(math.sqrt(1 - BETA2**step)).add_(EPSILON)
        tensor.mul_(1 - rate * self.weight_decay).addcdiv_(first, root, value=-rate / (1 - BETA1**step))

    def _adafactor(self, name, tensor, gradient, step, rate):
        decay = 1 - step**-0.8
        relative = rate * max(LEAST_SCALE, math.sqrt(float(tensor.double().pow(2).mean())))
        squares = gradient.double().pow(2)
        if tensor.dim() == 1:
            kept = self.state[f"{name} v"]
            kept.copy_(kept.double().mul(decay).add(squares + SMALLEST_SQUARE, alpha=1 - decay))
            update = gradient * kept.rsqrt()
        else:
            rows, columns = self.state[f"{name} r"], self.state[f"{name} c"]
            rows.copy_(rows.double().mul(decay).add(squares.mean(1) + SMALLEST_SQUARE, alpha=1 - decay))
            columns.copy_(columns.double().mul(decay).add(squares.mean(0) + SMALLEST_SQUARE, alpha=1 - decay))
            by_row = (rows.double().mean() / rows.double()).sqrt().float()
            update = gradient * by_row[:, None] * columns.rsqrt()[None, :]
        size = math.sqrt(float(update.double().pow(2).mean()))
        tensor.mul_(1 - self.weight_decay * relative)
        tensor.add_(update, alpha=-relative / max(1.0, size / CLIP_THRESHOLD))
