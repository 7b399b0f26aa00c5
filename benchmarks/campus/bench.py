"""One whole run: load the peers, check them, and measure them in turns."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from .client import Site, Unexpected
from .compare import bodies_of, differences
from .data import Campus
from .load import Sample, hash_rate, run_export, run_row
from .loading import attach_files
from .machine import resident
from .peers import Peer, Seed
from .rows import EXPORTS, ROWS, Export, Row, Visit

__all__ = ["Options", "Outcome", "run", "say"]

HASH = "hash"


@dataclass(frozen=True)
class Options:
    """How much to measure."""

    campus: Campus
    seconds: int
    passes: int
    rows: frozenset[str]

    def chosen(self, row: Row | Export) -> bool:
        """Whether a row was asked for."""
        return row.key in self.rows


@dataclass
class Outcome:
    """All samples of a run, by row and peer."""

    samples: dict[str, dict[str, list[Sample]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    remarks: list[str] = field(default_factory=list)
    idle: dict[str, tuple[float, float]] = field(default_factory=dict)
    memory: dict[str, tuple[float, float]] = field(default_factory=dict)


def say(text: str) -> None:
    """Progress goes to stderr."""
    print(text, file=sys.stderr, flush=True)


def run(peers: Sequence[Peer], options: Options) -> Outcome:
    """Measure A B A B in one run and stop the servers whatever happens."""
    outcome = Outcome()
    with ExitStack() as stack:
        sites: dict[str, Site] = {}
        for peer in peers:
            say(f"{peer.title}: installing and loading size {options.campus.name}")
            peer.install()
            peer.load()
            stack.callback(peer.stop)
            peer.start()
            outcome.idle[peer.name] = resident(peer.pid)
            sites[peer.name] = peer.site()
            attach_files(sites[peer.name], options.campus)
        check(sites, options, outcome)
        for number in range(options.passes):
            say(f"pass {number + 1} of {options.passes}")
            one_pass(peers, sites, options, outcome)
        outcome.memory = {peer.name: resident(peer.pid) for peer in peers}
    return outcome


def check(sites: dict[str, Site], options: Options, outcome: Outcome) -> None:
    """Compare the answers before anything is timed."""
    for row in filter(options.chosen, ROWS):
        try:
            found = {name: bodies_of(row, site, options.campus) for name, site in sites.items()}
        except Unexpected as error:
            outcome.remarks.append(str(error))
        else:
            outcome.remarks += differences(row.title, found)


def one_pass(
    peers: Sequence[Peer], sites: dict[str, Site], options: Options, outcome: Outcome
) -> None:
    """Every chosen row once on every peer."""
    for row in filter(options.chosen, ROWS):
        bare_hashes(row, peers, options, outcome)
        for peer in peers:
            if row.comparable or not isinstance(peer, Seed):
                measure_row(row, peer, sites[peer.name], options, outcome)
        bare_hashes(row, peers, options, outcome)
    for export in filter(options.chosen, EXPORTS):
        for peer in peers:
            sample = run_export(export, peer, Visit(sites[peer.name], options.campus, 1))
            outcome.samples[export.key][peer.name].append(sample)
            told = f"{sample.p50 / 1000:8.2f} s  +{sample.rise:.0f} MiB  {sample.errors} errors"
            say(f"  {export.key:12} {peer.name:11} {told}")


def bare_hashes(row: Row, peers: Sequence[Peer], options: Options, outcome: Outcome) -> None:
    """The rate without any server, before and after the logins, in the seed's environment."""
    if row.partner == HASH:
        seeds = [peer for peer in peers if isinstance(peer, Seed)]
        outcome.samples[row.key][HASH] += [hash_rate(seed, options.seconds) for seed in seeds]


def measure_row(row: Row, peer: Peer, site: Site, options: Options, outcome: Outcome) -> None:
    """One sample, or a remark on why there is none."""
    try:
        sample = run_row(row, peer, Visit(site, options.campus, row.clients), options.seconds)
    except Unexpected as error:
        outcome.remarks.append(f"{row.key} on {peer.name} was not measured: {error}")
        say(f"  {row.key:12} {peer.name:11} {error}")
        return
    outcome.samples[row.key][peer.name].append(sample)
    say(f"  {row.key:12} {peer.name:11} {sample.rate:10.1f}/s  {sample.errors} errors")
