"""Spanfill's trainer for several processes and machines, in PyTorch: what `spanfill train --on` starts."""

VERSION = 1
"""The layout of a job's folder; a job of another version is refused."""

EVENT = "spanfill-event "
"""What begins a line of an event, among lines of others."""
