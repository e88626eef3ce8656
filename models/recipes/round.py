"""Rounds an exported folder's matrices to a few bits, in blocks along their inputs, and writes them as float32: what `spanfill evaluate
--precision float32` then measures is what those bits would cost.

  python round.py FOLDER OUT --bits 4 --block 32
"""
import argparse
import shutil

import torch
from safetensors.torch import load_file, save_file


def rounded(weight, bits, block):
    """Each block of inputs has a scale and, as MatMulNBits stores them, a zero point: 2^bits values from its least to its greatest."""
    rows, columns = weight.shape
    blocks = torch.nn.functional.pad(weight, (0, -columns % block)).view(rows, -1, block)
    least, most = blocks.amin(-1, keepdim=True).clamp(max=0), blocks.amax(-1, keepdim=True).clamp(min=0)
    scale = ((most - least) / (2 ** bits - 1)).clamp(min=1e-12)
    zero = (-least / scale).round()
    return (((blocks / scale + zero).round().clamp(0, 2 ** bits - 1) - zero) * scale).view(rows, -1)[:, :columns].contiguous()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--block", type=int, default=32)
    options = parser.parse_args()
    shutil.copytree(options.folder, options.out, dirs_exist_ok=True)
    weights = load_file(f"{options.folder}/model.safetensors")
    matrix = lambda name, value: value.ndim == 2 and "relative_attention_bias" not in name
    save_file({k: rounded(v, options.bits, options.block) if matrix(k, v) else v for k, v in weights.items()},
              f"{options.out}/model.safetensors", {"format": "pt"})


if __name__ == "__main__":
    main()
