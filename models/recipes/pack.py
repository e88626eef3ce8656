"""A checkpoint of train.py, or an exported folder, in files small enough to carry or to commit, and back.

  python pack.py CHECKPOINT.pt|EXPORTED_FOLDER FOLDER     # bfloat16 weights: FOLDER/weights.0, .1, ... of at most 15 MB
  python pack.py --unpack FOLDER CHECKPOINT.pt            # for train.py --from; the optimizer starts anew

With --against FOLDER (the exported folder that the run began from) only the changes are packed, in eleven levels with a scale for each row:
a sixth of the size after a short run.
"""
import argparse
import glob
import io
import lzma
import os

import torch

PART = 15_000_000
LEVELS = 5   # of a change in either direction


def exported(folder):
    """The weights of an exported folder; what is tied may stand there twice."""
    from safetensors.torch import load_file
    named = load_file(f"{folder}/model.safetensors")
    return {k: v.float() for k, v in named.items() if "embed_tokens" not in k and "lm_head" not in k}


def change(new, old):
    """(changes in -LEVELS..LEVELS, the size of one level by row) of a matrix; a vector's change as it is."""
    difference = new.float() - old
    if difference.dim() < 2:
        return difference
    level = difference.abs().amax(1, keepdim=True).clamp_min(1e-12) / LEVELS
    return (difference / level).round().to(torch.int8), level


def changed(old, packed):
    """The weights of before and a packed change, added."""
    return old + packed if torch.is_tensor(packed) else old + packed[0] * packed[1]


def pack(options):
    if os.path.isdir(options.source):
        saved = {"model": exported(options.source)}
    else:
        saved = torch.load(options.source, map_location="cpu", weights_only=False)
        saved = {k: saved[k] for k in ("model", "config", "state")}
    if options.against is None:
        model = {k: v.to(torch.bfloat16).contiguous() for k, v in saved["model"].items()}
    else:
        before = exported(options.against)
        model = {k: change(v, before[k]) for k, v in saved["model"].items()}
    packed = io.BytesIO()
    torch.save({**saved, "model": model}, packed)
    data = packed.getvalue() if options.against is None else lzma.compress(packed.getvalue())
    os.makedirs(options.target, exist_ok=True)
    for i in range(0, len(data), PART):
        with open(f"{options.target}/weights.{i // PART}", "wb") as file:
            file.write(data[i:i + PART])


def unpack(options):
    names = sorted(glob.glob(f"{options.source}/weights.*"), key=lambda name: int(name.rsplit(".", 1)[1]))
    data = b"".join(open(name, "rb").read() for name in names)
    saved = torch.load(io.BytesIO(data if options.against is None else lzma.decompress(data)), map_location="cpu")
    if options.against is None:
        model = {k: v.float() for k, v in saved["model"].items()}
    else:
        before = exported(options.against)
        model = {k: changed(before[k], v) for k, v in saved["model"].items()}
    torch.save({**saved, "model": model}, options.target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unpack", action="store_true")
    parser.add_argument("--against", help="an exported folder")
    parser.add_argument("source")
    parser.add_argument("target")
    options = parser.parse_args()
    (unpack if options.unpack else pack)(options)


if __name__ == "__main__":
    main()
