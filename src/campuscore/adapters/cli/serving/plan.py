"""What is to be served and where, and what is refused before anything is opened."""

from __future__ import annotations

import ipaddress
import os
import socket

from attrs import evolve, frozen

from campuscore.bootstrap import processors
from campuscore.errors import Misconfigured, Unavailable
from campuscore.settings import Settings

__all__ = ["ServePlan"]


@frozen(kw_only=True)
class ServePlan:
    """Where to listen, and with how many processes and threads."""

    settings: Settings
    host: str
    port: int
    workers: int
    threads: int
    access_log: bool = False
    demo: bool = False

    @property
    def in_memory(self) -> bool:
        """Say whether the records live in the one process that serves."""
        return self.settings.database.startswith("memory:")

    @property
    def worker_settings(self) -> Settings:
        """What each worker is set to: all together hash one password for each processor."""
        settings = self.settings
        slots = settings.password_slots or max(processors() // self.workers, 1)
        return evolve(settings, password_slots=slots)

    @property
    def url(self) -> str:
        """The address as browsers take it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    @property
    def loopback(self) -> bool:
        """Say whether nobody but this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def check(self) -> None:
        """Raise Misconfigured where this is unsafe or cannot work."""
        if self.settings.debug and not self.loopback:
            text = f"debug: refuses to listen on {self.host}, which is not loopback"
            raise Misconfigured(text, code="debug_not_loopback")
        if self.in_memory and self.workers > 1:
            text = "database_url: memory:// lives in one process; serve it with --workers 1"
            raise Misconfigured(text, code="memory_not_shared")

    def check_port(self) -> None:
        """Try the port as a program that shares it with nobody, or raise Unavailable.

        Workers share theirs (SO_REUSEPORT), and would so with any other server of the same account.
        """
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            socket.create_server((self.host, self.port), family=family).close()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            text = f"cannot listen on {self.host}, port {self.port}: {reason}"
            raise Unavailable(text, code="port_unavailable") from error
