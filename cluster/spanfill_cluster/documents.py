"""Documents of a batch, answered on one of a cluster's machines by the `spanfill` that is installed there."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import ray

from .parts import part

JOB = Path(__file__).parent.parent / "job"
SECONDS = 300
"""The longest time for loading, and for each document."""


def model(described: dict) -> str:
    """The argument of --model; files that travelled are joined once a machine."""
    if "id" in described:
        return described["id"]
    folder = JOB / "model" / described["name"]
    single = len(described["files"]) == 1
    if not folder.exists():
        making = folder.with_name(f"{folder.name}.{os.getpid()}")
        making.mkdir(parents=True)
        parts = (content for number in range(described["parts"]) for content in _pieces(part(number)))
        waiting = b""
        for file in described["files"]:
            with (making / file["name"]).open("wb") as written:
                left = file["bytes"]
                while left > 0:
                    waiting = waiting or next(parts)
                    written.write(waiting[:left])
                    left, waiting = left - len(waiting[:left]), waiting[left:]
        try:
            making.rename(folder)
        except OSError:  # another task was faster
            shutil.rmtree(making)
    return str(folder / described["name"]) if single else str(folder)


def _pieces(path: Path):
    with path.open("rb") as file:
        while content := file.read(1 << 20):
            yield content


@ray.remote
def summarize(documents: list[dict], options: list[str], described: dict, threads: int) -> list[dict]:
    """The lines of some documents."""
    program = shutil.which("spanfill")
    if program is None:
        raise RuntimeError("spanfill is not installed on a machine of the cluster. Install it there: npm install -g FILE.tgz")
    command = [program, "summarize", *options, "--model", model(described), "--device", "cpu", "--threads", str(threads)]
    environment = {**os.environ, "SPANFILL_CACHE": str(JOB / "cache")}
    answers: list[dict] = []
    while len(answers) < len(documents):
        rest = documents[len(answers) :]
        paths = [str(JOB / "documents" / str(one["index"]) / one["name"]) for one in rest]
        try:
            done = subprocess.run(
                [*command, "--batch", *paths], env=environment, capture_output=True, timeout=SECONDS * (1 + len(rest))
            )
            output, status, words = done.stdout, done.returncode, done.stderr
        except subprocess.TimeoutExpired as late:
            output, status, words = late.stdout or b"", None, b"it took too long"
        lines = [_line(text) for text in output.split(b"\n")]
        known = [line for line in lines if line is not None][: len(rest)]
        answers += [{"index": one["index"], "line": line} for one, line in zip(rest, known)]
        if len(known) == len(rest):
            break
        last = words.decode(errors="replace").strip().split("\n")[-1]
        if status is not None and 0 <= status < 128:
            # It ended by itself: what is wrong concerns all documents.
            raise RuntimeError(f"spanfill ended with code {status}: {last}")
        # It was killed, or hung, at the next one.
        error = {"code": "process", "message": f"spanfill ended without an answer ({status or last})."}
        answers.append({"index": rest[len(known)]["index"], "line": {"error": error}})
    return answers


def _line(text: bytes) -> dict | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None  # it was killed while it wrote
    return value if isinstance(value, dict) and "file" in value else None
