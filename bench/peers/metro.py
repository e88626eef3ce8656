"""Prints the processor seconds of the quickest step of METRO's pre-training by its authors' criterion, t5_metro.py, around transformers' T5, with AdamW.

The model around the criterion is that of test/fixtures/parity/make_metro.py. Usage, in the project: python bench/peers/metro.py PATH/t5_metro.py JSON
"""

import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import json
import sys
import time

import torch

sys.path.insert(0, "test/fixtures/parity")
import make_metro


def main(path, request):
    shape, mask, rows, length, rounds = (json.loads(request)[key] for key in ("shape", "mask", "rows", "length", "rounds"))
    torch.set_num_threads(2)
    loss_of = make_metro.criterion(path).forward
    model = make_metro.Metro({**make_metro.BASE, **shape})
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-4, weight_decay=0.01)
    ids = torch.randint(3, 30000, (rows, length))
    model.original = ids
    start = torch.cat([torch.zeros(rows, 1, dtype=ids.dtype), ids[:, :-1]], 1)
    quickest = float("inf")
    for round in range(rounds + 1):
        begun = time.process_time()
        is_masked = torch.rand(ids.shape) < 0.15
        masked = torch.where(is_masked, mask, ids)
        drawn = torch.randint(3, 30000, (int(is_masked.sum()),))
        sample = {
            "generator_target": torch.where(is_masked, ids, 0),
            "discriminator_target": ids,
            "net_input": dict(ids=masked, mask=torch.ones_like(ids), start=start, drawn=drawn),
            "sample_size": ids.numel(),
            "ntokens": ids.numel(),
        }
        optimizer.zero_grad()
        loss, size, _ = loss_of(model, sample)
        (loss / size).backward()
        optimizer.step()
        if round > 0:
            quickest = min(quickest, time.process_time() - begun)
    print(quickest)


if __name__ == "__main__":
    main(*sys.argv[1:])
