"""`torchrun --nproc-per-node N -m spanfill_cluster JOB OUT`: trains on this machine's processors or GPUs."""

import hashlib
import json
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from . import EVENT
from .job import Job
from .trainer import Trainer


def say(event: dict) -> None:
    """Writes an event as a line of JSON."""
    print(EVENT + json.dumps(event), flush=True)


def train(job: Path, out: Path, tell) -> bool:
    """Trains in this process, one of a group that is connected already. Returns whether the run is complete."""
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    else:
        device = torch.device("cpu")
    trainer = Trainer(Job(job), out, device, tell)
    complete = trainer.run()
    if complete and trainer.rank == 0:
        files = [_described(out, path) for path in FILES if (out / path).exists()]
        speed = trainer.tokens_per_second()
        tell({"type": "done", "steps": trainer.progress["step"], "tokensPerSecond": speed, "files": files})
    return complete


FILES = ("model/model.safetensors", "learned.safetensors")


def _described(out: Path, path: str) -> dict:
    content = (out / path).read_bytes()
    return {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def main() -> None:
    job, out = (Path(argument) for argument in sys.argv[1:3])
    # Data parallel processes each take the threads that they are given.
    torch.set_num_threads(int(os.environ.get("SPANFILL_THREADS", "1")))
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        train(job, out, say)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


if __name__ == "__main__":
    main()
