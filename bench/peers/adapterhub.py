"""AdapterHub's side of `bench adapters`: one base with adapters of its library, float32, and what an answer takes.

Usage: adapterhub.py MODEL_FOLDER THREADS ROUNDS ADAPTER_FOLDER ... (needs torch, transformers and adapters)
"""

import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import json
import random
import statistics
import sys
import time

import adapters
import torch
from transformers import T5ForConditionalGeneration

folder, threads, rounds, *places = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]
torch.set_num_threads(threads)
random.seed(3)
model = T5ForConditionalGeneration.from_pretrained(folder).float().eval()
adapters.init(model)


def answer(name):
    ids = torch.tensor([[*(3 + random.randrange(31_000) for _ in range(63)), 1]])
    began = time.perf_counter()
    model.set_active_adapters(name)
    with torch.no_grad():
        model.generate(ids, min_new_tokens=8, max_new_tokens=8, do_sample=False, num_beams=1)
    return 1000 * (time.perf_counter() - began)


names, firsts = [], []
for place in places:
    began = time.perf_counter()
    names.append(model.load_adapter(place, load_as=f"a{len(names)}", with_head=False, use_safetensors=True))
    answer(names[-1])
    firsts.append(1000 * (time.perf_counter() - began))
same, switched = [], []
for _ in range(rounds):
    for name in names:
        switched.append(answer(name))
        same.append(answer(name))
usual = statistics.median(same)
with open("/proc/self/statm") as file:
    memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
print(
    json.dumps(
        {
            "firstMs": firsts[0],
            "nextMs": statistics.median(firsts[1:]) - usual if len(firsts) > 1 else 0,
            "sameMs": usual,
            "switchMs": statistics.median(switched) - usual if len(names) > 1 else 0,
            "memoryBytes": memory,
        }
    )
)
