"""What the tests with real clients share: a server, clean programs, projects to build."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from attrs import define, frozen

from .serving import Index, serving

_NUMBERS = count(1)
_PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "{version}"
description = "Built by a test"
requires-python = ">=3.9"
dependencies = [{needs}]
"""
_TWINE = """
import sys
from twine import repository
repository.WAREHOUSE = repository.WAREHOUSE_WEB = sys.argv.pop(1)
repository.LEGACY_PYPI = repository.WAREHOUSE.replace("127.0.0.1", "localhost")
from twine.__main__ import main
sys.exit(main())
"""


@pytest.fixture(scope="session")
def index(
    tmp_path_factory: pytest.TempPathFactory, new_backend: Callable[[], dict[str, str]]
) -> Iterator[Index]:
    with serving(tmp_path_factory.mktemp("index") / "home", **new_backend()) as index:
        yield index


@pytest.fixture(scope="session")
def token(index: Index) -> str:
    return index.token("uploader")


@frozen
class Done:
    """A program that has ended."""

    code: int
    words: str


@define
class Programs:
    """Real clients, which see nothing of the machine's own configuration."""

    folder: Path
    index: Index
    token: str

    def environment(self) -> dict[str, str]:
        foreign = ("PIP_", "UV_", "TWINE_", "POETRY_", "PYTHON", "VIRTUAL_ENV", "XDG_")
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(foreign) and not name.lower().endswith("_proxy")
        }
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return kept | {
            "HOME": str(home),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_CACHE_DIR": str(self.folder / "pip"),
            "UV_CACHE_DIR": str(self.folder / "uv"),
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "POETRY_CACHE_DIR": str(self.folder / "poetry"),
            "POETRY_CONFIG_DIR": str(self.folder / "poetry-config"),
            "POETRY_VIRTUALENVS_IN_PROJECT": "true",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "NO_COLOR": "1",
        }

    def run(
        self, *words: object, code: int | None = 0, folder: Path | None = None, **extra: str
    ) -> Done:
        """Run a program, by default in the folder of this test."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=folder or self.folder,
            env=self.environment() | extra,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout
        return Done(done.returncode, done.stdout)

    def build(self, name: str, version: str, *needs: str, text: str = "x = 1") -> list[Path]:
        """Build a source distribution and a wheel, and return them in this order."""
        folder = self.folder / f"src{next(_NUMBERS)}"
        module = folder / name.replace("-", "_")
        module.mkdir(parents=True)
        quoted = ", ".join(f'"{each}"' for each in needs)
        text_ = _PROJECT.format(name=name, version=version, needs=quoted)
        (folder / "pyproject.toml").write_text(text_)
        (module / "__init__.py").write_text(f"{text}\n")
        shown = str(folder / "dist")
        self.run(sys.executable, "-m", "hatchling", "build", "-d", shown, folder=folder)
        return sorted((folder / "dist").iterdir(), key=lambda path: path.suffix)

    def twine(self, *words: object, code: int | None = 0) -> Done:
        """Run twine upload; it takes this server for its own one, which may skip what exists."""
        where = ("--repository-url", self.index.legacy, "-u", "__token__", "-p", self.token)
        wrapped = (sys.executable, "-c", _TWINE, self.index.root)
        shown = ("--non-interactive", "--disable-progress-bar", "--verbose")
        return self.run(*wrapped, "upload", *where, *shown, *words, code=code)

    def uv(self, *words: object, code: int | None = 0) -> Done:
        return self.run(Path(sys.executable).with_name("uv"), "--no-config", *words, code=code)

    def uv_publish(self, *words: object, code: int | None = 0) -> Done:
        where = ("--publish-url", self.index.legacy, "--token", self.token)
        return self.uv("publish", *where, "--trusted-publishing", "never", *words, code=code)

    def venv(self) -> Path:
        """Make a virtual environment without anything in it, and return its Python."""
        folder = self.folder / f"venv{next(_NUMBERS)}"
        self.run(sys.executable, "-m", "venv", "--without-pip", folder)
        return folder / "bin" / "python"

    def pip(self, python: Path, *words: object, trusted: bool = True, **extra: str) -> Done:
        """Install into a virtual environment with pip."""
        trust = ("--trusted-host", f"127.0.0.1:{self.index.port}") if trusted else ()
        command = (sys.executable, "-m", "pip", "--python", python, "install")
        return self.run(*command, "--index-url", self.index.simple, *trust, *words, **extra)

    def value(self, python: Path, module: str) -> str:
        """Return the ``x`` of an installed module."""
        return self.run(python, "-c", f"import {module}; print({module}.x)").words.strip()


@pytest.fixture
def programs(tmp_path: Path, index: Index, token: str) -> Programs:
    return Programs(tmp_path, index, token)


@pytest.fixture
def name() -> str:
    """Return the name of a project that is new in each test."""
    return f"demo-{os.getpid()}-{next(_NUMBERS)}"


@pytest.fixture(scope="session")
def site_packages() -> str:
    return sysconfig.get_path("purelib")
