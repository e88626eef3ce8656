"""Writes a checkpoint of train.py as a Hugging Face folder: config.json, generation_config.json, model.safetensors, tokenizer.json."""
import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import argparse
import json
import shutil

import torch
from safetensors.torch import save_file


def hf_config(shape):
    return {
        "architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "vocab_size": 32128,
        "d_model": shape["d_model"], "d_kv": shape["d_kv"], "d_ff": shape["d_ff"], "num_heads": shape["num_heads"],
        "num_layers": shape["num_layers"], "num_decoder_layers": shape["num_decoder_layers"],
        "relative_attention_num_buckets": 32, "relative_attention_max_distance": 128, "dropout_rate": 0.0,
        "layer_norm_epsilon": 1e-6, "initializer_factor": 1.0, "feed_forward_proj": "relu", "is_encoder_decoder": True,
        "use_cache": True, "tie_word_embeddings": True, "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0,
        "n_positions": 512, "torch_dtype": "float32",
    }


def check(folder, ours):
    """Loads the folder with transformers and compares logits with this recipe's own model, in float32."""
    from transformers import T5ForConditionalGeneration
    theirs, info = T5ForConditionalGeneration.from_pretrained(folder, output_loading_info=True, attn_implementation="eager")
    print({k: v for k, v in info.items() if v})
    source = torch.randint(3, 32000, (2, 40))
    source[1, 30:] = 0
    target = torch.randint(3, 32000, (2, 20))
    with torch.no_grad():
        a = theirs.eval()(input_ids=source, attention_mask=(source != 0).long(), decoder_input_ids=target).logits
        b = ours(source, target).float() @ ours.shared.weight.t()
    print("logits: rms", float(a.pow(2).mean().sqrt()), "difference rms (bfloat16 against float32)", float((a - b).pow(2).mean().sqrt()))
    return theirs


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--check", action="store_true", help="compare with transformers and generate from --prompt")
    parser.add_argument("--prompt", nargs="*", default=["summarize: # Install\n\n Run the installer to set up the command line tool."])
    options = parser.parse_args()
    saved = torch.load(options.checkpoint, map_location="cpu", weights_only=False)
    part = f"{options.out.rstrip('/')}.part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    save_file({k: v.float().contiguous() for k, v in saved["model"].items()}, f"{part}/model.safetensors", {"format": "pt"})
    generation = {"decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}
    for name, value in (("config", hf_config(saved["config"])), ("generation_config", generation)):
        with open(f"{part}/{name}.json", "w") as file:
            json.dump(value, file, indent=2)
    shutil.copy(options.tokenizer, f"{part}/tokenizer.json")
    old = f"{options.out.rstrip('/')}.old"
    if os.path.exists(options.out):
        os.rename(options.out, old)
    os.rename(part, options.out)
    shutil.rmtree(old, ignore_errors=True)
    print("exported step", saved["state"]["step"], "tokens", saved["state"]["tokens"], "to", options.out)
    if options.check:
        from tokenizers import Tokenizer
        from model import T5
        ours = T5({**saved["config"], "vocab_size": 32128})
        ours.load_state_dict(saved["model"])
        theirs, tokenizer = check(options.out, ours), Tokenizer.from_file(options.tokenizer)
        for prompt in options.prompt:
            ids = torch.tensor([tokenizer.encode(prompt, add_special_tokens=False).ids + [1]])
            out = theirs.generate(ids, max_new_tokens=40, do_sample=False)[0].tolist()
            print(repr(prompt), "->", repr(tokenizer.decode(out[1:], skip_special_tokens=False)))


if __name__ == "__main__":
    main()
