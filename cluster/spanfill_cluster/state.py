"""Files of a run on the cluster: its state in two files that take turns, and the model; each whole or not at all."""

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

SLOTS = ("state-0.safetensors", "state-1.safetensors")


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file under another name, flushes it, and renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> str:
    """Writes tensors in float32. Returns the file's SHA-256."""
    content = save({name: tensor.detach().float().cpu().contiguous() for name, tensor in tensors.items()}, metadata)
    write_whole(path, content)
    return hashlib.sha256(content).hexdigest()


def save_state(folder: Path, key: str, progress: dict, tensors: dict[str, torch.Tensor]) -> None:
    """Saves a state beside the one before, over the one before that."""
    known = {slot: found["step"] for slot in SLOTS if (found := _progress(folder / slot, key)) is not None}
    if known and max(known.values()) == progress["step"]:
        slot = max(known, key=known.get)
    else:
        slot = min(SLOTS, key=lambda name: known.get(name, -1))
    metadata = {"spanfill": "cluster", "version": "1", "key": key, "progress": json.dumps(progress)}
    write_tensors(folder / slot, tensors, metadata)


def load_state(folder: Path, key: str) -> tuple[dict, dict[str, torch.Tensor]] | None:
    """The newest whole state of this run; None where there is none."""
    found = [(progress["step"], slot) for slot in SLOTS if (progress := _progress(folder / slot, key)) is not None]
    for _, slot in sorted(found, reverse=True):
        progress = _progress(folder / slot, key)
        with safe_open(folder / slot, framework="pt") as file:
            return progress, {name: file.get_tensor(name) for name in file.keys()}
    return None


def _progress(path: Path, key: str) -> dict | None:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError):
        return None
    return json.loads(metadata["progress"]) if metadata.get("key") == key else None
