"""A real object store for tests: SeaweedFS on loopback, in a folder of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from campuscore.adapters.s3 import open_s3
from campuscore.adapters.s3.opening import Keys, Patience
from campuscore.errors import Unavailable
from campuscore.settings import Secret

BUCKET = "campus"
ACCESS_KEY, SECRET_KEY = "campus-access", "campus-secret-key"
PARTS = ("master", "volume", "filer", "s3")
_TRIES = 3
_PATIENCE = 60.0

# The end of its standard input, which comes with the end of the test process however that ends,
# stops the server; it leaves sockets behind that no option moves.
REAPER = """
folder=$1 ports=$2; shift 2
"$@" > "$folder/log" 2>&1 < /dev/null &
read -r _
kill -9 $! && wait $! 2> /dev/null
for port in $ports; do rm -f /tmp/seaweedfs-*-"$port".sock; done
rm -rf "$folder"
"""


@contextmanager
def serving(folder: Path) -> Generator[dict[str, str]]:
    """Run a server for as long as the block runs, and yield the settings that lead to it."""
    with ExitStack() as stack:
        for attempt in range(_TRIES):
            settings = stack.enter_context(_running(folder / str(attempt)))
            if settings:
                yield settings
                return
    raise RuntimeError("no object store could be started")


@contextmanager
def _running(folder: Path) -> Generator[dict[str, str]]:
    folder.mkdir()
    ports = _free_ports(2 * len(PARTS))
    every = " ".join(map(str, ports))
    reaper = subprocess.Popen(
        ["sh", "-c", REAPER, "reaper", str(folder), every, *_command(folder, ports)],
        stdin=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "GOMEMLIMIT": "256MiB"},
    )
    try:
        settings = {
            "CAMPUSCORE_BLOB_URL": f"s3://{BUCKET}",
            "CAMPUSCORE_S3_ENDPOINT": f"http://127.0.0.1:{ports[3]}",
            "CAMPUSCORE_S3_REGION": "us-east-1",
            "CAMPUSCORE_S3_ACCESS_KEY": ACCESS_KEY,
            "CAMPUSCORE_S3_SECRET_KEY": SECRET_KEY,
        }
        yield settings if _answers(settings, folder / "log") else {}
    finally:
        assert reaper.stdin
        reaper.stdin.close()
        reaper.wait()


def _command(folder: Path, ports: list[int]) -> list[str]:
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if not weed:
        raise RuntimeError("there is no 'weed': install campuscore[test]")
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    numbers = zip(PARTS, ports[: len(PARTS)], ports[len(PARTS) :], strict=True)
    listening = [
        option
        for name, http, grpc in numbers
        for option in (f"-{name}.port={http}", f"-{name}.port.grpc={grpc}")
    ]
    return [
        *(weed, "-logtostderr=true", "server", f"-dir={folder}", "-filer", "-s3", *listening),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"),
        *("-master.volumeSizeLimitMB=256", "-volume.max=20", f"-s3.config={config}"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-filer.localSocket={folder / 'filer'}", f"-s3.localSocket={folder / 's3'}"),
    ]


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _answers(settings: dict[str, str], log: Path) -> bool:
    """Wait until a blob can be put, which makes the bucket; false where a port was taken."""
    keys = Keys(Secret(ACCESS_KEY), Secret(SECRET_KEY))
    patience = Patience(tries=0, silence=timedelta(seconds=5))
    blobs = open_s3(
        f"s3://{BUCKET}/probe",
        endpoint=settings["CAMPUSCORE_S3_ENDPOINT"],
        keys=keys,
        patience=patience,
    )
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            with blobs.draft([b"probe"], 5) as draft:
                draft.keep()
        except Unavailable:
            if log.exists() and "bind: address already in use" in log.read_text(errors="replace"):
                return False
            time.sleep(0.05)
        else:
            return True
    return False
