"""Loads a model's folder into transformers; a Primer, which it does not know, as a T5 with PyTorch's own convolutions; a METRO-T0 into its authors' code."""

import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import json
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForSeq2SeqLM


class Convolved(torch.nn.Module):
    """A projection and a causal depth-wise convolution of what it makes. Token by token it remembers the ones before."""

    def __init__(self, linear, width):
        super().__init__()
        self.linear, self.width, self.before = linear, width, None
        self.convolution = torch.nn.Conv1d(linear.out_features, linear.out_features, width, groups=linear.out_features, bias=False)

    def forward(self, x):
        y = self.linear(x).transpose(1, 2)
        alone = y.shape[2] == 1 and self.before is not None
        y = torch.cat([self.before, y], 2) if alone else torch.nn.functional.pad(y, (self.width - 1, 0))
        if not self.training:
            self.before = y[:, :, 1 - self.width :]
        return self.convolution(y).transpose(1, 2)


def forget(model):
    """Before a new text."""
    for module in model.modules():
        if isinstance(module, Convolved):
            module.before = None


def metro(folder, json_config, code):
    """By its authors' code, which is of 2023 and runs with transformers 4.30."""
    sys.path.insert(0, code)
    from fairseq_t5.configuration_fairseq_t5 import FairseqT5Config
    from fairseq_t5.modeling_fairseq_t5 import FairseqT5ForConditionalGeneration

    known = {key: value for key, value in json_config.items() if key != "model_type"}
    model = FairseqT5ForConditionalGeneration(FairseqT5Config(**known))
    missing, unknown = model.load_state_dict(load_file(f"{folder}/model.safetensors"), strict=False)
    assert not unknown and all("embed_tokens" in name or name == "lm_head.weight" for name in missing), (missing, unknown)
    return model.float()


def load(folder, code="", **more):
    with open(f"{folder}/config.json") as file:
        json_config = json.load(file)
    if json_config["model_type"] == "fairseq_t5":
        return metro(folder, json_config, code)
    width = json_config.pop("depthwise_conv_width", 0)
    json_config["feed_forward_proj"] = json_config["feed_forward_proj"].replace("squared-relu", "relu2")
    config = AutoConfig.for_model(**{**json_config, **more})
    if width == 0:
        return AutoModelForSeq2SeqLM.from_pretrained(folder, config=config).float()
    model = AutoModelForSeq2SeqLM.from_config(config)
    weights = load_file(f"{folder}/model.safetensors")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights[name])
        for stack in ("encoder", "decoder"):
            for i, block in enumerate(getattr(model, stack).block):
                attention = block.layer[0].SelfAttention
                for part in "qkv":
                    made = Convolved(getattr(attention, part), width)
                    for tap in range(width):
                        made.convolution.weight[:, 0, width - 1 - tap] = weights[f"{stack}.block.{i}.layer.0.SelfAttention.{part}_conv_{tap}.weight"]
                    setattr(attention, part, made)
    return model.float()
