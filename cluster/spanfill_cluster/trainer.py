"""
A run on one or several processes, which share each step's rows: gradients are summed, so that the result is that of
one process but for the order of additions. The first process reads, writes and reports.
"""

import math
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F

from .draws import Dropout, mix_seeds
from .job import Batch, Job
from .model import T5, Lora, write_greedily
from .optimizer import Optimizer, rate_at
from .state import load_state, save_state, write_tensors

MOST_ROLLBACKS, ROLLBACK_FACTOR = 3, 1 / 3
MEASURED_STEPS = 3
JUDGED_AT_ONCE = 16

FRESH = {"step": 0, "lossSum": 0.0, "lossCount": 0, "validations": [], "rateFactor": 1.0, "rollbacks": 0}


class Trainer:
    """A run under way. `tell` receives events; only the first process calls it."""

    def __init__(self, job: Job, out: Path, device: torch.device, tell: Callable[[dict], None]):
        self.job, self.out, self.device = job, out, device
        self.rank, self.world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        self.tell = tell if self.rank == 0 else lambda event: None
        method = job.method
        tensors = {name: tensor.to(device) for name, tensor in job.weights().items()}
        self.learned = {name: t.requires_grad_() for name, t in tensors.items() if _learns(method, name)}
        self.optimizer = Optimizer(job.settings["optimizer"], self.learned, job.settings["weightDecay"])
        lora = Lora(method["alpha"] / method["rank"]) if method["kind"] == "lora" else None
        self.model = T5(job.config, tensors, lora)
        self.autocast = job.precision == "bfloat16" or (job.precision == "auto" and device.type == "cuda")
        self.progress = dict(FRESH)
        self.watch = {"tokens": 0, "seconds": 0.0, "steps": 0}
        self.stopping = False

    def run(self) -> bool:
        """Trains until the end, or until the file `stop` is there. Returns whether the run is complete."""
        if self._load():
            self.tell(
                {"type": "resumed", "step": self.progress["step"], "validations": self.progress["validations"]}
            )
        if not self.progress["validations"]:
            self._evaluate()
        if self._steps_left() > 0:
            self._estimate()
        saved = self.progress["step"]
        while self._steps_left() > 0 and not self._tired():
            if not self._step():
                saved = self.progress["step"]
                continue
            if self._evaluation_due():
                self._evaluate()
                saved = self.progress["step"]
            elif self.progress["step"] - saved >= self.job.save_every:
                self._save()
                saved = self.progress["step"]
            if self.stopping and self._steps_left() > 0:
                self._save()
                self.tell({"type": "stopped", "step": self.progress["step"]})
                return False
        return True

    # -- steps

    def _step(self) -> bool:
        settings, step = self.job.settings, self.progress["step"] + 1
        started = time.monotonic()
        loss, tokens = self._gradients(step)
        norm = math.sqrt(sum(float(t.grad.double().pow(2).sum()) for t in self.learned.values()))
        if not math.isfinite(loss + norm):
            self._roll_back(step)
            return False
        clip = settings["clipNorm"]
        scale = clip / norm if clip > 0 and norm > clip else 1
        share = rate_at(settings["schedule"], step, settings["warmupSteps"], self.job.steps)
        rate = settings["learningRate"] * self.progress["rateFactor"] * share
        self.optimizer.update(step, rate, scale)
        self.progress.update(
            step=step, lossSum=self.progress["lossSum"] + loss, lossCount=self.progress["lossCount"] + 1
        )
        self.watch["tokens"] += tokens
        self.watch["seconds"] += time.monotonic() - started
        self.watch["steps"] += 1
        self.tell(
            {
                "type": "step",
                "step": step,
                "steps": self.job.steps,
                "epoch": math.ceil(step / self.job.per_epoch),
                "loss": loss,
                "learningRate": rate,
                "gradientNorm": norm,
                "tokensPerSecond": self.tokens_per_second(),
                "secondsLeft": self._steps_left() * self.watch["seconds"] / self.watch["steps"],
                "memoryBytes": _memory_bytes(self.device),
            }
        )
        return True

    def _gradients(self, step: int) -> tuple[float, int]:
        """Writes the step's gradients, summed over all processes. Returns its loss and tokens."""
        for tensor in self.learned.values():
            tensor.grad = torch.zeros_like(tensor)
        batches = self.job.step(step)
        examples = [self.job.example(i) for batch in batches for i in batch.examples]
        share = 1 / sum(len(target) for _, target in examples)
        seed = mix_seeds(self.job.settings["seed"], step)
        total = torch.zeros((), dtype=torch.float64)
        for index, batch in enumerate(batches):
            loss, _ = self._losses(batch, share, (seed, index))
            if loss is not None:
                loss.backward()
                total += loss.detach().double().cpu()
        loss = self._summed(float(total))
        return loss, sum(len(source) + len(target) for source, target in examples)

    def _losses(self, batch: Batch, share: float, seeds: tuple[int, int] | None):
        """The loss of this process's rows and their negative log-likelihood; None where it has none."""
        rows = list(range(self.rank, len(batch.examples), self.world))
        if not rows:
            return None, 0.0
        examples = [self.job.example(i) for i in batch.examples]
        S, T = max(len(source) for source, _ in examples), max(len(target) for _, target in examples)
        own = [examples[row] for row in rows]
        pad, start = self.job.config["padTokenId"], self.job.config["decoderStartTokenId"]
        tensor = lambda values: torch.tensor(values, device=self.device)
        input_ids = tensor([source + [pad] * (S - len(source)) for source, _ in own])
        mask = tensor([[1] * len(source) + [0] * (S - len(source)) for source, _ in own])
        decoder_ids = tensor([[start, *target[:-1]] + [pad] * (T - len(target)) for _, target in own])
        labels = tensor([target + [-1] * (T - len(target)) for _, target in own])
        drop = None
        if seeds is not None:
            settings, method = self.job.settings, self.job.method
            adapter = method.get("dropoutRate", 0.0)
            drop = Dropout(mix_seeds(*seeds), settings["dropoutRate"], adapter, rows, len(examples), self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            states = self.model.states(input_ids, mask, decoder_ids, drop)
        counted = labels >= 0
        logits = self.model.logits(states[counted])  # [n, V]
        return self._cross_entropy(logits, labels[counted], share)

    def _cross_entropy(self, logits, labels, share):
        settings = self.job.settings
        log_sum = torch.logsumexp(logits, dim=-1)
        picked = logits.gather(1, labels[:, None])[:, 0]
        smoothing = settings["labelSmoothing"]
        loss = log_sum - (1 - smoothing) * picked
        if smoothing > 0:
            loss = loss - smoothing * logits.mean(-1)
        if settings["zLoss"] > 0:
            loss = loss + settings["zLoss"] * log_sum.pow(2)
        return loss.sum() * share, float((log_sum - picked).detach().double().sum()) * share

    def _summed(self, loss: float) -> float:
        """Adds up gradients and loss over all processes, and hears whether the first one is to stop."""
        stop = self.rank == 0 and ((self.out / "stop").exists() or _is_orphan())
        if self.world == 1:
            self.stopping = stop
            return loss
        flat = torch.cat([tensor.grad.flatten() for tensor in self.learned.values()])
        dist.all_reduce(flat)
        at = 0
        for tensor in self.learned.values():
            tensor.grad.copy_(flat[at : at + tensor.numel()].view_as(tensor))
            at += tensor.numel()
        said = torch.tensor([loss, float(stop)], dtype=torch.float64, device=self.device)
        dist.all_reduce(said)
        self.stopping = float(said[1]) > 0
        return float(said[0])

    def _estimate(self) -> None:
        """Measures a step over the next few; nothing is learned. The first one warms up."""
        seconds = []
        for i in range(1, MEASURED_STEPS + 1):
            if self.progress["step"] + i > self.job.steps:
                break
            started = time.monotonic()
            self._gradients(self.progress["step"] + i)
            seconds.append(time.monotonic() - started)
        counted = seconds[1:] or seconds
        mean = sum(counted) / len(counted)
        self.tell(
            {
                "type": "estimate",
                "stepSeconds": mean,
                "secondsPerEpoch": mean * self.job.per_epoch,
                "seconds": mean * self._steps_left(),
                "memoryBytes": _memory_bytes(self.device),
                "freeMemoryBytes": _free_bytes(self.device),
                "diskBytes": 4 * sum(t.numel() for t in (*self.model.tensors.values(), *self.optimizer.state.values())),
            }
        )

    # -- evaluations and files

    @torch.no_grad()
    def _evaluate(self) -> None:
        batches = self.job.validation()
        share = 1 / sum(len(self.job.example(i)[1]) for batch in batches for i in batch.examples)
        nll = torch.zeros((), dtype=torch.float64, device=self.device)
        for batch in batches:
            nll += self._losses(batch, share, None)[1]
        if self.world > 1:
            dist.all_reduce(nll)
        validation = float(nll)
        step = self.progress["step"]
        if not math.isfinite(validation):
            self._roll_back(step)
            return
        best = all(validation < other[1] for other in self.progress["validations"])
        if best and self.rank == 0:
            self._write_model()
        count = self.progress["lossCount"]
        loss = None if count == 0 else self.progress["lossSum"] / count
        self.progress.update(
            lossSum=0.0, lossCount=0, validations=[*self.progress["validations"], [step, validation]]
        )
        outputs = self._outputs() if self.rank == 0 else []
        self._save()
        self.tell(
            {"type": "evaluation", "step": step, "loss": loss, "validation": validation, "best": best, "outputs": outputs}
        )

    def _outputs(self) -> list[list[int]]:
        """What the model writes for the judged examples, as token ids."""
        inputs = [self.job.example(i)[0] for i in self.job.judged]
        rows: list[list[int]] = []
        for at in range(0, len(inputs), JUDGED_AT_ONCE):
            rows += write_greedily(self.model, inputs[at : at + JUDGED_AT_ONCE], self.job.most_new_tokens, self.device)
        return rows

    def _write_model(self) -> None:
        """Writes the weights as they are, with LoRA's products added, into a folder that any reader loads."""
        method, tensors = self.job.method, self.model.tensors
        merged = {name: tensor for name, tensor in tensors.items() if ".lora_" not in name}
        if method["kind"] == "lora":
            for name in merged:
                module = name.removesuffix(".weight")
                if f"{module}.lora_A.weight" in tensors:
                    a, b = tensors[f"{module}.lora_A.weight"], tensors[f"{module}.lora_B.weight"]
                    merged[name] = merged[name] + method["alpha"] / method["rank"] * (b @ a)
            write_tensors(self.out / "learned.safetensors", self.learned, {"format": "pt"})
        folder = self.out / "model"
        write_tensors(folder / "model.safetensors", merged, {"format": "pt"})
        (beside,) = (self.job.folder / "model").iterdir()
        # config.json comes last: it makes the folder a model.
        for file in sorted(beside.iterdir(), key=lambda file: file.name == "config.json"):
            (folder / file.name).write_bytes(file.read_bytes())

    def _save(self) -> None:
        if self.rank == 0:
            save_state(self.out, self.job.key, self.progress, {**self.learned, **self.optimizer.state})
        if self.world > 1:
            dist.barrier()
        self.tell({"type": "saved", "step": self.progress["step"]})

    @torch.no_grad()
    def _load(self) -> bool:
        """Takes the newest state of this run, which the first process reads for all."""
        found = load_state(self.out, self.job.key) if self.rank == 0 else None
        box = [found[0] if found is not None else None]
        if self.world > 1:
            dist.broadcast_object_list(box, src=0)
        if box[0] is None:
            return False
        for name, tensor in {**self.learned, **self.optimizer.state}.items():
            if found is not None:
                tensor.copy_(found[1][name])
            if self.world > 1:
                dist.broadcast(tensor, src=0)
        self.progress = box[0]
        return True

    def _roll_back(self, step: int) -> None:
        rollbacks, factor = self.progress["rollbacks"], self.progress["rateFactor"] * ROLLBACK_FACTOR
        if rollbacks >= MOST_ROLLBACKS or not self._load():
            raise SystemExit(f"The loss of step {step} is not a number, whatever the learning rate. Give a smaller --lr.")
        self.progress.update(rateFactor=factor, rollbacks=rollbacks + 1)
        rate = self.job.settings["learningRate"] * factor
        back = self.progress["step"]
        reason = f"The loss of step {step} is not a number: a learning rate of {3 * rate:.3g} is too high here. The run goes back to step {back} and on with {rate:.3g}."
        self.tell({"type": "rollback", "step": step, "toStep": back, "learningRate": rate, "reason": reason})
        self._save()

    # -- how far it is

    def _steps_left(self) -> int:
        return self.job.steps - self.progress["step"]

    def _evaluation_due(self) -> bool:
        every = self.job.settings["evaluateEvery"] or self.job.per_epoch
        return self.progress["step"] % every == 0 or self._steps_left() == 0

    def _tired(self) -> bool:
        patience = self.job.settings["patience"]
        values = [value for _, value in self.progress["validations"]]
        if patience == 0 or len(values) <= patience:
            return False
        return values.index(min(values)) < len(values) - patience

    def tokens_per_second(self) -> float:
        return self.watch["tokens"] / self.watch["seconds"] if self.watch["seconds"] > 0 else 0.0


def _learns(method: dict, name: str) -> bool:
    if method["kind"] == "lora":
        return ".lora_" in name
    return name != "shared.weight" or not method["freezeEmbedding"]


def _is_orphan() -> bool:
    """Whether the program that started torchrun has ended."""
    parent = os.environ.get("SPANFILL_PARENT")
    if parent is None or os.name == "nt":
        return False
    try:
        os.kill(int(parent), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _memory_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
