"""Python peers of `bench peers`: loads a model, then answers a request a line of JSON on standard input.

Usage: contender.py ctranslate2|pytorch|compiled|onnxruntime

{"type": "load", "directory", "precision", "threads"} -> {"ok", "loadMs"}
{"type": "generate", "inputs": ids [rows][n], "newTokens", "beams"} -> {"ok", "totalMs", "ids": [rows][newTokens], "peakBytes"}
{"type": "encode", "inputs"} -> {"ok", "totalMs"}
A request that a peer has no call for is answered with {"ok": false, "missing": true}.
"""

import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import json
import resource
import sys
import time
from pathlib import Path


class Missing(Exception):
    pass


class CTranslate2:
    """OpenNMT's engine, converted by its own converter; int8 is its compute type of that name (weights by row, MKL or oneDNN)."""

    def __init__(self, directory, precision, threads):
        import ctranslate2
        from tokenizers import Tokenizer

        folder = Path(f"{directory}-ctranslate2")  # beside the model, whose folder others watch
        if not (folder / "model.bin").exists():
            ctranslate2.converters.TransformersConverter(str(directory)).convert(str(folder), force=True)
        self.started = time.perf_counter()
        self.translator = ctranslate2.Translator(
            str(folder), device="cpu", compute_type=precision, intra_threads=threads, inter_threads=1
        )
        tokenizer = Tokenizer.from_file(str(Path(directory) / "tokenizer.json"))
        self.piece, self.id_of = tokenizer.id_to_token, tokenizer.token_to_id

    def generate(self, inputs, new_tokens, beams):
        rows = [[self.piece(i) for i in ids] for ids in inputs]
        started = time.perf_counter()
        results = self.translator.translate_batch(
            rows, beam_size=beams, min_decoding_length=new_tokens, max_decoding_length=new_tokens, max_input_length=0
        )
        seconds = time.perf_counter() - started
        return seconds, [[self.id_of(piece) for piece in result.hypotheses[0]] for result in results]

    def encode(self, inputs):
        raise Missing


class PyTorch:
    """transformers on PyTorch; compiled: encoder and decoder by torch.compile, over a cache of fixed size."""

    compiled = False

    def __init__(self, directory, precision, threads):
        import torch
        from models import load

        if precision != "float32":
            raise Missing
        self.torch = torch
        torch.set_num_threads(threads)
        self.started = time.perf_counter()
        self.model = load(directory).eval()
        if self.compiled:
            self.model.encoder.forward = torch.compile(self.model.encoder.forward)
            self.model.decoder.forward = torch.compile(self.model.decoder.forward)

    def generate(self, inputs, new_tokens, beams):
        ids = self.torch.tensor(inputs)
        cache = {"cache_implementation": "static", "disable_compile": True} if self.compiled else {}
        started = time.perf_counter()
        with self.torch.inference_mode():
            out = self.model.generate(
                input_ids=ids, attention_mask=self.torch.ones_like(ids), num_beams=beams, do_sample=False,
                min_new_tokens=new_tokens, max_new_tokens=new_tokens, **cache,
            )
        return time.perf_counter() - started, out[:, 1:].tolist()

    def encode(self, inputs):
        ids = self.torch.tensor(inputs)
        started = time.perf_counter()
        with self.torch.inference_mode():
            self.model.encoder(input_ids=ids, attention_mask=self.torch.ones_like(ids))
        return time.perf_counter() - started


class Compiled(PyTorch):
    compiled = True


class OnnxRuntime:
    """ONNX Runtime's Python package over the files that Optimum exports (export.py), by Optimum's generate."""

    def __init__(self, directory, precision, threads):
        import onnxruntime
        import torch
        from optimum.onnxruntime import ORTModelForSeq2SeqLM

        self.torch = torch
        end = "_quantized" if precision == "int8" else ""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.started = time.perf_counter()
        self.model = ORTModelForSeq2SeqLM.from_pretrained(
            directory, subfolder="onnx", encoder_file_name=f"encoder_model{end}.onnx",
            decoder_file_name=f"decoder_model_merged{end}.onnx", use_merged=True, session_options=options,
        )

    def generate(self, inputs, new_tokens, beams):
        ids = self.torch.tensor(inputs)
        started = time.perf_counter()
        out = self.model.generate(
            input_ids=ids, attention_mask=self.torch.ones_like(ids), num_beams=beams, do_sample=False,
            min_new_tokens=new_tokens, max_new_tokens=new_tokens,
        )
        return time.perf_counter() - started, out[:, 1:].tolist()

    def encode(self, inputs):
        ids = self.torch.tensor(inputs)
        started = time.perf_counter()
        self.model.encoder(input_ids=ids, attention_mask=self.torch.ones_like(ids))
        return time.perf_counter() - started


KINDS = {"ctranslate2": CTranslate2, "pytorch": PyTorch, "compiled": Compiled, "onnxruntime": OnnxRuntime}


def answer(peer, request):
    if request["type"] == "load":
        made = KINDS[sys.argv[1]](request["directory"], request["precision"], request["threads"])
        return made, {"loadMs": 1000 * (time.perf_counter() - made.started)}
    if request["type"] == "encode":
        return peer, {"totalMs": 1000 * peer.encode(request["inputs"])}
    seconds, ids = peer.generate(request["inputs"], request["newTokens"], request["beams"])
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peer, {"totalMs": 1000 * seconds, "ids": ids, "peakBytes": peak}


def main():
    peer = None
    for line in sys.stdin:
        try:
            peer, reply = answer(peer, json.loads(line))
            print(json.dumps({"ok": True, **reply}), flush=True)
        except Missing:
            print(json.dumps({"ok": False, "missing": True}), flush=True)
        except Exception as error:
            print(json.dumps({"ok": False, "message": f"{type(error).__name__}: {error}"}), flush=True)


main()
