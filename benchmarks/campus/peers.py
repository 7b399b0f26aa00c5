"""The systems under comparison: how each is installed, loaded, started and stopped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from contextlib import closing, suppress
from pathlib import Path

from .client import Client, Site
from .data import ADMIN_PASSWORD, ADMIN_USER, Campus
from .loading import load_campuscore

__all__ = ["Campuscore", "Peer", "Seed"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ADMIN = {"CAMPUSCORE_ADMIN_USER": ADMIN_USER, "CAMPUSCORE_ADMIN_PASSWORD": ADMIN_PASSWORD}
READY_SECONDS = 60.0


class Peer(ABC):
    """A server on loopback with a campus loaded."""

    name = ""
    title = ""

    def __init__(self, work: Path, campus: Campus) -> None:
        self.home = work / f"{self.name}-{campus.name}"
        self.work = work
        self.campus = campus
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def install(self) -> None:
        """Make the peer's software available."""

    @abstractmethod
    def load(self) -> None:
        """Fill a fresh home with the campus."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command that serves on the port."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Versions of the peer's stack."""

    def environment(self) -> dict[str, str]:
        """Environment of the peer's processes."""
        return {**os.environ, **ADMIN}

    @property
    def pid(self) -> int:
        """The root of the process tree."""
        if self.process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self.process.pid

    def start(self) -> None:
        """Serve, and wait until it answers."""
        self.port = free_port()
        with (self.work / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.home,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        limit = time.monotonic() + READY_SECONDS
        while time.monotonic() < limit:
            if self.process is None or self.process.poll() is not None:
                break
            with suppress(OSError), closing(Client(self.port)) as probe:
                if probe.call("GET", "/readyz").status in (200, 404):
                    return
            time.sleep(0.1)
        log = (self.work / f"{self.name}.log").read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"{self.title} did not start:\n{log[-2000:]}")

    def stop(self) -> None:
        """End the processes that start() made."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def site(self) -> Site:
        """The running peer, for its administrator."""
        return Site(Client(self.port), ADMIN_USER, ADMIN_PASSWORD)


class Seed(Peer):
    """Django, DRF and SimpleJWT under gunicorn, in an environment of its own."""

    name = "seed"
    title = "Django REST (seed stack)"
    project = HERE / "seed"
    lists = "serializers"

    @property
    def venv(self) -> Path:
        """The environment, named by its requirements."""
        wanted = (HERE / "requirements.txt").read_bytes() + sys.version.encode()
        return self.work / f"venv-{hashlib.sha256(wanted).hexdigest()[:12]}"

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.venv / "bin" / "python")

    def install(self) -> None:
        """Make the environment unless a whole one is there."""
        done = self.venv / "complete"
        if done.exists():
            return
        shutil.rmtree(self.venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(self.venv)], check=True)
        pip = [self.python, "-m", "pip", "install", "--quiet", "-r", str(HERE / "requirements.txt")]
        subprocess.run(pip, check=True, stdout=sys.stderr)
        done.touch()

    def environment(self) -> dict[str, str]:
        """The project and the data module are importable."""
        path = os.pathsep.join((str(self.project), str(ROOT)))
        own = {"SEED_HOME": str(self.home), "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        own |= {"DJANGO_SETTINGS_MODULE": "config.settings", "SEED_LISTS": self.lists}
        return {**super().environment(), **own}

    def load(self) -> None:
        """Copy a database loaded before from the same sources, or load one."""
        app = self.project / "campus"
        rooms = (app / "migrations", app / "management")
        parts = [HERE / "data.py", *(part for room in rooms for part in sorted(room.rglob("*.py")))]
        sources = b"".join(part.read_bytes() for part in parts)
        stored = self.work / f"loaded-{self.campus.name}-{hashlib.sha256(sources).hexdigest()[:12]}"
        if not stored.exists():
            shutil.rmtree(self.home, ignore_errors=True)
            self.home.mkdir(parents=True)
            self._manage("migrate", "-v0")
            self._manage("load_campus", self.campus.name)
            self.home.rename(stored)
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(stored, self.home)

    def _manage(self, *words: str) -> None:
        command = [self.python, str(self.project / "manage.py"), *words]
        subprocess.run(command, env=self.environment(), check=True, stdout=sys.stderr)

    def command(self) -> list[str]:
        """Two workers of four threads, connections kept."""
        return [
            self.python,
            *("-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{self.port}"),
            *("--workers", "2", "--worker-class", "gthread", "--threads", "4"),
            *("--keep-alive", "75", "--timeout", "120", "--no-control-socket"),
        ]

    def versions(self) -> dict[str, str]:
        """Of the interpreter and the packages asked for."""
        names = [
            line.partition(">")[0].strip().lower()
            for line in (HERE / "requirements.txt").read_text().splitlines()
        ]
        return {**installed(self.python, names), "lists by": self.lists}


class Campuscore(Peer):
    """`campuscore serve` of the environment that runs the benchmark."""

    name = "campuscore"
    title = "campuscore"
    script = Path(sys.executable).parent / "campuscore"

    @classmethod
    def available(cls) -> bool:
        """Whether the command is installed beside the interpreter."""
        return cls.script.exists()

    def install(self) -> None:
        """Nothing: it is the package under test."""

    def environment(self) -> dict[str, str]:
        """The same without the caller's own settings of campuscore."""
        outer = ("CAMPUSCORE_", "SECRET_KEY", "DATABASE_URL", "DEBUG")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(outer)}
        return {**kept, **ADMIN}

    def load(self) -> None:
        """Fill a fresh home."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        load_campuscore(self.home, self.campus)

    def command(self) -> list[str]:
        """Two worker processes, as the seed."""
        serve = ["serve", "--home", str(self.home), "--port", str(self.port), "--workers", "2"]
        return [str(self.script), *serve]

    def versions(self) -> dict[str, str]:
        """Of the interpreter, the package and what its requests pass through."""
        names = "campuscore falcon sqlalchemy granian attrs cattrs msgspec pyjwt argon2-cffi"
        return installed(sys.executable, names.split())


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def installed(python: str, names: list[str]) -> dict[str, str]:
    """Versions of some packages in an environment; missing ones are left out."""
    code = (
        "import json, sqlite3, sys; from importlib import metadata\n"
        "found = {'python': sys.version.split()[0], 'sqlite': sqlite3.sqlite_version}\n"
        "for name in sys.argv[1:]:\n"
        "    try: found[name] = metadata.version(name)\n"
        "    except metadata.PackageNotFoundError: pass\n"
        "print(json.dumps(found))"
    )
    shown = subprocess.run([python, "-c", code, *names], capture_output=True, check=True)
    found: dict[str, str] = json.loads(shown.stdout)
    return found
