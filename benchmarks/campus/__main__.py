"""`python -m benchmarks.campus`, or `python benchmarks/campus`."""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from benchmarks.campus.cli import main

if __name__ == "__main__":
    sys.exit(main())
