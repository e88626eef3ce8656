"""Writes bench/data/kept-out.jsonl.gz: the documents of the repositories that no training run may see, with their summaries.

Usage: zstd -dc docs-summaries.jsonl.zst | python models/recipes/evaluation-data.py
"""
import gzip
import json
import sys
from pathlib import Path

from kept_out import FIRST, repository

FIELDS = ("source", "licence", "extractive", "title", "text", "summary")
path = Path(__file__).parents[2] / "bench" / "data" / "kept-out.jsonl.gz"

pairs = [row for row in map(json.loads, sys.stdin) if repository(row) in FIRST]
pairs.sort(key=lambda row: (row["source"], row["summary"]))
path.parent.mkdir(exist_ok=True)
with gzip.GzipFile(path, "wb", 9, mtime=0) as file:
    for row in pairs:
        file.write((json.dumps({key: row[key] for key in FIELDS}, ensure_ascii=False) + "\n").encode())
print(len(pairs), "pairs,", path.stat().st_size, "bytes")
