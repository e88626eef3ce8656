"""A compact T5 (relu, tied embedding) for training on a CPU or a GPU: float32 weights under HF's names, bfloat16 arithmetic where the
hardware has it (COMPUTE).

Norm weights are folded into the matrices that follow them, so a norm costs two passes over its input; q, k and v are one product.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

# Products are in bfloat16 where the hardware has it: elsewhere PyTorch computes it eight times more slowly than float32.
COMPUTE = torch.bfloat16 if torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported() else torch.float32


class Norm(torch.autograd.Function):
    """x / sqrt(mean(x^2) + 1e-6), rows kept in x's type (the learned weight is folded into what follows)."""

    @staticmethod
    def forward(ctx, x):
        square = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32).square_()
        r = square.div_(x.shape[-1]).add_(1e-6).rsqrt_().to(x.dtype)
        y = x * r
        ctx.save_for_backward(y, r)
        return y

    @staticmethod
    def backward(ctx, dy):
        y, r = ctx.saved_tensors
        mean = (dy * y).mean(-1, keepdim=True)
        return dy.addcmul(y, mean, value=-1).mul_(r)


class Weight(nn.Module):
    """One named tensor, so that the state dict's names are HF's."""

    def __init__(self, *shape, std=None):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(*shape) if std is None else torch.randn(*shape) * std)


def attention_weights(c, biased):
    inner = c["num_heads"] * c["d_kv"]
    d = c["d_model"]
    parts = {
        "q": Weight(inner, d, std=(d * c["d_kv"]) ** -0.5), "k": Weight(inner, d, std=d ** -0.5),
        "v": Weight(inner, d, std=d ** -0.5), "o": Weight(d, inner, std=inner ** -0.5),
    }
    if biased:
        parts["relative_attention_bias"] = Weight(c["buckets"], c["num_heads"], std=d ** -0.5)
    return nn.ModuleDict(parts)


def block(c, decoder, first):
    d, ff = c["d_model"], c["d_ff"]
    sublayers = [nn.ModuleDict({"SelfAttention": attention_weights(c, first), "layer_norm": Weight(d)})]
    if decoder:
        sublayers.append(nn.ModuleDict({"EncDecAttention": attention_weights(c, False), "layer_norm": Weight(d)}))
    dense = nn.ModuleDict({"wi": Weight(ff, d, std=d ** -0.5), "wo": Weight(d, ff, std=ff ** -0.5)})
    sublayers.append(nn.ModuleDict({"DenseReluDense": dense, "layer_norm": Weight(d)}))
    return nn.ModuleDict({"layer": nn.ModuleList(sublayers)})


def bucket_table(queries, keys, bidirectional, buckets, max_distance):
    """The relative-position bucket of each (query, key), as in mesh TensorFlow."""
    distance = torch.arange(keys)[None, :] - torch.arange(queries)[:, None]
    offset = torch.zeros_like(distance)
    if bidirectional:
        buckets //= 2
        offset = (distance > 0).long() * buckets
        distance = distance.abs()
    else:
        distance = (-distance).clamp(min=0)
    exact = buckets // 2
    log = torch.log(distance.clamp(min=1).float() / exact) / math.log(max_distance / exact) * (buckets - exact)
    return offset + torch.where(distance < exact, distance, (exact + log.long()).clamp(max=buckets - 1))


class T5(nn.Module):
    """encode() and decode() give hidden states; the final decoder states already carry d_model^-0.5 for the tied logits."""

    def __init__(self, config):
        super().__init__()
        self.c = c = {"buckets": 32, "max_distance": 128, **config}
        self.shared = Weight(c["vocab_size"], c["d_model"], std=1.0)
        for name, decoder, layers in (("encoder", False, c["num_layers"]), ("decoder", True, c["num_decoder_layers"])):
            stack = nn.ModuleDict({"block": nn.ModuleList([block(c, decoder, i == 0) for i in range(layers)]),
                                   "final_layer_norm": Weight(c["d_model"])})
            setattr(self, name, stack)
        self.tables = {}

    def bias(self, table, length, causal):
        """[heads, length, length] in COMPUTE; what a decoder must not see is -1e9."""
        key = (length, causal)
        if key not in self.tables:
            made = bucket_table(length, length, not causal, self.c["buckets"], self.c["max_distance"])
            self.tables[key] = made.to(table.device)
        bias = F.embedding(self.tables[key], table).permute(2, 0, 1).contiguous()
        return bias + torch.full((length, length), -1e9, dtype=COMPUTE, device=bias.device).triu_(1) if causal else bias

    def heads(self, x, parts):
        """[batch, length, parts * inner] -> parts tensors [batch * heads, length, d_kv]."""
        b, n, h, d = x.shape[0], x.shape[1], self.c["num_heads"], self.c["d_kv"]
        return x.view(b, n, parts, h, d).permute(2, 0, 3, 1, 4).reshape(parts, b * h, n, d).unbind(0)

    def attend(self, q, k, v, bias, mask):
        h, rows, n = self.c["num_heads"], q.shape[0], q.shape[1]
        scores = torch.bmm(q, k.transpose(1, 2)).view(rows // h, h, n, -1)
        if bias is not None:
            scores += bias
        if mask is not None:
            scores += mask
        weights = torch.softmax(scores, -1).view(rows, n, -1)
        return torch.bmm(weights, v).view(rows // h, h, n, -1).transpose(1, 2).reshape(rows // h, n, -1)

    def folded(self):
        """The stacks' matrices in COMPUTE, q, k and v of a layer in one and each norm's weight folded into what follows it."""
        def fold(norm, *weights):
            stacked = torch.cat([w.weight for w in weights]) if len(weights) > 1 else weights[0].weight
            return (stacked * norm.weight if norm is not None else stacked).to(COMPUTE)

        out = {}
        for name in ("encoder", "decoder"):
            stack = getattr(self, name)
            out[name, "bias"] = stack.block[0].layer[0].SelfAttention["relative_attention_bias"].weight.to(COMPUTE)
            out[name, "norm"] = stack.final_layer_norm.weight.to(COMPUTE)
            for i, item in enumerate(stack.block):
                first, *cross, last = item.layer
                w, dense = first.SelfAttention, last.DenseReluDense
                out[name, i, "qkv"], out[name, i, "o"] = fold(first.layer_norm, w["q"], w["k"], w["v"]), fold(None, w["o"])
                for layer in cross:
                    w = layer.EncDecAttention
                    out[name, i, "cross q"], out[name, i, "cross o"] = fold(layer.layer_norm, w["q"]), fold(None, w["o"])
                    out[name, i, "cross kv"] = fold(None, w["k"], w["v"])
                out[name, i, "wi"], out[name, i, "wo"] = fold(last.layer_norm, dense["wi"]), fold(None, dense["wo"])
        return out

    def stack(self, x, name, w, mask, causal, memory=None, memory_mask=None):
        bias = self.bias(w[name, "bias"], x.shape[1], causal)
        for i in range(len(getattr(self, name).block)):
            q, k, v = self.heads(F.linear(Norm.apply(x), w[name, i, "qkv"]), 3)
            x = x + F.linear(self.attend(q, k, v, bias, mask), w[name, i, "o"])
            if memory is not None:
                (q,) = self.heads(F.linear(Norm.apply(x), w[name, i, "cross q"]), 1)
                k, v = self.heads(F.linear(memory, w[name, i, "cross kv"]), 2)
                x = x + F.linear(self.attend(q, k, v, None, memory_mask), w[name, i, "cross o"])
            x = x + F.linear(F.relu_(F.linear(Norm.apply(x), w[name, i, "wi"])), w[name, i, "wo"])
        return Norm.apply(x) * w[name, "norm"]

    def forward(self, source, target_in, weights=None, embedded=None):
        """Decoder states [batch, target, d_model] scaled for the logits; source is padded with 0.

        A training step gives `weights` (folded() once for all its batches) and `embedded`, the two's embedding rows one after the other in COMPUTE
        (the look-up's own gradient would be as large as the embedding).
        """
        weights = weights or self.folded()
        if embedded is None:
            embedded = F.embedding(torch.cat([source.flatten(), target_in.flatten()]), self.shared.weight).to(COMPUTE)
        x, y = embedded[:source.numel()].view(*source.shape, -1), embedded[source.numel():].view(*target_in.shape, -1)
        mask = None
        if bool((source == 0).any()):
            mask = torch.zeros(source.shape, dtype=COMPUTE, device=source.device).masked_fill_(source == 0, -1e9)[:, None, None, :]
        memory = self.stack(x, "encoder", weights, mask, False)
        return self.stack(y, "decoder", weights, None, True, memory, mask) * self.c["d_model"] ** -0.5


class HeadLoss(torch.autograd.Function):
    """Weighted sum of cross entropies over rows of candidates; its gradients are computed chunk by chunk in the forward pass.

    Returns (loss, each label's cross entropy, the rows' gradient); only the states' gradient goes through autograd.
    """

    @staticmethod
    def forward(ctx, states, rows, labels, weights, correction, chunk=512):
        d_states = torch.empty_like(states)
        d_rows = None if ctx is None else torch.zeros(rows.shape, dtype=torch.float32, device=rows.device)
        losses = torch.empty(len(labels), device=rows.device)
        for a in range(0, len(labels), chunk):
            h, y, w = states[a:a + chunk], labels[a:a + chunk, None], weights[a:a + chunk, None].to(states.dtype)
            p = torch.softmax(h @ rows.t() if correction is None else torch.addmm(correction, h, rows.t()), -1)
            losses[a:a + chunk] = -p.gather(1, y).float().log()[:, 0]
            if ctx is not None:
                p.scatter_add_(1, y, torch.full_like(y, -1, dtype=p.dtype))
                d_states[a:a + chunk] = (p @ rows) * w
                d_rows += p.t() @ (h * w)
        if ctx is not None:
            ctx.save_for_backward(d_states)
            ctx.mark_non_differentiable(losses, d_rows)
        return (losses * weights).sum(), losses, d_rows

    @staticmethod
    def backward(ctx, scale, *_):
        return ctx.saved_tensors[0] * scale.to(COMPUTE), None, None, None, None, None
