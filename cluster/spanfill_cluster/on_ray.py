"""
A job of a Ray cluster, as `spanfill train --on ray://HOST` submits it: `python -m spanfill_cluster.on_ray train OUT WORKERS`, or `fetch FILE BEGIN END`, which writes a part of a file as lines of base64, since the Jobs API has no other way back.
"""

import base64
import hashlib
import os
import signal
import sys
import threading
from pathlib import Path

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray

from . import __main__ as program

MOST_FAILURES = 20
"""Lost workers after which a run ends; each goes on from the last state."""
LINE_BYTES = 48 * 1024
MADE = ".spanfill-run"


@ray.remote(num_cpus=0)
class Events:
    """The events of the first worker, which the job's own process writes to its log."""

    def __init__(self):
        self.events: list[dict] = []

    def put(self, event: dict) -> None:
        self.events.append(event)

    def take(self) -> list[dict]:
        events, self.events = self.events, []
        return events


def work(config: dict) -> None:
    """One worker, in a group that Ray Train has connected."""
    import ray.train
    import torch

    torch.set_num_threads(config["threads"])
    events = config["events"]
    context = ray.train.get_context()
    events.put.remote(
        {"type": "worker", "rank": context.get_world_rank(), "pid": os.getpid(), "node": context.get_node_rank()}
    )
    # The job lies beside this package, wherever Ray has unpacked them on this machine.
    program.train(Path(__file__).parent.parent / "job", Path(config["out"]), lambda event: ray.get(events.put.remote(event)))


def train(out: Path, workers: int) -> None:
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    out.mkdir(parents=True, exist_ok=True)
    (out / MADE).touch()
    (out / "stop").unlink(missing_ok=True)
    ray.init(log_to_driver=True)
    gpus = int(ray.cluster_resources().get("GPU", 0))
    events = Events.remote()
    config = {
        "out": str(out),
        "events": events,
        "threads": int(os.environ.get("SPANFILL_THREADS", "1")),
    }
    trainer = TorchTrainer(
        work,
        train_loop_config=config,
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpus >= workers),
        run_config=RunConfig(
            name=out.name, storage_path=str(out / "ray"), failure_config=FailureConfig(max_failures=MOST_FAILURES)
        ),
    )
    failure: list[BaseException] = []

    def fit() -> None:
        try:
            trainer.fit()
        except BaseException as error:  # told below, by the main thread
            failure.append(error)

    # Ray stops a job by a signal; the workers then save and end.
    signal.signal(signal.SIGTERM, lambda *_: (out / "stop").touch())
    fitting = threading.Thread(target=fit, daemon=True)
    fitting.start()
    while fitting.is_alive():
        fitting.join(0.3)
        for event in ray.get(events.take.remote()):
            program.say(event)
    for event in ray.get(events.take.remote()):
        program.say(event)
    if failure:
        raise failure[0]


def fetch(file: Path, begin: int, end: int) -> None:
    """Writes a part of a file of a run; of other files nothing."""
    if not any((folder / MADE).exists() for folder in file.resolve().parents):
        raise SystemExit(f"{file} is not there. The machines of a cluster must share the folder that --storage names.")
    with file.open("rb") as opened:
        opened.seek(begin)
        content = opened.read(end - begin)
    for at in range(0, len(content), LINE_BYTES):
        program.say({"bytes": base64.b64encode(content[at : at + LINE_BYTES]).decode()})
    program.say({"sha256": hashlib.sha256(content).hexdigest()})


def remove(out: Path) -> None:
    """Removes the folder of a run."""
    import shutil

    if (out / MADE).exists():
        shutil.rmtree(out)


def main() -> None:
    action, *arguments = sys.argv[1:]
    paths = [Path(argument).expanduser() for argument in arguments[:1]]
    if action == "train":
        train(paths[0], int(arguments[1]))
    elif action == "fetch":
        fetch(paths[0], int(arguments[1]), int(arguments[2]))
    elif action == "remove":
        remove(paths[0])


if __name__ == "__main__":
    main()
