"""A language model as the judge of summaries: for each line of JSON on standard input, how likely it finds some texts as the
description of a passage (as BARTScore does): nats of each token and of the end.

Usage: judge.py GGUF_FILE THREADS (needs torch, transformers 5, accelerate and gguf)
"""

import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

PASSAGE_TOKENS = 512
folder, name = os.path.split(os.path.abspath(sys.argv[1]))
torch.set_num_threads(int(sys.argv[2]))
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
unpacked = GgufConfig(dequantize=True)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.bfloat16, quantization_config=unpacked).eval()
END = tokenizer.convert_tokens_to_ids("<|im_end|>")


def ids(text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def begun(request):
    """The dialog up to the answer."""
    system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    return ids(f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n") + request + ids("<|im_end|>\n<|im_start|>assistant\n")


@torch.inference_mode()
def surprisals(prompt, answers):
    """Nats of each token of each answer and of its end, after the same prompt, which is read once."""
    read = model(torch.tensor([prompt]), use_cache=True, logits_to_keep=1)
    cache = read.past_key_values
    cache.batch_repeat_interleave(len(answers))
    longest = max(map(len, answers))
    padded = torch.tensor([answer + [END] * (longest - len(answer)) for answer in answers])
    first = read.logits.float().expand(len(answers), 1, -1)
    logits = torch.cat([first, model(padded[:, :-1], past_key_values=cache).logits.float()], 1)
    nats = -torch.log_softmax(logits, -1).gather(2, padded[..., None])[..., 0]
    return [row[: len(answer)].tolist() for row, answer in zip(nats, answers)]


print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    answers = [ids(text.strip()) + [END] for text in asked["texts"]]
    passage = ids(asked["passage"])[:PASSAGE_TOKENS]
    print(json.dumps(surprisals(begun(passage + ids("\n\n" + asked["request"])), answers)), flush=True)
