"""Start each server on a free port, and ask whether it is ready: ``python smoke.py``."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
HOST = "127.0.0.1"
PATIENCE = 60


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server((HOST, 0)) as found:
        return int(found.getsockname()[1])


def ask(port: int, server: subprocess.Popen[bytes]) -> object:
    """Ask until there is an answer, or the server has ended, or it takes too long."""
    give_up = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < give_up:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=5) as answer:
                return json.load(answer)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)  # a server that starts tells nobody when it is done
    return f"no answer; exit code {server.poll()}"


def check(script: Path) -> bool:
    """Run a script with a campus in a temporary folder, and say whether it answers."""
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        environ = {**os.environ, "CAMPUSCORE_HOME": home}
        command = ["bash", str(script), HOST, str(port)]
        with subprocess.Popen(command, env=environ, start_new_session=True) as server:
            try:
                said = ask(port, server)
            finally:
                server.send_signal(signal.SIGTERM)
                try:
                    server.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(server.pid, signal.SIGKILL)
    print(f"{script.name}: {said}")
    return said == {"status": "ready"}


if __name__ == "__main__":
    answers = [check(script) for script in sorted(HERE.glob("*.sh"))]
    sys.exit(0 if answers and all(answers) else 1)
