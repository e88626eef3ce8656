"""A job's folder as Spanfill writes it: the request, the weights and the examples, laid out by step."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file

from . import VERSION
from .parts import part


@dataclass(frozen=True)
class Batch:
    """Examples that are computed at once; all processes together take all of its rows."""

    examples: list[int]


class Job:
    """What a run learns, and how."""

    def __init__(self, folder: Path):
        self.folder = folder
        described = json.loads((folder / "job.json").read_text("utf-8"))
        if described.get("version") != VERSION:
            raise SystemExit(f"This job is of version {described.get('version')}, not {VERSION}: use Spanfill's own cluster package.")
        self.config: dict = described["config"]
        self.method: dict = described["method"]
        self.settings: dict = described["settings"]
        self.steps: int = described["steps"]
        self.per_epoch: int = described["perEpoch"]
        self.key: str = described["key"]
        self.precision: str = described["precision"]
        self.save_every: int = described["saveEvery"]
        self.most_new_tokens: int = described["maxTargetTokens"]
        laid_out = load_file(folder / "examples.safetensors")
        self.ids = laid_out["ids"]
        self.bounds = laid_out["bounds"].long()  # [examples, 3]: where input, target and the next begin
        self.step_batches = laid_out["step_batches"].long()  # [steps]: batches of each
        self.batch_sizes = laid_out["batch_sizes"].long()  # [batches]: examples of each, those of validation last
        self.order = laid_out["order"].long()  # examples, batch by batch
        self.judged = laid_out["judged"].long().tolist()
        self._first_batch = torch.cumsum(self.step_batches, 0) - self.step_batches
        self._first_row = torch.cumsum(self.batch_sizes, 0) - self.batch_sizes

    def example(self, index: int) -> tuple[list[int], list[int]]:
        """The token ids of an example's input and target, both with eos."""
        begin, middle, end = self.bounds[index].tolist()
        return self.ids[begin:middle].tolist(), self.ids[middle:end].tolist()

    def step(self, number: int) -> list[Batch]:
        """The batches of a step, counted from 1, whose gradients are added up."""
        first = int(self._first_batch[number - 1])
        return [self._batch(i) for i in range(first, first + int(self.step_batches[number - 1]))]

    def validation(self) -> list[Batch]:
        """The batches by which the weights are judged."""
        return [self._batch(i) for i in range(int(self.step_batches.sum()), len(self.batch_sizes))]

    def _batch(self, index: int) -> Batch:
        first = int(self._first_row[index])
        return Batch(self.order[first : first + int(self.batch_sizes[index])].tolist())

    def weights(self) -> dict[str, torch.Tensor]:
        """The base's weights in float32, with what is learned beside them."""
        tensors = load_file(self._joined("weights.safetensors"))
        beside = self.folder / "learned.safetensors"
        return {**tensors, **load_file(beside)} if beside.exists() else tensors

    def _joined(self, name: str) -> Path:
        """A file of the job; joined from its parts where it travelled in parts."""
        whole = self.folder / name
        if whole.exists():
            return whole
        joined = whole.with_suffix(f".{os.getpid()}")
        with joined.open("wb") as file:
            count = json.loads((self.folder / "parts.json").read_text())["parts"]
            for number in range(count):
                file.write(part(number).read_bytes())
        return joined.replace(whole)
