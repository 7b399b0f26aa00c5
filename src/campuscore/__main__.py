"""``python -m campuscore``: the command line."""

from __future__ import annotations

from campuscore.adapters.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
