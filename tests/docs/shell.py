"""A bash with a terminal, into which a page's blocks are typed one after another."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sysconfig
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, field

__all__ = ["Shell", "shell"]

_ROOT = Path(__file__).parents[2]
_DONE = "\x1e"
_PATIENCE = 300.0
_CHOSEN = "correct battery staple"
_ASKED = re.compile(
    r"^(Token|One-time password|Bob's password|Password|Repeat for confirmation): \Z", re.MULTILINE
)
_SHOWN = {"Token": r"^token +(\S+)", "One-time password": r"^  One-time password: +(\S+)"}
_FOREIGN = ("CAMPUSCORE_", "PIP_", "TWINE_", "PYTHON", "VIRTUAL_ENV", "XDG_")
_FOREIGN_NAMES = {"DATABASE_URL", "DEBUG", "SECRET_KEY"}
_PLACES = ("etc/cron.d", "etc/nginx/conf.d", "etc/systemd/system", "opt", "run/secrets", "srv")
_PLACES += ("tmp", "usr/local/bin", "usr/local/src", "var/backups", "var/lib", "var/tmp")


@define
class Shell:
    """A session; ``run`` returns what a block printed."""

    folder: Path
    bash: subprocess.Popen[bytes]
    terminal: int
    blocks: int
    decode: Callable[[bytes], str] = field(factory=lambda: getincrementaldecoder("utf-8")().decode)
    said: str = ""
    answered: int = 0
    count: int = 0

    def run(self, text: str) -> str:
        """Run a block to its end, and fail where a command in it does."""
        self.count += 1
        path = self.folder / f"block{self.count}.sh"
        path.write_text(text, encoding="utf-8")
        begin, give_up = len(self.said), time.monotonic() + _PATIENCE
        os.write(self.blocks, f"{path}\n".encode())
        while not self.said.endswith(_DONE, begin):
            if not self._listen(give_up):
                pytest.fail(f"a command failed in\n{text}\nIt printed\n{self.said[begin:]}")
        self.said = self.said.removesuffix(_DONE)
        return self.said[begin:]

    def end(self) -> None:
        """Let the session end, with all that it has started."""
        os.close(self.blocks)
        give_up = time.monotonic() + _PATIENCE
        while self._listen(give_up):
            pass
        assert self.bash.wait(_PATIENCE) == 0, self.said

    def _listen(self, give_up: float) -> bool:
        """Take in what is printed, and answer what is asked; return whether there can be more."""
        left = max(0.0, give_up - time.monotonic())
        if not select.select([self.terminal], [], [], left)[0] or not left:
            pytest.fail(f"it does not end; it printed\n{self.said}")
        try:
            more = os.read(self.terminal, 65536)
        except OSError:  # the other end is closed
            return False
        self.said += self.decode(more).replace("\r", "")
        asked = _ASKED.search(self.said, self.answered)
        if asked:
            shown = re.findall(_SHOWN.get(asked[1], r"(?!)"), self.said, re.MULTILINE)
            os.write(self.terminal, f"{[_CHOSEN, *shown][-1]}\n".encode())
            self.answered = len(self.said)
        return True


def _environment(folder: Path, port: int) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and name not in _FOREIGN_NAMES
        if not name.lower().endswith("_proxy")
    }
    scripts = sysconfig.get_path("scripts")
    return kept | {
        "ROOT": str(_ROOT),
        "MACHINE": str(folder / "machine"),
        "PORT": str(port),
        "SCRIPTS": scripts,
        "PACKAGES": sysconfig.get_path("purelib"),
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "TZ": "Europe/Moscow",  # as the campus of the pages
        "TERM": "dumb",
        "COLUMNS": "200",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # which means that there is none: build tools are here
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


@contextmanager
def shell(folder: Path, port: int) -> Iterator[Shell]:
    """Start a session in ``folder/here``, and end it with all that it started."""
    for place in ("here", "home", *(f"machine/{place}" for place in _PLACES)):
        (folder / place).mkdir(parents=True)
    (folder / "home" / ".curlrc").write_text("fail-with-body\n")  # a refusal is a failure
    terminal, other = pty.openpty()
    modes = termios.tcgetattr(other)
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(other, termios.TCSANOW, modes)
    reading, writing = os.pipe()
    bash = subprocess.Popen(
        ["bash", Path(__file__).with_name("session.sh"), str(reading)],
        cwd=folder / "here",
        env=_environment(folder, port),
        stdin=other,
        stdout=other,
        stderr=other,
        pass_fds=(reading,),
        start_new_session=True,
    )
    os.close(other)
    os.close(reading)
    session = Shell(folder, bash, terminal, writing)
    try:
        yield session
        session.end()
    finally:
        if bash.poll() is None:
            os.killpg(bash.pid, signal.SIGKILL)
            bash.wait()
        os.close(terminal)
