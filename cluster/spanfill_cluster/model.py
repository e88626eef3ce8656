"""
T5 as plain functions over tensors under Hugging Face's names.
B rows, S source and T target positions, D model width, H heads, K head width, F feed-forward width, V vocabulary.
See T5Stack and its layers in modeling_t5.py of transformers.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .draws import Dropout

MASKED = -1e9
"""A bias so low that its key gets no attention."""


@dataclass(frozen=True)
class Lora:
    """LoRA's matrices stand beside the weights: W x + scale * B (A x)."""

    scale: float


class T5:
    """A model over the tensors given; nothing is copied."""

    def __init__(self, config: dict, tensors: dict[str, torch.Tensor], lora: Lora | None = None):
        self.config, self.tensors, self.lora = config, tensors, lora
        self.buckets: dict[tuple[str, int, torch.device], torch.Tensor] = {}

    def states(self, input_ids, input_mask, decoder_ids, drop: Dropout | None):
        """The decoder's states as the head takes them, [B, T, D]. `input_mask` is 1 for tokens, [B, S]."""
        padding = (1 - input_mask.float())[:, None, None, :] * MASKED  # [B, 1, 1, S]
        memory = self.encode(input_ids, padding, drop)
        return self.decode(decoder_ids, memory, padding, drop)

    def encode(self, input_ids, padding, drop=None):
        """The encoder's states, [B, S, D]."""
        x = self._dropped(self._embedded(input_ids), drop)
        for layer in range(self.config["numLayers"]):
            name = f"encoder.block.{layer}.layer"
            bias = self._bias("encoder", layer, x.shape[1], x.device) + padding
            normed = self._norm(x, f"{name}.0.layer_norm.weight")
            module = f"{name}.0.SelfAttention"
            query, key, value = (self._linear(normed, f"{module}.{part}", drop) for part in "qkv")
            x = x + self._attended(module, query, key, value, bias, drop)
            x = x + self._feed_forward(x, f"{name}.1", drop)
        return self._dropped(self._norm(x, "encoder.final_layer_norm.weight"), drop)

    def decode(self, decoder_ids, memory, padding, drop=None):
        """The decoder's states for all target positions at once, [B, T, D]."""
        x = self._dropped(self._embedded(decoder_ids), drop)
        T = x.shape[1]
        future = torch.full((T, T), MASKED, device=x.device).triu(1)
        for layer in range(self.config["numDecoderLayers"]):
            name = f"decoder.block.{layer}.layer"
            # Masked positions have the mask alone, as nothing is learned from them.
            bias = torch.where(future == 0, self._bias("decoder", layer, T, x.device), future)
            normed = self._norm(x, f"{name}.0.layer_norm.weight")
            module = f"{name}.0.SelfAttention"
            query, key, value = (self._linear(normed, f"{module}.{part}", drop) for part in "qkv")
            x = x + self._attended(module, query, key, value, bias, drop)
            module = f"{name}.1.EncDecAttention"
            key, value = (self._linear(memory, f"{module}.{part}", drop) for part in "kv")
            query = self._linear(self._norm(x, f"{name}.1.layer_norm.weight"), f"{module}.q", drop)
            x = x + self._attended(module, query, key, value, padding, drop)
            x = x + self._feed_forward(x, f"{name}.2", drop)
        states = self._dropped(self._norm(x, "decoder.final_layer_norm.weight"), drop)
        return states * self.config["dModel"] ** -0.5 if self.config["scaleDecoderOutputs"] else states

    def logits(self, states):
        """Scores of every token in float32, [.., V]."""
        head = self.tensors["shared.weight" if self.config["tieWordEmbeddings"] else "lm_head.weight"]
        with torch.autocast(states.device.type, enabled=False):
            return F.linear(states.float(), head)

    def _embedded(self, ids):
        return F.embedding(ids, self.tensors["shared.weight"])

    def _norm(self, x, name):
        x = x.float()
        root = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.config["layerNormEpsilon"])
        return x * root * self.tensors[name]

    def _linear(self, x, name, drop):
        y = F.linear(x, self.tensors[f"{name}.weight"])
        if self.lora is None or f"{name}.lora_A.weight" not in self.tensors:
            return y
        thin = F.linear(self._dropped(x, drop, adapter=True), self.tensors[f"{name}.lora_A.weight"])
        return y + F.linear(thin * self.lora.scale, self.tensors[f"{name}.lora_B.weight"])

    def _attended(self, module, query, key, value, bias, drop):
        """Attention of [B, T, H*K], with the heads that its width makes."""
        K = self.config["dKv"]
        split = lambda x: x.view(x.shape[0], x.shape[1], -1, K).transpose(1, 2)  # [B, H, T, K]
        weights = torch.softmax((split(query) @ split(key).transpose(2, 3)).float() + bias, dim=-1)
        values = split(value)
        # A key is dropped for all queries of its head at once, as Mesh TensorFlow does: its value is.
        mask = None if drop is None else drop.mask((values.shape[1], values.shape[2], 1))
        mixed = weights.to(values.dtype) @ (values if mask is None else values * mask)
        joined = mixed.transpose(1, 2).reshape(query.shape)
        return self._dropped(self._linear(joined, f"{module}.o", drop), drop)

    def _feed_forward(self, x, name, drop):
        module = f"{name}.DenseReluDense"
        x = self._norm(x, f"{name}.layer_norm.weight")
        kind = self.config["feedForward"]
        if kind.startswith("gated-"):
            gate, linear = (self._linear(x, f"{module}.wi_{i}", drop) for i in (0, 1))
            active = F.gelu(gate, approximate="tanh") if kind == "gated-gelu" else F.silu(gate)
            hidden = self._dropped(active * linear, drop)
        else:
            hidden = F.relu(self._dropped(self._linear(x, f"{module}.wi", drop), drop))
            hidden = hidden * hidden if kind == "squared-relu" else hidden
        return self._dropped(self._linear(hidden, f"{module}.wo", drop), drop)

    def _dropped(self, x, drop, adapter=False):
        """Drops channels, the same ones at every position of a row."""
        mask = None if drop is None else drop.mask((1, x.shape[-1]), adapter)
        return x if mask is None else x * mask

    def _bias(self, stack, layer, length, device):
        """Relative position biases of a layer, [1, H, length, length]; layers share the table before them."""
        suffix = "layer.0.SelfAttention.relative_attention_bias.weight"
        at = layer
        while f"{stack}.block.{at}.{suffix}" not in self.tensors:
            at -= 1
        key = (stack, length, device)
        if key not in self.buckets:
            self.buckets[key] = _buckets(self.config, stack, length).to(device)
        table = self.tensors[f"{stack}.block.{at}.{suffix}"]
        return F.embedding(self.buckets[key], table).permute(2, 0, 1)[None]


def _buckets(config, stack, length):
    """The bucket of each query and key, int64 [length, length]. See _relative_position_bucket, modeling_t5.py."""
    row = [_bucket(config, stack, offset) for offset in range(1 - length, length)]
    offsets = torch.arange(length)[None, :] - torch.arange(length)[:, None] + length - 1
    return torch.tensor(row)[offsets]


def _bucket(config, stack, offset):
    count, farthest = config["relativeAttentionNumBuckets"], config["relativeAttentionMaxDistance"]
    both_ways = stack == "encoder"
    count = count // 2 if both_ways else count
    base = count if both_ways and offset > 0 else 0
    distance = abs(offset) if both_ways else max(0, -offset)
    exact = count // 2
    if distance < exact:
        return base + distance
    wide = math.log(distance / exact) / math.log(farthest / exact) * (count - exact)
    return base + min(count - 1, exact + int(wide))


@torch.no_grad()
def write_greedily(model: T5, inputs: list[list[int]], most: int, device) -> list[list[int]]:
    """The most likely tokens of each input without the start token, up to eos or so many."""
    config = model.config
    length = max(len(ids) for ids in inputs)
    pad = config["padTokenId"]
    ids = torch.tensor([row + [pad] * (length - len(row)) for row in inputs], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in inputs], device=device)
    padding = (1 - mask.float())[:, None, None, :] * MASKED
    memory = model.encode(ids, padding)
    written = torch.full((len(inputs), 1), config["decoderStartTokenId"], device=device)
    ended = torch.zeros(len(inputs), dtype=torch.bool, device=device)
    for _ in range(most):
        last = model.decode(written, memory, padding)[:, -1]
        chosen = model.logits(last).argmax(-1)
        chosen = torch.where(ended, torch.full_like(chosen, pad), chosen)
        written = torch.cat([written, chosen[:, None]], dim=1)
        ended |= chosen == config["eosTokenId"]
        if bool(ended.all()):
            break
    eos = config["eosTokenId"]
    rows = written[:, 1:].tolist()
    return [row[: row.index(eos) + 1] if eos in row else row for row in rows]
