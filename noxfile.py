"""The checks, each in an environment of its own: ``nox --list`` names them.

``.ci/run`` calls some with ``--no-venv --no-install`` in an environment that has everything.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["lint", "types", "tests-3.11"]
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"

GROUPS = nox.project.load_toml("pyproject.toml")


# What works only inside Alembic, or ends the process that imports it.
UNIMPORTED = ("--exclude-modules", r"migrations|__main__|http\.wsgi")

# What meets the database as a whole; the rest of the suite knows it through its contracts.
BACKENDS = (
    "tests/http/test_attendance.py",
    "tests/http/test_refusals.py",
    "tests/http/test_seed_contract.py",
    "tests/cli/test_commands.py",
    "tests/unit/test_roster_import.py",
    "tests/index/test_crowd.py",
    "tests/index/test_install.py",
    "tests/index/test_publish.py",
    "tests/index/test_read.py",
    "tests/faults/test_kill_uploads.py",
)


def _group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(GROUPS, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format, import contracts, slots, changelog fragments."""
    session.install("-e", ".[all]", *_group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache")
    session.run("python", "-m", "slotscheck", "-m", "campuscore", *UNIMPORTED)
    session.run("towncrier", "build", "--draft", "--version", "next", silent=True)


@nox.session
def types(session: nox.Session) -> None:
    """Both type checkers in strict mode; every public name is typed."""
    session.install("-e", ".[test]", *_group("types"))
    session.run("mypy")
    session.run("pyright")
    session.run("pyright", "--verifytypes", "campuscore", "--ignoreexternal")


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run the suite."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def backends(session: nox.Session) -> None:
    """Run servers, clients, commands and the roster import on PostgreSQL and an object store."""
    session.install("-e", ".[test]")
    session.run("pytest", "-n", "auto", "--backend", "postgres", *BACKENDS, *session.posargs)


@nox.session
def api(session: nox.Session) -> None:
    """Ask every operation of the OpenAPI document, as four people, what the document allows.

    ``nox -s api -- --hypothesis-profile=nightly`` asks at random, and for long.
    """
    session.install("-e", ".[test]", *_group("api"))
    session.run("pytest", "-n", "auto", "-m", "api", "tests/api", *session.posargs)


@nox.session(name="lowest-direct", python="3.11", venv_backend="uv")
def lowest_direct(session: nox.Session) -> None:
    """Run the suite with the oldest dependencies that we allow."""
    session.install("--resolution", "lowest-direct", "-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def deploy(session: nox.Session) -> None:
    """Run the deployments of ``deploy/``; needs Debian's nginx and openssl."""
    session.install("-e", ".[test]")
    session.run("pytest", "-m", "proxy", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Check what the documents say; build the site into ``site/``, and check its links.

    Commands on the pages need curl and jq.
    ``nox -s docs -- site`` leaves out the tests.
    """
    session.install("-e", ".[test]", *_group("docs"))
    if "site" not in session.posargs:  # .ci/run has run the tests before
        session.run("pytest", "-m", "curl or not curl", "tests/docs")
    session.run("python", "docs/make_site.py")


@nox.session
def examples(session: nox.Session) -> None:
    """Run the example programs as a reader would."""
    session.install("-e", ".[all,testing]", *_group("examples"))
    session.run("python", "examples/embed.py")
    session.run("bash", "examples/cli_script.sh", external=True)
    session.run("python", "examples/wsgi_deploy/smoke.py")
    for folder in ("custom_frontend", "flask_embed"):
        session.run("pytest", "--import-mode=prepend", f"examples/{folder}")
    # Found by its entry point, as it would be where somebody has installed it.
    source = "examples/custom_blob_store"
    with tempfile.TemporaryDirectory() as plugin:
        session.run(
            *("python", "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--target", plugin, f"./{source}"),
        )
        session.run("pytest", f"{source}/tests", env={"PYTHONPATH": plugin})


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel, and run the suite against the installed wheel."""
    session.install("build")
    folder = Path(session.create_tmp(), "dist")
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(folder))
    wheel = next(folder.glob("*.whl"))
    session.install(f"campuscore[test] @ {wheel.as_uri()}")
    session.run("pytest", *session.posargs)


@nox.session
def mutate(session: nox.Session) -> None:
    """Mutation tests of the domain and the services; settings stand in pyproject.toml."""
    session.install("-e", ".[test]", *_group("mutate"))
    session.run("mutmut", "run", *session.posargs)
    session.run("mutmut", "results")


@nox.session
def guards(session: nox.Session) -> None:
    """Remove each guard against a known flaw, and demand that its tests fail.

    ``nox -s guards -- refresh token`` takes those whose names begin so.
    """
    session.install("-e", ".[test]")
    session.run("python", "tests/guards/remove.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure campuscore beside the stack that it replaces."""
    session.install("-e", ".[all]")
    session.run("python", "-m", "benchmarks.campus", *session.posargs)
