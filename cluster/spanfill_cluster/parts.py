"""Files that travel in packages of a limited size, which Ray puts on the path of a job's modules."""

import sys
from pathlib import Path

PART = "spanfill-part-{}.bin"


def part(number: int) -> Path:
    """The file of a part."""
    found = next((p for p in (Path(folder) / PART.format(number) for folder in sys.path) if p.exists()), None)
    if found is None:
        raise SystemExit(f"Part {number} of the model did not reach this machine.")
    return found
