"""The Dockerfile's own commands, run in a folder that stands for the image's root."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import free_port

pytestmark = pytest.mark.proxy

ROOT = Path(__file__).parents[2]
FOLDERS = ("/opt/", "/src", "/var/lib/")


def instructions():
    """Return the name and the rest of each instruction."""
    text = (ROOT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def within(image, text):
    """Put the image's paths below the folder."""
    pattern = "|".join(map(re.escape, FOLDERS))
    return re.sub(rf"(?<![\w/.])(?={pattern})", str(image), text)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """Build both stages into one folder: the second one copies from the first under equal names."""
    image = tmp_path_factory.mktemp("image")
    here = image / "src"
    paths = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    for name, rest in instructions():
        if name == "COPY" and "--from" not in rest:
            *sources, target = rest.split()
            for source in sources:
                copy(ROOT / source, here / target / source if target == "./" else here / target)
        if name == "RUN":
            done = subprocess.run(
                ["/bin/sh", "-c", within(image, rest)],
                cwd=here,
                env={**os.environ, "PATH": paths},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{rest}\n{done.stdout}\n{done.stderr}"
    return image


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def only(name):
    (found,) = (rest for each, rest in instructions() if each == name)
    return found


def test_the_image_is_small_and_not_root():
    stages = [rest for name, rest in instructions() if name == "FROM"]

    assert len(stages) == 2
    assert stages[0].endswith(" AS build")
    assert int(only("USER").partition(":")[0]) > 0


def test_what_is_built_serves_and_is_healthy(image, tmp_path):
    port, home = free_port(), image / "var/lib/campuscore"
    assert home.is_dir()
    program = json.loads(within(image, only("ENTRYPOINT")))
    words = [word if word != "8000" else str(port) for word in json.loads(only("CMD"))]
    environ = dict(pair.split("=") for pair in shlex.split(within(image, only("ENV"))))
    check = json.loads(within(image, only("HEALTHCHECK").partition("CMD ")[2]))
    assert "127.0.0.1:8000/readyz" in check[-1]
    check[-1] = check[-1].replace("8000", str(port))
    assert subprocess.run(check, capture_output=True, check=False).returncode == 1

    kept = {"PATH": os.environ["PATH"], **environ}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([*program, *words], cwd=home, env=kept, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while subprocess.run(check, capture_output=True, check=False).returncode:
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < end
    finally:
        server.terminate()
        assert server.wait(30) == 0
    assert (home / "campus.db").exists()
