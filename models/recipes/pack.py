"""A checkpoint of train.py, or an exported folder, as bfloat16 weights in files small enough to carry, and back.

  python pack.py CHECKPOINT.pt|EXPORTED_FOLDER FOLDER     # FOLDER/weights.0, .1, ... of at most 15 MB
  python pack.py --unpack FOLDER CHECKPOINT.pt            # for train.py --from; the optimiser starts anew
"""
import argparse
import glob
import io
import os

import torch

PART = 15_000_000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unpack", action="store_true")
    parser.add_argument("source")
    parser.add_argument("target")
    options = parser.parse_args()
    if options.unpack:
        names = sorted(glob.glob(f"{options.source}/weights.*"), key=lambda name: int(name.rsplit(".", 1)[1]))
        saved = torch.load(io.BytesIO(b"".join(open(name, "rb").read() for name in names)), map_location="cpu")
        torch.save({**saved, "model": {k: v.float() for k, v in saved["model"].items()}}, options.target)
        return
    if os.path.isdir(options.source):
        from safetensors.torch import load_file
        named = load_file(f"{options.source}/model.safetensors")   # what is tied may stand there twice
        saved = {"model": {k: v for k, v in named.items() if "embed_tokens" not in k and "lm_head" not in k}}
    else:
        saved = torch.load(options.source, map_location="cpu", weights_only=False)
        saved = {k: saved[k] for k in ("model", "config", "state")}
    packed = io.BytesIO()
    torch.save({**saved, "model": {k: v.to(torch.bfloat16).contiguous() for k, v in saved["model"].items()}}, packed)
    data = packed.getvalue()
    os.makedirs(options.target, exist_ok=True)
    for i in range(0, len(data), PART):
        with open(f"{options.target}/weights.{i // PART}", "wb") as file:
            file.write(data[i:i + PART])


if __name__ == "__main__":
    main()
