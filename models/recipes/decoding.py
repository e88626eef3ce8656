"""Writes decoding.json, which scripts/builtin.mjs ships with a model: how often documentation and its summaries use each token, how many
of the most frequent ones a decoder needs, and how much it should favor copying. `npm run bench -- decoding` shows what others do.
"""
import argparse
import json

import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", required=True, help="what prepare.py wrote")
    parser.add_argument("--out", default="decoding.json")
    parser.add_argument("--shortlist", type=int, default=8192)
    parser.add_argument("--beams", type=int, default=4, help="of summaries")
    parser.add_argument("--after-one", type=float, default=2, help="titles: bonus of a token that follows the last one in the source")
    parser.add_argument("--after-two", type=float, default=2, help="the same for the last two")
    parser.add_argument("--ngrams", type=float, default=1, help="words: weight of the n-grams' log probability")
    parser.add_argument("--keep", type=int, default=12288, help="tokens listed, so that larger shortlists can be asked for")
    options = parser.parse_args()
    corpus = np.memmap(f"{options.prepared}/corpus.bin", dtype=np.uint16, mode="r")
    counts = np.zeros(1 << 16, np.int64)
    for start in range(0, len(corpus), 1 << 24):
        counts += np.bincount(corpus[start : start + (1 << 24)], minlength=1 << 16)
    pairs = np.load(f"{options.prepared}/pairs-train.npz")
    written = sum(np.bincount(pairs[part], minlength=1 << 16) for part in ("summary", "title"))
    # Fills are like the corpus, summaries and titles like themselves: half and half.
    shares = counts / counts.sum() + written / written.sum()
    ranking = np.argsort(-shares, kind="stable")[: options.keep]
    with open(options.out, "w") as file:
        copy_bias = {"afterOne": options.after_one, "afterTwo": options.after_two}
        writing = {"summary": {"beams": options.beams}, "title": {"copyBias": copy_bias},
                   "fill": {"ngrams": options.ngrams}}
        values = {"shortlist": options.shortlist, **writing, "frequent": ranking.tolist()}
        json.dump(values, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
