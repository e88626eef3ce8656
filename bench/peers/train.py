"""PyTorch's side of `bench train`: loads a model, then makes a training step for each line of JSON on standard input.

Usage: train.py MODEL_FOLDER THREADS DROPOUT adafactor|adamw full|lora|bottleneck (lora needs peft)
"""

import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import json
import resource
import sys
import time

import torch
from transformers.optimization import Adafactor

from models import load

folder, threads, dropout, optimizer, method = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), *sys.argv[4:6]
torch.set_num_threads(threads)
torch.manual_seed(0)
model = load(folder, initializer_factor=1.0, dropout_rate=dropout, use_cache=False).train()
config = model.config
if method == "lora":
    from peft import LoraConfig, get_peft_model

    targets = ["q", "v", "wo", *(["wi"] if config.feed_forward_proj == "relu" else ["wi_0", "wi_1"])]
    # No dropout of LoRA's own, as on the other side.
    model = get_peft_model(model, LoraConfig(task_type="SEQ_2_SEQ_LM", r=16, lora_alpha=32, target_modules=targets))
if method == "bottleneck":
    # Houlsby's, as AdapterHub places them: after what each sublayer adds, by hooks on its last dropout.
    model.requires_grad_(False)
    width, hidden = config.d_model, 32
    for stack in (model.encoder, model.decoder):
        for block in stack.block:
            for sublayer in (block.layer[0], block.layer[-1]):
                down, up = torch.nn.Linear(width, hidden), torch.nn.Linear(hidden, width)
                torch.nn.init.zeros_(up.weight), torch.nn.init.zeros_(up.bias)
                sublayer.adapter = torch.nn.Sequential(down, torch.nn.SiLU(), up)
                sublayer.dropout.register_forward_hook(lambda module, args, y, adapter=sublayer.adapter: y + adapter(y))
learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
if optimizer == "adamw":
    # The quickest that each version has on a CPU.
    quickest = {"fused": True} if int(torch.__version__.split(".")[0]) >= 2 else {"foreach": True}
    made = torch.optim.AdamW(learned, lr=1e-5, weight_decay=0, **quickest)
else:
    made = Adafactor(learned, lr=1e-5, scale_parameter=True, relative_step=False, warmup_init=False)
print(json.dumps({"name": f"PyTorch {torch.__version__.split('+')[0]}"}), flush=True)
for line in sys.stdin:
    batch = json.loads(line)
    ids, labels = torch.tensor(batch["inputs"]), torch.tensor(batch["targets"])
    started = time.perf_counter()
    made.zero_grad()
    loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
    loss.backward()
    made.step()
    ms = 1000 * (time.perf_counter() - started)
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"ms": ms, "loss": loss.item(), "peakBytes": peak}), flush=True)
