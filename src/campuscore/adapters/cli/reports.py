"""Reports of imports: a line for each record on stdout, the counts on stderr."""

from __future__ import annotations

import click

from campuscore.domain.roster import ImportReport, Outcome

__all__ = ["print_report"]


def print_report(report: ImportReport, *, verbose: bool) -> None:
    """Print what became of each record; of unchanged ones only where that is wanted."""
    for row in report.rows:
        if verbose or row.outcome is not Outcome.UNCHANGED:
            where = f"{row.file}:{row.line}" if row.file else "-"
            detail = f"  {row.detail}" if row.detail else ""
            click.echo(f"{where}  {row.kind}  {row.key}  {row.outcome}{detail}")
    for each in report.ignored:
        click.echo(f"{each.file}: ignored {each.what} ({each.rows} rows)", err=True)
    for kind, tally in report.counts.items():
        said = [f"{getattr(tally, o)} {o}" for o in Outcome if getattr(tally, o)]
        many = f"{kind.removesuffix('y')}ies" if kind.endswith("y") else f"{kind}s"
        click.echo(f"{many}: {', '.join(said) or 'none'}", err=True)
    what = "would be changed (dry run)" if report.dry_run else "changed"
    click.echo(f"{report.changes} {what}", err=True)
