"""One run of the command line: where its settings come from, and how it answers.

``--config``, ``--home`` and ``--json`` may stand before the command or after it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

import click
from attrs import define, evolve, field

import campuscore
from campuscore.adapters.cli.errors import Refused
from campuscore.errors import CampusError

if TYPE_CHECKING:
    from campuscore.bootstrap import Campus
    from campuscore.settings import Settings, SettingsSource

__all__ = ["Command", "Group", "Invocation", "pass_invocation", "shared_options"]

P = ParamSpec("P")
R = TypeVar("R")


@define
class Invocation:
    """What the shared options say."""

    config: Path | None = None
    home: str | None = None
    as_json: bool = False
    resources: ExitStack = field(factory=ExitStack, eq=False)

    @property
    def source(self) -> SettingsSource:
        """Where settings come from."""
        from campuscore.settings import SettingsSource  # noqa: PLC0415 - help needs no settings

        return SettingsSource(flags={"home": self.home}, environ=os.environ, toml=self.config)

    def settings(self) -> Settings:
        """Read the settings, or raise Misconfigured."""
        return self.source.read(campuscore.Settings)

    def campus(self) -> Campus:
        """Open the campus that is there, or raise NotFound; it is closed when the command ends."""
        from campuscore import upkeep  # noqa: PLC0415 - help needs no store

        settings = self.settings()
        if not upkeep.is_there(settings):
            raise upkeep.there_is_none(settings)
        return self.resources.enter_context(campuscore.open_campus(settings))

    def any_campus(self, *, dry_run: bool = False) -> Campus:
        """Open the campus, and make one where there is none: in memory for a dry run.

        Of a new one that the command was refused, nothing is left.
        """
        from campuscore import upkeep  # noqa: PLC0415 - help needs no store

        settings = self.settings()
        if upkeep.is_there(settings):
            return self.resources.enter_context(campuscore.open_campus(settings))
        if dry_run:
            text = "there is no campus yet in {}; this is what a new one would take in"
            click.echo(text.format(settings.folder), err=True)
            blank = evolve(settings, database_url="memory://", blob_url="memory://")
            return self.resources.enter_context(campuscore.open_campus(blank))
        return self.resources.enter_context(_new_campus(settings))


@contextmanager
def _new_campus(settings: Settings) -> Generator[Campus]:
    """Make a campus and announce it: what looks empty may be a typing error in ``--home``."""
    from campuscore import upkeep  # noqa: PLC0415 - help needs no store

    with upkeep.opened(settings) as campus:
        yield campus
    click.echo(f"created a new campus in {settings.folder}", err=True)


def pass_invocation(command: Callable[Concatenate[Invocation, P], R]) -> Callable[P, R]:
    """Give a command the Invocation as its first argument."""
    return click.make_pass_decorator(Invocation, ensure=True)(command)


class Command(click.Command):
    """A command that takes the shared options, and turns our errors into exit codes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(shared_options())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        for param in self.params:
            if isinstance(param.type, click.Path):
                continue
            if not _is_text(ctx.params.get(param.name or "")):
                raise click.BadParameter("is not text in this locale's encoding", ctx, param)
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with ctx.ensure_object(Invocation).resources:
                return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (CampusError, OSError) as error:
            raise Refused(error) from error


class Group(click.Group):
    """A group of such commands."""

    command_class: type[click.Command] | None = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(shared_options())


def _is_text(value: object) -> bool:
    """Say whether an argument could be decoded; Python hides bytes that could not in surrogates."""
    if isinstance(value, tuple):
        return all(map(_is_text, cast("tuple[object, ...]", value)))
    return not (isinstance(value, str) and any("\ud800" <= ch <= "\udfff" for ch in value))


def shared_options() -> list[click.Parameter]:
    """Return fresh options that note in the Invocation what they are given."""
    return [
        click.Option(
            ["--config"],
            metavar="FILE",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            envvar="CAMPUSCORE_CONFIG",
            expose_value=False,
            callback=_note,
            help="TOML file of settings.",
        ),
        click.Option(
            ["--home"],
            metavar="DIR",
            type=click.Path(file_okay=False),
            expose_value=False,
            callback=_note,
            help="Folder of the database and the files.",
        ),
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            expose_value=False,
            callback=_note,
            help="Answer in JSON, as the API does.",
        ),
    ]


def _note(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value and param.name:
        setattr(ctx.ensure_object(Invocation), param.name, value)
