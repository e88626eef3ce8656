"""Reads what `spanfill train` and `spanfill export --to gguf` made with the programs they are for, and says how far the numbers are off.

Usage: check_trained.py MODEL_FOLDER [BASE_FOLDER [MODEL.gguf]]
Loads the folder in transformers unchanged and writes greedily; where it has an adapter, loads that on the base by peft and compares the
logits; reads the curves by tensorboard; compares a GGUF file's tensors, under llama.cpp's names, with the folder's.
Needs transformers, torch, peft, tensorboard, gguf; what is not installed is left out.
"""

import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import sys
from pathlib import Path

import torch
from transformers import AutoTokenizer, T5ForConditionalGeneration

folder, base, gguf = [*map(Path, sys.argv[1:]), None, None][:3]
model = T5ForConditionalGeneration.from_pretrained(folder).eval()
tokenizer = AutoTokenizer.from_pretrained(folder)
inputs = tokenizer("summarize: The cache keeps pages on disk, so that they need not be read again.", return_tensors="pt")
with torch.no_grad():
    written = model.generate(**inputs, max_new_tokens=32)
    print("transformers writes", written[0].tolist(), tokenizer.decode(written[0], skip_special_tokens=True))
    if base is not None and (folder / "adapter").exists():
        from peft import PeftModel

        adapted = PeftModel.from_pretrained(T5ForConditionalGeneration.from_pretrained(base), folder / "adapter").eval()
        merged = model(**inputs, decoder_input_ids=written).logits
        apart = adapted(**inputs, decoder_input_ids=written).logits
        off = (merged - apart).abs().max() / merged.abs().max()
        print(f"peft's logits are off by {off:.1e} of the largest")
        assert off < 1e-5
try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "runs"))
    events.Reload()
    print("tensorboard reads", {tag: len(events.Scalars(tag)) for tag in events.Tags()["scalars"]})
except ImportError:
    print("tensorboard is not installed")
if gguf is not None:
    from gguf import MODEL_ARCH, GGUFReader, get_tensor_name_map

    names = get_tensor_name_map(MODEL_ARCH.T5, 64)
    tensors = {tensor.name: tensor.data for tensor in GGUFReader(gguf).tensors}
    state = model.state_dict()
    shared = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight", *(["lm_head.weight"] if model.config.tie_word_embeddings else [])}
    for name in state.keys() - shared:
        found = torch.tensor(tensors.pop(names.get_name(name, try_suffixes=(".weight",))))
        assert torch.equal(found.reshape(state[name].shape), state[name]), name
    assert not tensors, tensors.keys()
    print("gguf holds every tensor")
