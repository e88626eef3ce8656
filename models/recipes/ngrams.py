"""Counts the word n-grams that ship (models/builtin/english.ngrams.gz): which words follow which one, two or three others in documentation.

    python models/recipes/ngrams.py --corpus docs-corpus.jsonl.zst prose2.jsonl
    npm run bench -- ngrams

Needs numpy and zopfli. Corpora are JSON lines with `source` and `text`, packed by Zstandard or not. 110 M words take about eight minutes and 6 GB of memory.
"""
import argparse
import io
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import zopfli.gzip

from kept_out import KEPT_OUT, repository

NOVELS = {"computationalstylistics/100_english_novels", "COST-ELTeC/ELTeC-eng", "computationalstylistics/A_Small_Collection_of_British_Fiction"}
# The same words as ngramWords in models/words/ngram.ts.
MARK = r"(?:[-*+>]|#{1,6}|\d{1,3}[.)])"
WORD = re.compile(rf"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|\n\s*(?:{MARK}[ \t]+)+|\n\s*\n|[^\s\w`*]")
CODE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.S | re.M)
BREAK, UNKNOWN = "\n\n", "<unk>"
DISCOUNTS = {2: 0.7, 3: 0.8, 4: 0.9}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", nargs="+", required=True)
    parser.add_argument("--out", default="models/builtin/english.ngrams.gz")
    parser.add_argument("--types", type=int, default=65_533, help="words kept, the most frequent")
    parser.add_argument("--entries", type=int, default=3_400_000, help="n-grams kept, those whose loss would cost the text most")
    parser.add_argument("--novels", type=int, default=3, help="one of so many novels is counted; 0 for none")
    parser.add_argument("--order", type=int, default=4, choices=[2, 3, 4])
    parser.add_argument("--ids", help="where the words' numbers are kept between runs")
    options = parser.parse_args()
    if options.ids and Path(options.ids).exists():
        with np.load(options.ids) as kept:
            ids, words = kept["ids"], kept["words"].tolist()
    else:
        ids, words = read(options)
        if options.ids:
            np.savez(options.ids, ids=ids, words=np.array(words))
    counts = np.bincount(ids, minlength=len(words))
    print(f"{len(ids)} words, {len(words)} types, {counts[words.index(UNKNOWN)] / len(ids):.2%} unknown")
    levels = [count(ids, order, words.index(BREAK)) for order in range(2, options.order + 1)]
    write(options.out, words, counts, prune(levels, counts, options.entries))


def read(options):
    """Each text's words as numbers, a break first; the most frequent words have numbers by frequency, the others are unknown."""
    numbers, parts, total = Numbers(), [], 0
    for path in options.corpus:
        novels = 0
        for row in rows(path):
            owner = repository(row)
            if owner in KEPT_OUT:
                continue
            if owner in NOVELS:
                novels += 1
                if options.novels == 0 or novels % options.novels:
                    continue
            words = WORD.findall("\n\n" + CODE.sub("", row["text"]))
            parts.append(np.fromiter(map(numbers.__getitem__, words), np.uint32, len(words)))
            total += len(words)
        print(f"{path}: {total} words so far, {len(numbers.shapes)} types", flush=True)
    ids = np.concatenate(parts)
    seen = list(numbers.shapes)
    order = np.argsort(-np.bincount(ids, minlength=len(seen)), kind="stable")[: options.types]
    places = np.full(len(seen), len(order), np.uint16)
    places[order] = np.arange(len(order), dtype=np.uint16)
    return places[ids], [seen[i] for i in order] + [UNKNOWN]


class Numbers(dict):
    """A number for each word, the same for words of one shape."""

    def __init__(self):
        super().__init__()
        self.shapes = {}

    def __missing__(self, word):
        self[word] = self.shapes.setdefault(shape(word), len(self.shapes))
        return self[word]


def shape(word):
    """White space is a break; of a number of more than one digit only the length counts."""
    if word[0] == "\n":
        return BREAK
    return "0" * min(len(word), 5) if word.isdecimal() and len(word) > 1 else word


def rows(path):
    with open(path, "rb") as file:
        if path.endswith(".zst"):
            import zstandard
            file = zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(file)
        for line in io.TextIOWrapper(file, "utf8"):
            yield json.loads(line)


def count(ids, order, paragraph):
    """Keys (16 bits a word, the last word lowest) and counts of all n-grams seen twice; none goes on across a paragraph's end."""
    size = len(ids) - order + 1
    whole = np.ones(size, bool)
    for i in range(1, order - 1):
        whole &= ids[i : i + size] != paragraph
    keys = np.zeros(size, np.uint64)
    for i in range(order):
        keys <<= np.uint64(16)
        keys |= ids[i : i + size]
    keys = keys[whole]
    keys.sort()
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    counts = np.diff(np.append(starts, len(keys)))
    often = counts > 1
    print(f"{order}-grams: {len(starts)} different, {often.sum()} seen twice", flush=True)
    return keys[starts[often]], counts[often]


def prune(levels, counts, budget):
    """The n-grams with the greatest count times log ratio to what the shorter one says, and the beginnings of those."""
    worths, below = [], (None, counts / counts.sum())
    for order, (keys, seen) in enumerate(levels, 2):
        context, lower = keys >> np.uint64(16), keys & np.uint64((1 << 16 * (order - 1)) - 1)
        if order == 2:
            parent, shorter = context.astype(np.int64), below[1][lower]
            totals = counts
        else:
            parent, shorter = np.searchsorted(below[0], context), below[1][np.searchsorted(below[0], lower)]
            totals = levels[order - 3][1]
        share = (seen - DISCOUNTS[order]) / totals[parent]
        rest = np.maximum(1 - np.bincount(parent, share, len(totals)), 1e-4)[parent]
        probability = share + rest * shorter
        worth = seen * np.log(probability / ((rest + share) * shorter))
        worths.append(worth)
        below = (keys, probability)
    everything = np.concatenate(worths)
    threshold = np.partition(everything, max(0, len(everything) - budget))[max(0, len(everything) - budget)] if len(everything) > budget else 0
    kept = [worth >= threshold for worth in worths]
    for i in range(len(levels) - 1, 0, -1):
        kept[i - 1][np.searchsorted(levels[i - 1][0], levels[i][0][kept[i]] >> np.uint64(16))] = True
    print("kept " + ", ".join(f"{k.sum()} {i}-grams" for i, k in enumerate(kept, 2)))
    return [(keys[k], seen[k]) for (keys, seen), k in zip(levels, kept)]


def write(path, words, counts, levels):
    """The format of models/words/ngram-table.ts."""
    alphabet = sorted(range(len(words)), key=lambda i: words[i].encode("utf-16-be"))
    head = {"format": "spanfill-ngrams", "words": len(words), "levels": [len(keys) for keys, _ in levels]}
    planes = [np.array(alphabet, "<u2"), logs(counts, "<u2")]
    above = np.arange(len(words), dtype=np.uint64)
    for keys, seen in levels:
        parents = np.searchsorted(above, keys >> np.uint64(16))
        children = np.bincount(parents, minlength=len(above)).astype("<u2")
        last = (keys & np.uint64(0xFFFF)).astype(np.int64)
        first = np.concatenate([[True], parents[1:] != parents[:-1]])
        steps = np.where(first, last, last - np.concatenate([[0], last[:-1]])).astype("<u2")
        planes += [children & 0xFF, children >> 8, steps & 0xFF, steps >> 8, logs(seen, "u1")]
        planes[-5:-1] = [plane.astype("u1") for plane in planes[-5:-1]]
        above = keys
    parts = [json.dumps(head) + "\n", *(words[i] + "\0" for i in alphabet)]
    table = "".join(parts).encode() + b"".join(plane.tobytes() for plane in planes)
    Path(path).write_bytes(zopfli.gzip.compress(table, numiterations=5))
    print(f"{path}: {Path(path).stat().st_size} bytes")


def logs(counts, dtype):
    return np.minimum(np.round(6 * np.log2(np.maximum(counts, 1))), 255 if dtype == "u1" else 65535).astype(dtype)


if __name__ == "__main__":
    main()
