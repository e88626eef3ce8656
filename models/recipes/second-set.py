"""Writes bench/data/second-set.jsonl.br: raw markup of the second unseen set, with summaries where people wrote one, and programs with comments.

Usage: python models/recipes/second-set.py FOLDER, where FOLDER holds docs-corpus-2*.jsonl.zst and docs-summaries-2.jsonl.zst.
Needs the program zstd, node_modules and the package brotli; the same folder and packages give the same bytes.
"""
import hashlib
import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import brotli
from kept_out import SECOND, repository

ROOT = Path(__file__).parents[2]
MOST_CHARACTERS = 6_000
# Documents without a summary, and commit messages, to type from.
ALONE = {"rst": 60, "tex": 60, "md": 20, "commit": 160}
# Programs with comments in prose: package, license, language, files.
PACKAGES = [
    ("@types/vscode", "MIT", "*.d.ts"),
    ("undici", "MIT", "lib/**/*.js"),
    ("commander", "MIT", "lib/*.js"),
    ("vscode-languageserver-protocol", "MIT", "lib/common/*.d.ts"),
    ("fast-check", "MIT", "lib/types/**/*.d.ts"),
    ("onnxruntime-common", "MIT", "lib/*.ts"),
    ("@lezer/common", "MIT", "dist/index.d.ts"),
    ("typescript", "Apache-2.0", "lib/lib.*.d.ts"),
]
PYTHON_MODULES = "argparse ast asyncio/base_events asyncio/tasks bisect codecs collections/__init__ concurrent/futures/thread configparser copy dataclasses "\
    "decimal difflib fractions functools heapq imaplib inspect mailbox mimetypes pickle random selectors shlex socket statistics tempfile threading".split()
COMMENTED = 90
PROGRAM_CHARACTERS = 3_000


def rows(folder, name):
    process = subprocess.Popen(["zstd", "-dc", str(Path(folder) / f"{name}.jsonl.zst")], stdout=subprocess.PIPE)
    for line in process.stdout:
        row = json.loads(line)
        if repository(row) in SECOND:
            yield row


def order(row):
    return hashlib.sha256(row["source"].encode()).digest()


def cut(text, most=MOST_CHARACTERS):
    """The text's beginning, up to the end of a paragraph."""
    if len(text) <= most:
        return text
    at = text.rfind("\n\n", 0, most)
    return text[: at if at > most // 2 else most]


def without(text, summary, kind):
    """The raw text without the passage that is its summary, as the pairs' text is; None where it cannot be found."""
    if kind.startswith("front:"):
        return text
    if kind == "role:abstract":
        return re.sub(r'\[role=["\']_abstract["\']\]\n(?:.+\n?)+\n*', "", text, count=1) if "_abstract" in text else None
    words = r"\W+".join(map(re.escape, re.findall(r"\w+", summary)))
    found = re.search(words, text)
    return None if found is None else text[: found.start()] + text[found.end():]


def documents(folder):
    corpus = {row["source"]: row for name in ("docs-corpus-2", "docs-corpus-2-valid") for row in rows(folder, name)}
    described = set()
    for pair in rows(folder, "docs-summaries-2"):
        raw = corpus.get(pair["source"]) or corpus.get(pair["source"] + "#1") or corpus.get(pair["source"] + "#0")
        text = None if raw is None else without(raw["text"], pair["summary"], pair["kind"])
        described.add(pair["source"])
        yield {
            "source": pair["source"], "license": pair["licence"], "format": pair["source"].rsplit(".", 1)[-1] if raw is None else raw["format"],
            "raw": text is not None, "title": pair["title"], "summary": pair["summary"], "text": cut(pair["text"] if text is None else text),
        }
    rest = sorted((row for row in corpus.values() if row["source"].split("#")[0] not in described), key=order)
    for form, most in ALONE.items():
        chosen = [row for row in rest if row["format"] == form and len(row["text"]) > (200 if form == "commit" else 2000)][:most]
        for row in chosen:
            yield {"source": row["source"], "license": row["licence"], "format": form, "raw": True, "text": cut(row["text"], 10_000 if form == "tex" else MOST_CHARACTERS)}


def prose_comments(text):
    """Where lines of comments stand that read as prose."""
    return [m.start() for m in re.finditer(r"(?m)^[ \t]*(?:\*|//|#) [A-Z][a-z]*(?: [a-z`'(),-]+){6,}", text)]


def programs():
    found = []
    for name, license_, pattern in PACKAGES:
        folder = ROOT / "node_modules" / name
        version = json.loads((folder / "package.json").read_text())["version"]
        for path in sorted(folder.glob(pattern)):
            found.append((f"npm:{name}@{version}/{path.relative_to(folder)}", license_, "js" if path.suffix == ".js" else "ts", path))
    version = sys.version.split()[0]
    for module in PYTHON_MODULES:
        found.append((f"python:{version}/Lib/{module}.py", "PSF-2.0", "py", Path(sysconfig.get_path("stdlib")) / f"{module}.py"))
    excerpts = []
    for source, license_, form, path in found:
        text = path.read_text(errors="replace")
        # The largest program is most of them all.
        last = -PROGRAM_CHARACTERS
        for place in prose_comments(text):
            if place - last < 4 * PROGRAM_CHARACTERS:
                continue
            last = place
            start = text.rfind("\n\n", 0, max(0, place - PROGRAM_CHARACTERS // 3)) + 2 if place > PROGRAM_CHARACTERS else 0
            # A program's beginning is needed for no comment; an excerpt must not begin within one.
            excerpt = text[start : start + PROGRAM_CHARACTERS]
            if excerpt.isascii() and not re.match(r"[ \t]*\*", excerpt):
                excerpts.append({"source": f"{source}#{start}", "license": license_, "format": form, "raw": True, "text": excerpt})
    excerpts.sort(key=order)
    return excerpts[:COMMENTED]


def main():
    path = ROOT / "bench" / "data" / "second-set.jsonl.br"
    everything = sorted([*documents(sys.argv[1]), *programs()], key=lambda row: (row["source"], row.get("summary", "")))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in everything)
    path.write_bytes(brotli.compress(text.encode(), mode=brotli.MODE_TEXT, quality=11, lgwin=24))
    print(len(everything), "rows,", sum("summary" in row for row in everything), "pairs,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
