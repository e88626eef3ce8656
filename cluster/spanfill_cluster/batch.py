"""
A job of a Ray cluster, as `spanfill summarize --batch FILES... --on ray://HOST` submits it: tasks whose workers run this same `spanfill`, each on some of the documents.
"""

import json
import os

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray

from . import EVENT
from .documents import JOB, summarize

MOST_OF_A_TASK = 32
"""Documents for which the model is loaded once."""


def main() -> None:
    batch = json.loads((JOB / "batch.json").read_text("utf-8"))
    documents, threads = batch["documents"], batch["threads"]
    ray.init(log_to_driver=True)
    slots = max(1, int(ray.cluster_resources().get("CPU", 1)) // threads)
    size = min(MOST_OF_A_TASK, max(1, len(documents) // (4 * slots)))
    groups = [documents[at : at + size] for at in range(0, len(documents), size)]
    task = summarize.options(num_cpus=threads, max_retries=3)
    waiting = [task.remote(group, batch["options"], batch["model"], threads) for group in groups]
    while waiting:
        done, waiting = ray.wait(waiting)
        for answer in ray.get(done[0]):
            print(EVENT + json.dumps({"type": "answer", **answer}), flush=True)


if __name__ == "__main__":
    main()
