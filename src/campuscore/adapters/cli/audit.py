"""``campuscore audit``."""

from __future__ import annotations

from datetime import date
from functools import partial

import click

from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import every, show_pages, write_json
from campuscore.adapters.cli.reading import DAY, user_id_of
from campuscore.domain.audit import AuditHead, AuditQuery, AuditVerdict, Outcome

__all__ = ["audit"]

_OUTCOME = click.Choice([each.value for each in Outcome])
_COLUMNS = (
    *("number", "at", "user", "actor", "action", "target", "outcome", "code", "count"),
    *("ip_address", "user_agent"),
)


@click.group(cls=Group)
def audit() -> None:
    """Who did what, and what was refused."""


@audit.command(name="list")
@click.option("--user", help="Only what this user did or was refused, by id or username.")
@click.option("--action", default="", help="Only this action, or those that begin so.")
@click.option("--target", default="", help="Only what was about this, such as the id of a user.")
@click.option(
    "--outcome", type=click.Choice([each.value for each in Outcome]), help="Only what went so."
)
@click.option("--from", "begin", type=DAY, help="From this local date on.")
@click.option("--to", "end", type=DAY, help="Up to this local date, included.")
@pass_invocation
def list_records(
    invocation: Invocation,
    /,
    *,
    user: str | None,
    action: str,
    target: str,
    outcome: str | None,
    begin: date | None,
    end: date | None,
) -> None:
    """List records, newest first."""
    campus = invocation.campus()
    query = AuditQuery(
        user=None if user is None else user_id_of(campus, user),
        action=action,
        target=target,
        outcome=None if outcome is None else Outcome(outcome),
        begin=begin,
        end=end,
    )

    pages = every(partial(campus.audit.list, campus.operator, query))
    show_pages(invocation, pages, _COLUMNS)


@audit.command()
@click.option("--anchor", metavar="NUMBER:DIGEST", help="A head that was noted before.")
@pass_invocation
def verify(invocation: Invocation, anchor: str | None) -> None:
    """Look at every record; exit code 1 names the first that was changed or removed.

    The head that is shown can be noted elsewhere, and given back as --anchor.
    """
    campus = invocation.campus()
    verdict = campus.audit.verify(campus.operator, _anchor(anchor))
    if invocation.as_json:
        write_json(verdict)
    elif verdict.is_whole:
        click.echo(f"{verdict.records} records are whole; the head is {verdict.head}")
    if not verdict.is_whole:
        raise click.ClickException(_words(verdict))


def _anchor(text: str | None) -> AuditHead | None:
    if text is None:
        return None
    number, _, digest = text.partition(":")
    if not number.isascii() or not number.isdigit() or len(digest) != 64:  # noqa: PLR2004 - hexadecimal SHA-256
        raise click.BadParameter("must be of the form NUMBER:DIGEST", param_hint="--anchor")
    return AuditHead(int(number), digest)


def _words(verdict: AuditVerdict) -> str:
    return f"record {verdict.broken_at} {verdict.problem}; {verdict.records} were looked at"
