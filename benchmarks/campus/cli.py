"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .bench import Options, run, say
from .data import SIZES
from .machine import describe, wrk_version
from .peers import Campuscore, Peer, Seed
from .report import as_json, as_markdown
from .rows import EXPORTS, ROWS

__all__ = ["main"]

KEYS = tuple(row.key for row in (*ROWS, *EXPORTS))
PEERS: dict[str, type[Peer]] = {"seed": Seed, "campuscore": Campuscore}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(prog="benchmarks/campus", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="M")
    parser.add_argument("--seconds", type=int, default=2, help="length of one run of wrk")
    parser.add_argument("--passes", type=int, default=2, help="turns of all peers")
    parser.add_argument("--rows", default="all", help=f"all, or some of {','.join(KEYS)}")
    parser.add_argument("--peers", default="seed,campuscore", help="which to run")
    parser.add_argument(
        "--lists",
        choices=("serializers", "values"),
        default="serializers",
        help="how the seed stack lists flat rows",
    )
    parser.add_argument("--work", type=Path, help="folder to keep environment and data in")
    parser.add_argument("--json", type=Path, help="file for every sample")
    options = parser.parse_args(arguments)
    options.rows = KEYS if options.rows == "all" else options.rows.split(",")
    unknown = sorted(set(options.rows) - set(KEYS))
    if unknown:
        parser.error(f"no row {unknown[0]!r}; rows are {', '.join(KEYS)}")
    options.peers = options.peers.split(",")
    if not set(options.peers) <= set(PEERS):
        parser.error(f"peers are {', '.join(PEERS)}")
    if options.seconds < 1 or options.passes < 1:
        parser.error("--seconds and --passes are at least 1")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and print it."""
    given = parse(sys.argv[1:] if arguments is None else arguments)
    if not wrk_version():
        say("wrk is not installed; on Debian: apt-get install -y wrk")
        return 2
    if "campuscore" in given.peers and not Campuscore.available():
        say("campuscore is not installed beside this interpreter: the seed stack runs alone")
        given.peers.remove("campuscore")
    options = Options(SIZES[given.size], given.seconds, given.passes, frozenset(given.rows))
    if given.work:
        given.work.mkdir(parents=True, exist_ok=True)
        return compare(given, options, given.work.resolve())
    with tempfile.TemporaryDirectory(prefix="campus-benchmark-") as folder:
        return compare(given, options, Path(folder))


def compare(given: argparse.Namespace, options: Options, work: Path) -> int:
    """Run, print, and write the samples where asked to."""
    Seed.lists = given.lists
    peers = [PEERS[name](work, options.campus) for name in given.peers]
    outcome = run(peers, options)
    about = {"machine": describe()} | {peer.title: peer.versions() for peer in peers}
    print(as_markdown(options, outcome, about))
    if given.json:
        given.json.write_text(json.dumps(as_json(options, outcome, about), indent=1) + "\n")
    return 0
