"""What a run says: a Markdown table with ratios beside the goals, and JSON."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .bench import HASH, Options, Outcome
from .load import Sample, best, median
from .rows import EXPORTS, ROWS, Export, Row

__all__ = ["as_json", "as_markdown"]

SEED, OURS = "seed", "campuscore"
MEMORY_GOAL = 0.5
NONE = "-"
LEGEND = """\
Rates are of the best pass (median of all in brackets); times are of the best pass; errors are of
all passes. A star: one worker had nearly all connections in some pass."""


def number(value: float) -> str:
    """Three significant digits, with thousands set apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def times(value: float | None) -> str:
    """A ratio."""
    return NONE if value is None else f"{number(value)}x"


def ratios(row: Row, outcome: Outcome) -> tuple[float | None, float | None]:
    """Ours over the row's partner: best by best, and median by median."""
    ours = outcome.samples[row.key][OURS]
    key, peer = row.key, SEED
    if row.partner == HASH:
        peer = HASH
    elif row.partner != SEED:
        key = row.partner
    theirs = outcome.samples[key][peer]
    if not ours or not theirs or not median(theirs):
        return None, None
    return best(ours).rate / best(theirs).rate, median(ours) / median(theirs)


def met(row: Row, outcome: Outcome) -> str:
    """Whether our best pass reaches the goal without an error."""
    ours = outcome.samples[row.key][OURS]
    if not ours or (row.minimum is None and row.floor is None):
        return NONE
    top, ratio = best(ours), ratios(row, outcome)[0]
    reached = [sum(sample.errors for sample in ours) == 0]
    if row.minimum is not None:
        reached.append(ratio is not None and ratio >= row.minimum)
    if row.p99_limit is not None:
        reached.append(top.p99 <= row.p99_limit)
    if row.floor is not None:
        reached.append(top.rate >= row.floor)
    return "yes" if all(reached) else "**no**"


def cells(samples: Sequence[Sample]) -> list[str]:
    """Best and median rate, times of the best pass, errors of all passes."""
    if not samples:
        return [NONE, NONE, NONE]
    top = best(samples)
    rate = f"{number(top.rate)} ({number(median(samples))})"
    if any(sample.lopsided for sample in samples):
        rate += " *"
    errors = str(sum(sample.errors for sample in samples))
    return [rate, f"{number(top.p50)} / {number(top.p99)}", errors]


def sizes(row: Row, outcome: Outcome) -> str:
    """KiB of an answer with its headers, at each peer."""
    pairs = (outcome.samples[row.key][name] for name in (SEED, OURS))
    return " / ".join(number(best(samples).kib) if samples else NONE for samples in pairs)


def line(*words: str) -> str:
    """One row of a table."""
    return f"| {' | '.join(words)} |"


def load_table(options: Options, outcome: Outcome) -> list[str]:
    """Rows under load."""
    lines = [
        line("work", "clients", "seed req/s", "p50 / p99 ms", "errors", "campuscore req/s",
             "p50 / p99 ms", "errors", "KiB seed / ours", "ratio best (median)", "goal", "met"),
        line(*["---"] * 12),
    ]  # fmt: skip
    for row in filter(options.chosen, ROWS):
        seed, ours = (outcome.samples[row.key][name] for name in (SEED, OURS))
        top, middle = ratios(row, outcome)
        ratio = NONE if top is None else f"{times(top)} ({times(middle)})"
        goal = row.goal
        if row.partner == HASH and outcome.samples[row.key][HASH]:
            goal += f" ({number(best(outcome.samples[row.key][HASH]).rate)}/s)"
        both = [*cells(seed), *cells(ours)]
        end = [sizes(row, outcome), ratio, goal, met(row, outcome)]
        lines.append(line(row.title, str(row.clients), *both, *end))
    return lines


def export_cells(samples: Sequence[Sample]) -> list[str]:
    """Wall time, highest rise of memory, size."""
    if not samples:
        return [NONE, NONE, NONE]
    top = best(samples)
    if top.errors:
        return ["failed", NONE, NONE]
    rise = max(sample.rise for sample in samples)
    wall, middle = 1 / top.rate, 1 / median(samples)
    return [f"{number(wall)} ({number(middle)})", f"+{rise:.0f}", number(top.kib / 1024)]


def export_ratio(export: Export, outcome: Outcome) -> tuple[str, str]:
    """How many times faster, and whether that and the memory reach the goal."""
    seed, ours = (outcome.samples[export.key][name] for name in (SEED, OURS))
    if not ours:
        return NONE, NONE
    small = max(sample.rise for sample in ours) <= export.rise_limit and not best(ours).errors
    if not seed or best(seed).errors:
        return NONE, NONE if small else "**no**"
    ratio = best(ours).rate / best(seed).rate
    return times(ratio), "yes" if small and ratio >= export.minimum else "**no**"


def export_table(options: Options, outcome: Outcome) -> list[str]:
    """Long answers, one at a time."""
    chosen = [export for export in EXPORTS if options.chosen(export)]
    if not chosen:
        return []
    lines = [
        line("work", "seed s", "RSS MiB", "MiB", "campuscore s", "RSS MiB", "MiB",
             "ratio", "goal", "met"),
        line(*["---"] * 10),
    ]  # fmt: skip
    for export in chosen:
        seed, ours = (outcome.samples[export.key][name] for name in (SEED, OURS))
        ratio, reached = export_ratio(export, outcome)
        both = [*export_cells(seed), *export_cells(ours)]
        lines.append(line(export.title, *both, ratio, export.goal, reached))
    return ["", *lines]


def memory_table(outcome: Outcome) -> list[str]:
    """RSS and PSS of all processes."""
    lines = ["", line("memory of all processes, MiB", "idle RSS (PSS)", "after the run RSS (PSS)")]
    lines.append(line(*["---"] * 3))
    for name, (rss, pss) in outcome.memory.items():
        idle = outcome.idle[name]
        lines.append(line(name, f"{idle[0]:.0f} ({idle[1]:.0f})", f"{rss:.0f} ({pss:.0f})"))
    if SEED in outcome.memory and OURS in outcome.memory:
        ratio = outcome.memory[OURS][0] / outcome.memory[SEED][0]
        reached = "yes" if ratio <= MEMORY_GOAL else "**no**"
        lines += [
            "",
            f"Memory after the run: {ratio:.2f}x, goal <= {MEMORY_GOAL}x, met: {reached}.",
        ]
    return lines


def heading(options: Options, about: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What ran where."""
    campus = options.campus
    size = (
        f"{campus.user_count:,} users, {campus.group_count} groups, "
        f"{campus.check_in_count:,} check-ins, {campus.day_count} days"
    )
    lines = ["# Campus API", "", f"Size {campus.name}: {size}. {options.passes} passes of "]
    lines[-1] += f"{options.seconds} s, peers in turn."
    for name, versions in about.items():
        lines.append(f"- {name}: " + ", ".join(f"{key} {value}" for key, value in versions.items()))
    return [*lines, ""]


def steal(outcome: Outcome) -> str:
    """How much the machine's host took away."""
    shares = [
        sample.steal
        for by_peer in outcome.samples.values()
        for name, samples in by_peer.items()
        if name != HASH
        for sample in samples
    ]
    middle, most = statistics.median(shares or [0]), max(shares, default=0)
    return f"Processor time taken away by the host: median {middle:.0f} %, at most {most:.0f} %."


def as_markdown(options: Options, outcome: Outcome, about: Mapping[str, Mapping[str, str]]) -> str:
    """The whole report."""
    lines = [
        *heading(options, about),
        *load_table(options, outcome),
        *export_table(options, outcome),
        *memory_table(outcome),
        "",
        LEGEND,
        steal(outcome),
    ]
    if options.campus.name != "M":
        lines.append("The goals are set for size M.")
    lines += [f"- Note: {remark}" for remark in outcome.remarks]
    return "\n".join(lines)


def as_json(
    options: Options, outcome: Outcome, about: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Every sample, for machines."""
    keys = [row.key for row in (*ROWS, *EXPORTS) if options.chosen(row)]
    ratio_of = {row.key: ratios(row, outcome) for row in filter(options.chosen, ROWS)}
    return {
        "about": {name: dict(versions) for name, versions in about.items()},
        "size": options.campus.name,
        "passes": options.passes,
        "seconds": options.seconds,
        "rows": {
            key: {
                name: [asdict(sample) for sample in samples]
                for name, samples in outcome.samples[key].items()
            }
            for key in keys
        },
        "ratios": {key: {"best": top, "median": middle} for key, (top, middle) in ratio_of.items()},
        "memory_mib": {"idle": outcome.idle, "after": outcome.memory},
        "remarks": outcome.remarks,
    }
