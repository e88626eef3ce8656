"""The repositories that nothing may be trained, counted or fitted on: the first unseen set (cleaned Markdown) and the second (raw markup)."""
import json
from pathlib import Path

_SETS = json.loads(Path(__file__).with_name("kept-out.json").read_text())
FIRST = frozenset(_SETS["first"])
SECOND = frozenset(_SETS["second"])
KEPT_OUT = FIRST | SECOND


def repository(row):
    """`owner/repo` of a row whose source is `owner/repo:path`."""
    return row["source"].split(":")[0]
