"""Turns the training text (JSON lines, zstd) into token files that train.py maps into memory.

Writes to --out: corpus.bin, corpus-valid.bin (uint16 token ids), their .offsets.npy (where each document starts), and
pairs-{train,valid}.npz (title, body and summary of each described document, flattened, with a weight each).
Repositories that evaluation keeps for itself are left out of everything but pairs-valid.
"""
import argparse
import collections
import io
import itertools
import json
import os
import re

import numpy as np
import zstandard
from tokenizers import Tokenizer

from kept_out import KEPT_OUT, repository

MOST_PAIRS_OF_A_REPOSITORY = 250


def rows(path):
    with open(path, "rb") as file:
        if path.endswith(".jsonl"):
            yield from map(json.loads, file)
            return
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor(max_window_size=2**31).stream_reader(file), encoding="utf-8"):
            yield json.loads(line)


def cut_off(row):
    """True for a summary that ends in the middle of a sentence of its text."""
    summary = row["summary"].rstrip()
    at = row["text"].find(summary)
    return at >= 0 and summary[-1:].isalnum() and re.match(r"[ \n]?[\w,(]", row["text"][at + len(summary):]) is not None


def model_text(text):
    """A line's first word is spelled as after a space (layout.ts does the same): one id wherever the word stands."""
    return re.sub(r"\n(?=[^\n])", "\n ", text.replace("\r\n", "\n"))


def flatten(lists):
    offsets = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(ids) for ids in lists], out=offsets[1:])
    flat = np.fromiter((i for ids in lists for i in ids), np.uint16, offsets[-1])
    return flat, offsets


def second_pairs(data):
    """The pairs of the second set, those of large repositories weighed less, and the teacher's."""
    pairs = [r for r in rows(f"{data}/docs-summaries-2.jsonl.zst") if repository(r) not in KEPT_OUT and r["split"] == "train" and not cut_off(r)]
    counts = collections.Counter(map(repository, pairs))
    share = lambda row: min(1.0, MOST_PAIRS_OF_A_REPOSITORY / counts[repository(row)])
    weight = lambda row: 0.3 if row["tier"] != 1 else 1.0 if row["extractive"] else 3.0
    taught = [r for r in rows(f"{data}/teacher-pairs.jsonl.zst") if repository(r) not in KEPT_OUT]
    return [(r["title"] or "", r["text"], r["summary"], weight(r) * share(r)) for r in pairs] + [
        (r["title"] or r["teacher_title"] or "", r["text"], r["summary"], 1.0 if r["copied"] else 3.0) for r in taught
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of docs-corpus.jsonl.zst and its companions")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--prose", help="folder of the second corpus as `npm run bench -- prose` writes it: docs-corpus-2.jsonl, docs-corpus-2-valid.jsonl")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    tokenizer = Tokenizer.from_file(options.tokenizer)

    def encode(texts):
        return [e.ids for e in tokenizer.encode_batch_fast([model_text(t) for t in texts], add_special_tokens=False)]

    for name in ("corpus", "corpus-valid"):
        offsets = [0]
        seen = set()
        with open(f"{options.out}/{name}.bin", "wb") as out:
            batch = []
            def flush():
                for ids in encode(batch):
                    np.asarray(ids, np.uint16).tofile(out)
                    offsets.append(offsets[-1] + len(ids))
                batch.clear()
            second = rows(f"{options.prose}/docs-{name.replace('corpus', 'corpus-2')}.jsonl") if options.prose else ()
            for row in itertools.chain(rows(f"{options.data}/docs-{name}.jsonl.zst"), second):
                key = hash(row["text"][:400])
                if repository(row) in KEPT_OUT or key in seen:
                    continue
                seen.add(key)
                batch.append(row["text"])
                if len(batch) == 1000:
                    flush()
            flush()
        np.save(f"{options.out}/{name}.offsets.npy", np.asarray(offsets, np.int64))
        print(name, len(offsets) - 1, "documents", offsets[-1], "tokens")

    train, valid = [], []
    for row in rows(f"{options.data}/docs-summaries.jsonl.zst"):
        kept_out = repository(row) in KEPT_OUT
        if not kept_out and row["split"] != "train":
            continue
        if cut_off(row):
            continue
        best = row["tier"] == 1 and not row["extractive"]
        weight = 3.0 if best else 1.0 if row["tier"] == 1 else 0.3
        if kept_out and not best:
            continue
        (valid if kept_out else train).append((row["title"], row["text"], row["summary"].split(" | ")[0], weight))
    if options.prose:
        train += second_pairs(options.data)
    for row in rows(f"{options.data}/extra-tasks.jsonl.zst"):
        if row["task"] in ("scitldr", "qmsum") and row["split"] == "train":
            train.append((row.get("title") or "", row["input"][:8000], row["target"], 1.0))
    for name, pairs in (("train", train), ("valid", valid)):
        arrays = {"weight": np.asarray([p[3] for p in pairs], np.float32)}
        for i, field in enumerate(("title", "text", "summary")):
            arrays[field], arrays[f"{field}_offsets"] = flatten(encode([p[i] for p in pairs]))
        np.savez(f"{options.out}/pairs-{name}.npz", **arrays)
        print("pairs", name, len(pairs), arrays["text_offsets"][-1], "tokens")


if __name__ == "__main__":
    main()
