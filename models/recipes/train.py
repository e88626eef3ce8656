"""Trains a built-in model from the token files of prepare.py, on a CPU (best with bfloat16 matrix units) or on a GPU.

The schedule (mixture, rate, sampled or full softmax) follows the share of the time that has been worked: a step counts for at most five seconds,
so a stopped process (kill -STOP) picks up where it was. Stop with kill -TERM, or after --stage-minutes (a checkpoint is written); go on with --resume.
"""
import argparse
import json
import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from data import TASKS, Mixture
from model import COMPUTE, T5, HeadLoss
from optim import Optimizer

FREQUENT, CANDIDATES = 3000, 5632
TASK_WEIGHT = torch.tensor([0.7, 0.5, 1.0, 1.0, 1.0])   # span corruption has by far the most target tokens


def shares(progress):
    """Each task's part of the source tokens."""
    late = min(1.0, progress / 0.67)
    span, copy, summary, title = 0.15 - 0.10 * late, 0.12 - 0.08 * late, 0.25 + 0.05 * late, 0.10
    return {"span": span, "copy": copy, "infill": 1 - span - copy - summary - title, "summary": summary, "title": title}


def grow(model, saved):
    """Loads another run's weights; where the model has more layers, the new ones stand after each old one and change little at first."""
    state = dict(model.state_dict())
    for name in saved:
        parts = name.split(".")
        if "block" in parts:
            new, old = (1 + max(int(n.split(".")[2]) for n in names if n.startswith(f"{parts[0]}.block.")) for names in (state, saved))
            parts[2] = str(int(parts[2]) * new // old)
        state[".".join(parts)] = saved[name]
    added = {n for n in state if ".block." in n} - {n for n in state if any(state[n] is s for s in saved.values())}
    for name in added:
        if name.endswith(("o.weight", "wo.weight")):
            state[name] = state[name] * 0.1
    model.load_state_dict(state)


def rate_at(progress, step, options):
    down = 1 - max(0.0, progress - options.hold) / (1 - options.hold)
    return options.rate * min(1.0, (step + 1) / options.warmup) * max(down, 0.005)


class Candidates:
    """The ids of a step's softmax: the frequent ones, the step's own and a uniform sample of the rest."""

    def __init__(self, frequency, seed):
        self.random = np.random.default_rng(seed)
        self.always = np.zeros(len(frequency), bool)
        self.always[np.argsort(-frequency, kind="stable")[:FREQUENT]] = True
        self.always[32000:32100] = True
        self.always[0] = False

    def draw(self, targets):
        """(ids, what to add to each one's logit)"""
        member = self.always.copy()
        member[targets] = True
        rest = np.flatnonzero(~member)
        drawn = self.random.choice(rest, max(256, CANDIDATES - int(member.sum())), replace=False)
        ids = np.concatenate([np.flatnonzero(member), drawn])
        correction = torch.zeros(len(ids), dtype=COMPUTE)
        correction[-len(drawn):] = np.log(len(rest) / len(drawn))
        return torch.from_numpy(ids), correction


def states_of(model, batch, folded=None, embedding=None):
    """(decoder states, targets and tasks of a batch's real target tokens; ids looked up in `embedding` and their rows, a leaf)"""
    device = model.shared.weight.device
    source, target, task = (torch.from_numpy(part).to(device) for part in batch)
    real = (target != 0).flatten().nonzero()[:, 0]
    target_in = torch.cat([torch.zeros_like(target[:, :1]), target[:, :-1]], 1)
    ids = torch.cat([source.flatten(), target_in.flatten()])
    rows = None if embedding is None else embedding.detach()[ids].to(COMPUTE).requires_grad_()
    states = model(source, target_in, folded, rows).flatten(0, 1)[real]
    return states, target.flatten()[real], task[:, None].expand_as(target).flatten()[real], ids, rows


def gradients(model, batches, candidates, full, pool):
    """Leaves every parameter's gradient of the step's loss; returns each token's cross entropy and task.

    One thread a batch and no threads inside an operation: on a shared machine the barriers of threaded operations cost more than the work.
    """
    embedding = model.shared.weight
    device = embedding.device
    if full:
        ids, correction, among = slice(None), None, torch.arange(len(embedding), device=device)
    else:
        ids, correction = (part.to(device) for part in candidates.draw(np.concatenate([t.ravel() for _, t, _ in batches])))
        among = torch.zeros(len(embedding), dtype=torch.long, device=device)
        among[ids] = torch.arange(len(ids), device=device)
    task_weight = TASK_WEIGHT.to(device)
    scored = embedding.detach()[ids].to(COMPUTE)   # the softmax's rows
    folded = model.folded()
    leaves = {k: v.detach().requires_grad_() for k, v in folded.items()}
    total = sum(float((TASK_WEIGHT[torch.from_numpy(k)] * torch.from_numpy((t != 0).sum(1))).sum()) for _, t, k in batches)

    def work(batch):
        if device.type == "cpu":
            torch.set_num_threads(1)
        states, targets, tasks, looked_up, rows = states_of(model, batch, leaves, embedding)
        count, spare = len(targets), -len(targets) % 64   # few shapes: oneDNN compiles a kernel for each
        weights = F.pad(task_weight[tasks] / total, (0, spare))
        labels, states = F.pad(among[targets], (0, spare)), F.pad(states, (0, 0, 0, spare))
        loss, losses, d_scored = HeadLoss.apply(states, scored, labels, weights, correction)
        d_rows, *d_leaves = torch.autograd.grad(loss, [rows, *leaves.values()])
        return d_leaves, d_scored, (looked_up, d_rows.float()), losses[:count], tasks

    results = list(pool.map(work, batches))
    for p in model.parameters():
        p.grad = None if p is not embedding or p.grad is None else p.grad.zero_()
    if embedding.grad is None:
        embedding.grad = torch.zeros_like(embedding)
    (d_leaves, d_scored, *_), *rest = results
    for r in rest:
        torch._foreach_add_(d_leaves, r[0])
        d_scored += r[1]
    embedding.grad[ids] += d_scored
    for r in results:
        embedding.grad.index_add_(0, *r[2])
    torch.autograd.backward(list(folded.values()), d_leaves)
    return torch.cat([r[3] for r in results]).cpu(), torch.cat([r[4] for r in results]).cpu()


@torch.no_grad()
def validate(model, batches):
    """Mean cross entropy of each task's target tokens, over the whole vocabulary."""
    total, count = np.zeros(len(TASKS)), np.zeros(len(TASKS))
    rows = model.shared.weight.to(COMPUTE)
    for batch in batches:
        states, targets, tasks, *_ = states_of(model, batch)
        _, losses, _ = HeadLoss.forward(None, states, rows, targets, torch.ones(len(targets), device=rows.device), None)
        total += np.bincount(tasks.cpu(), losses.cpu(), len(TASKS))
        count += np.bincount(tasks.cpu(), minlength=len(TASKS))
    return {t: round(float(v), 4) for t, v in zip(TASKS, total / count)}


def produce(prepared, tokenizer, seed, source_tokens, count, progress, queue):
    """A process that fills the queue with batches: one core makes about 400,000 tokens a second, a GPU takes millions."""
    data = Mixture(prepared, Tokenizer.from_file(tokenizer), "train", seed)
    while True:
        draw(data, progress.value, source_tokens, count, queue.put)


def draw(data, progress, source_tokens, count, put):
    data.leads = 0.5 - 0.4 * min(1.0, progress / 0.67)
    for batch in data.batches(shares(progress), source_tokens, count):
        put(batch)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, help="how long to train")
    parser.add_argument("--end-time", help="HH:MM today, instead of --minutes")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--from", dest="start", help="another run's checkpoint to take the weights from (a deeper shape gets new layers in between)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--source-tokens", type=int, default=1536, help="of one batch, padding included")
    parser.add_argument("--batches", type=int, default=4, help="a step")
    parser.add_argument("--rate", type=float, default=1.2e-2)
    parser.add_argument("--warmup", type=int, default=250)
    parser.add_argument("--hold", type=float, default=0.3, help="share of the run before the rate falls")
    parser.add_argument("--full-from", type=float, default=0.82, help="share of the run before the full softmax")
    parser.add_argument("--muon", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--workers", type=int, default=0, help="processes that make batches; 0: this one does")
    parser.add_argument("--stage-minutes", type=float, help="stop after so long, the run unfinished; --resume goes on")
    for name, value in (("d-model", 256), ("d-ff", 1024), ("d-kv", 64), ("num-heads", 4), ("num-layers", 2), ("num-decoder-layers", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    config = {k: getattr(options, k) for k in ("d_model", "d_ff", "d_kv", "num_heads", "num_layers", "num_decoder_layers")}
    model = T5({**config, "vocab_size": 32128}).to(options.device)
    optimizer = Optimizer(model, options.muon)
    state = {"step": 0, "active": 0.0, "tokens": 0, "minutes": options.minutes}
    path = f"{options.out}/latest.pt"
    if options.resume:
        saved = torch.load(path, weights_only=False, map_location=options.device)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        state = saved["state"]
        state["minutes"] = options.minutes or state["minutes"]
    elif options.start:
        grow(model, torch.load(options.start, weights_only=False, map_location=options.device)["model"])
    if options.end_time:
        hour, minute = map(int, options.end_time.split(":"))
        now = time.localtime()
        state["minutes"] = state["active"] / 60 + (hour * 60 + minute) - (now.tm_hour * 60 + now.tm_min + now.tm_sec / 60)

    tokenizer = Tokenizer.from_file(options.tokenizer)
    data = Mixture(options.prepared, tokenizer, "train", options.seed * 1_000_003 + state["step"])
    equal = {t: 0.2 for t in TASKS}
    valid = Mixture(options.prepared, tokenizer, "valid", 0).batches({**equal, "title": 0.15}, 8192, 24)
    candidates = Candidates(data.frequency, options.seed + state["step"])
    log = open(f"{options.out}/log.jsonl", "a", buffering=1)
    write = lambda **row: log.write(json.dumps(row) + "\n")
    write(start={**vars(options), **state, "parameters": sum(p.numel() for p in model.parameters())}, time=time.time())

    def save():
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": state, "config": config,
                    "options": vars(options)}, f"{path}.part")
        os.replace(f"{path}.part", path)

    stop, pool = [], ThreadPoolExecutor(options.threads)
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    saved_at = validated_at = state["active"]
    queue, sums, counts, seen, began, cpu = [], np.zeros(len(TASKS)), np.zeros(len(TASKS)), 0, time.time(), time.process_time()
    progress = lambda: min(1.0, state["active"] / (state["minutes"] * 60))
    processes = multiprocessing.get_context("spawn")   # a fork would inherit locks of threads that it has not
    made, shared = processes.Queue(8 * max(1, options.workers)), processes.Value("d", progress())
    for i in range(options.workers):
        seed = (options.seed * 1_000_003 + state["step"]) * 1_009 + i
        arguments = (options.prepared, options.tokenizer, seed, options.source_tokens, 16, shared, made)
        processes.Process(target=produce, args=arguments, daemon=True).start()
    stage_ends = float("inf") if options.stage_minutes is None else time.time() + 60 * options.stage_minutes
    while progress() < 1 and not stop and time.time() < stage_ends:
        start, at = time.time(), progress()
        shared.value = at
        if options.workers > 0:
            queue = [made.get() for _ in range(options.batches)]
        elif len(queue) < options.batches:
            draw(data, at, options.source_tokens, 384, queue.append)
        batches = sorted((queue.pop() for _ in range(options.batches)), key=lambda b: -b[0].shape[1])
        losses, tasks = gradients(model, batches, candidates, at >= options.full_from, pool)
        norm = torch.nn.utils.clip_grad_norm_(optimizer.parameters(), 1.0, foreach=True)
        rate = rate_at(at, state["step"], options)
        optimizer.step(rate)
        sums += np.bincount(tasks, losses, len(TASKS))
        counts += np.bincount(tasks, minlength=len(TASKS))
        seen += sum(int((b[0] > 0).sum()) for b in batches) + len(losses)
        state["step"] += 1
        state["active"] += min(time.time() - start, 5.0)
        if state["step"] % 50 == 0:
            state["tokens"] += seen
            write(step=state["step"], active=round(state["active"]), progress=round(at, 4), tokens=state["tokens"], rate=rate, norm=round(float(norm), 3),
                  full=at >= options.full_from, tokens_per_second=round(seen / (time.time() - began)), target_tokens=int(counts.sum()),
                  cpu_per_step=round((time.process_time() - cpu) / 50, 3),
                  loss={t: round(float(v), 3) for t, v in zip(TASKS, sums / counts.clip(1))})
            sums, counts, seen, began, cpu = sums * 0, counts * 0, 0, time.time(), time.process_time()
        if state["active"] - saved_at > 300:
            saved_at = state["active"]
            save()
        if state["active"] - validated_at > 600:
            validated_at = state["active"]
            write(step=state["step"], active=round(state["active"]), tokens=state["tokens"], valid=validate(model, valid))
            state["active"] += min(time.time() - start, 20.0)
    save()
    if progress() >= 1:
        write(step=state["step"], active=round(state["active"]), tokens=state["tokens"], valid=validate(model, valid))


if __name__ == "__main__":
    main()
