"""PyTorch's side of `bench long`: reads token ids as JSON on standard input, and prints the quickest answer's processor seconds and the peak memory.

Usage: long.py MODEL_FOLDER THREADS ROUNDS NEW_TOKENS [METRO-T0's model_release/src]
"""

import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import json
import resource
import sys
import time

import torch

from models import forget, load

folder, threads, rounds, new = sys.argv[1], *map(int, sys.argv[2:5])
torch.set_num_threads(threads)
model = load(folder, sys.argv[5] if len(sys.argv) > 5 else "").eval()
ids = torch.tensor([json.load(sys.stdin)])
seconds = []
with torch.no_grad():
    for _ in range(rounds):
        forget(model)
        began = time.process_time()
        model.generate(ids, min_new_tokens=new, max_new_tokens=new, do_sample=False, num_beams=1)
        seconds.append(time.process_time() - began)
print(json.dumps({"seconds": min(seconds), "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9}))
