"""The random numbers of Spanfill's own trainer, drawn many at a time: the same seed drops the same values."""

import torch

MASK = 0xFFFFFFFF


def _int32(value: int) -> int:
    return value & MASK


def mix(value: int) -> int:
    """MurmurHash3's finalizer, as `mix` of models/random.ts."""
    bits = _int32(value)
    bits = _int32((bits ^ (bits >> 16)) * 0x85EBCA6B)
    bits = _int32((bits ^ (bits >> 13)) * 0xC2B2AE35)
    return bits ^ (bits >> 16)


def mix_seeds(a: int, b: int) -> int:
    """A seed of two numbers, as `mixSeeds` of models/random.ts."""
    return mix(_int32(_int32(a ^ 0x9E3779B9) * 0x85EBCA6B) + b)


def uniform_bits(seed: int, count: int, device: torch.device) -> torch.Tensor:
    """The first numbers of Mulberry32 (`seededRandom` of models/random.ts) times 2^32, int64 [count]."""
    state = (_int32(seed) + torch.arange(1, count + 1, dtype=torch.int64, device=device) * 0x6D2B79F5) & MASK
    t = _multiplied(state ^ (state >> 15), state | 1)
    t = t ^ ((t + _multiplied(t ^ (t >> 7), t | 61)) & MASK)
    return t ^ (t >> 14)


def _multiplied(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The low 32 bits of products; int64 wraps, which leaves them right."""
    return (a * b) & MASK


class Dropout:
    """The dropout masks of one batch: drawn in the order of their use, for all rows, of which a process takes some."""

    def __init__(self, seed: int, rate: float, adapter_rate: float, rows: list[int], batch: int, device: torch.device):
        self.seed, self.rate, self.adapter_rate = seed, rate, adapter_rate
        self.rows = torch.tensor(rows, dtype=torch.int64, device=device)
        self.batch, self.device, self.place = batch, device, 0

    def mask(self, shape: tuple[int, ...], adapter: bool = False) -> torch.Tensor | None:
        """A mask [rows of this process, *shape], 0 or 1 / (1 - rate); None where nothing is dropped."""
        rate = self.adapter_rate if adapter else self.rate
        if rate <= 0:
            return None
        count = self.batch
        for size in shape:
            count *= size
        bits = uniform_bits(mix_seeds(self.seed, self.place), count, self.device)
        self.place += 1
        kept = (bits.double() >= rate * 4294967296.0).float() / (1 - rate)
        return kept.view(self.batch, *shape)[self.rows]
