"""Every shell block of the README and the documents runs, or says here why it cannot.

The blocks of a page are one session, in the order of the page and with its Python examples in
between. What an ``output`` block shows is in what the block before it printed.
"""

from __future__ import annotations

import re
import socket
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from .shell import shell

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
BLOCK = re.compile(r"^ *```bash\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```(.*)$", re.MULTILINE)
DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")

CLIENTS = "tests/index/test_documented.py runs it"

# Blocks that do not run here, by a line of theirs that no other block of the page has.
ELSEWHERE = {
    "README.md": {
        "python3 -m venv .venv": ".ci/run runs it",
        "python3 -m venv .venv-test": ".ci/run runs it",
    },
    "docs/explanation/performance.md": {
        "python -m benchmarks.campus --size S": "takes long; nox -s bench runs it",
    },
    "docs/how-to/deploy-with-serve.md": {
        "docker build --file deploy/Dockerfile --tag campuscore .": "needs Docker; "
        "tests/proxy/test_image.py runs the image",
        "deploy/make-secrets": "needs Docker; tests/deploy runs make-secrets and reads the rest",
        "kubectl apply --kustomize deploy/kubernetes": "needs a cluster; tests/deploy reads it",
    },
    "docs/how-to/package-index.md": {
        'twine upload --repository-url http://127.0.0.1:8000/legacy/ -u __token__ -p "$TOKEN" '
        "dist/*": CLIENTS,
        'uv publish --publish-url http://127.0.0.1:8000/legacy/ --token "$TOKEN" --check-url '
        "http://127.0.0.1:8000/simple/": CLIENTS,
        "uv pip install --index-url http://127.0.0.1:8000/simple/ demo-lab": CLIENTS,
    },
    "docs/how-to/run-behind-nginx.md": {
        "apt-get install --yes nginx": "changes the machine; tests/proxy runs the configuration",
        "curl -sI https://campus.example.org/simple | grep -i location": "needs a name; "
        "tests/proxy asks nginx the same",
    },
    "docs/tutorial/deploy-on-one-machine.md": {
        "apt-get update": "changes the machine",
        'journalctl --unit campuscore | grep -A 1 "First administrator"': "needs systemd",
        "nginx -t && systemctl reload nginx": "needs a name; tests/proxy runs the configuration",
        "git pull": "needs a newer release",
    },
}

CONFIGURED = """
echo 'home = "/var/lib/campuscore"' > /etc/campuscore.toml
campuscore --config /etc/campuscore.toml users create admin --role admin
"""

PROJECT = """
mkdir demo-lab
cat > demo-lab/pyproject.toml <<'TOML'
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "demo-lab"
version = "1.0"
requires-python = ">=3.11"
TOML
touch demo-lab/demo_lab.py
(cd demo-lab; python -m hatchling build --directory ../dist)
"""

DJANGO = """
mkdir old other
cp dist/*.whl old/made.whl
cp dist/*.whl other/made.whl
python "$ROOT/tests/django/old_campus.py" old
mv old/old.db old/db.sqlite3
"""

# What a reader has before a block, other than by the page; blocks are named by their first line.
GIVEN = {
    "docs/explanation/attendance-days.md": {
        "campuscore attendance rebuild": "campuscore users create bob",
    },
    "docs/how-to/passwords.md": {
        "campuscore passwords pack pwned-passwords-sha1.txt "
        "/var/lib/campuscore/breached.words --least-count 10": """
echo 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10 > pwned-passwords-sha1.txt
mkdir --parents /var/lib/campuscore
""",
        "campuscore passwords rewrap": "campuscore users create bob",
        "systemctl stop campuscore": CONFIGURED + "systemctl start campuscore",
        "campuscore keys rotate --fresh": """
export CAMPUSCORE_HOME=/var/lib/campuscore
export CAMPUSCORE_OLD_SECRET_KEYS_FILE=/var/lib/campuscore/secret.key.old
systemctl start campuscore
""",
    },
    "docs/how-to/read-the-audit.md": {
        "campuscore audit list --from 2026-09-01 --outcome refused": "campuscore users create bob",
    },
    "docs/how-to/rotate-keys.md": {
        "campuscore keys rotate": "campuscore users create bob",
        "campuscore keys rotate --fresh        # a key that was not published before": """
first='import json, sys; print(json.load(sys.stdin)[0]["id"])'
KEY=$(campuscore --json keys list | python -c "$first")
""",
    },
    "docs/how-to/back-up-and-restore.md": {
        "campuscore --config /etc/campuscore.toml db backup "
        '"/var/backups/campus-$(date +%F).tar.gz"': CONFIGURED,
        "campuscore --home /var/lib/campuscore db restore "
        "/var/backups/campus-2026-09-01.tar.gz": """
mv /var/backups/campus-*.tar.gz /var/backups/campus-2026-09-01.tar.gz
rm -r /var/lib/campuscore
""",
        "systemctl stop campuscore": "systemctl start campuscore",
    },
    "docs/how-to/come-from-the-seed.md": {
        "campuscore --home campus-home import-django old/db.sqlite3 --media old/media --dry-run": (
            PROJECT + DJANGO
        ),
        "DJANGO_DATABASE_URL=postgresql://old@db.example.org/campus "
        "campuscore import-django --dry-run": """
export DJANGO_DATABASE_URL=postgresql://old@db.example.org/campus
python "$ROOT/tests/django/old_campus.py" other "$DJANGO_DATABASE_URL"
""",
        "campuscore import-django old/db.sqlite3 --table users=people --table attendance=visits "
        "--table schedule=": """
unset DJANGO_DATABASE_URL
python - <<'PYTHON'
import sqlite3
with sqlite3.connect("old/db.sqlite3") as old:
    old.execute("ALTER TABLE campus_user RENAME TO people")
    old.execute("ALTER TABLE campus_attendancelog RENAME TO visits")
PYTHON
""",
    },
    "docs/how-to/deploy-with-serve.md": {
        "useradd --system --create-home --home-dir /var/lib/campuscore campuscore": (
            'cp -r "$ROOT/deploy" .'
        ),
        '/opt/campuscore/bin/pip install --upgrade "campuscore[all]"': (
            "unset CAMPUSCORE_DATABASE_URL_FILE"
        ),
        'pip install "campuscore[gunicorn]"': """
systemctl stop
rm -r /var/lib/campuscore
""",
    },
    "docs/how-to/import-a-roster.md": {
        "campuscore users import roster/ --dry-run": (
            'cp -r "$ROOT/tests/data/roster-sds1-100" roster'
        ),
    },
    "docs/how-to/package-index.md": {
        "campuscore tokens create ada publisher --scope packages.upload": (
            "campuscore users create ada --role teacher"
        ),
        "campuscore packages upload dist/demo_lab-1.0-py3-none-any.whl dist/demo_lab-1.0.tar.gz": (
            PROJECT
        ),
    },
    "docs/how-to/reset-the-administrator.md": {
        "campuscore --config /etc/campuscore.toml users passwd admin": CONFIGURED,
        "campuscore --config /etc/campuscore.toml users passwd admin --password-stdin "
        "< password.txt": 'echo "a better pass phrase" > password.txt',
    },
    "docs/how-to/script-with-the-cli.md": {
        "export CAMPUSCORE_HOME=/var/lib/campuscore": CONFIGURED,
        "campuscore users create ada --role teacher --first-name Ada --last-name Lovelace "
        "--password-prompt": """
campuscore users create bob
echo "correct battery staple" > /run/secrets/bob
""",
        "campuscore users import /srv/rosters/today --source registry --dry-run": """
mkdir /srv/rosters
cp -r "$ROOT/tests/data/roster-sds1-100" /srv/rosters/today
""",
        "campuscore attendance check-in bob": 'echo "%PDF-1.7" > note.pdf',
    },
    "docs/tutorial/deploy-on-one-machine.md": {
        "cd /usr/local/src/campuscore": """
mkdir /usr/local/src/campuscore
cp -r "$ROOT/deploy" /usr/local/src/campuscore
""",
    },
}

# What is another thing here than it is for a reader.
HERE = (
    (r"\b(127\.0\.0\.1|localhost):8000\b", r"\g<1>:{port}"),
    (r"(?<![\w.:/\\])/(?=(?:etc|opt|run|srv|tmp|usr/local|var)\b)", "{machine}/"),
    (r"\brunuser -u campuscore -- |-o campuscore -g campuscore ", ""),
    (r'^(\S*)pip install .*"(?:\.|campuscore)\[.*$', r"have \g<1>"),
    (r"^(?=(?:\w+=\S+ )*(?:gunicorn |campuscore .*(?:\bserve\b|--follow$)))", "keep "),
)


def blocks_of(text):
    """Return the shell blocks of a page, those of numbered steps as well."""
    return [dedent(block) for block in BLOCK.findall(text)]


def runs(page, block):
    """Return whether a block of a page runs here."""
    return not set(block.splitlines()) & ELSEWHERE.get(page, {}).keys()


def given(page, block):
    """Return the commands before a block."""
    text = GIVEN.get(page, {}).get(block.splitlines()[0], "")
    return f"{text}\n" if text else ""


def marks(page):
    needs = [block for block in blocks_of(PAGES[page]) if runs(page, block)]
    return [pytest.mark.curl] if re.search(r"\b(?:curl|jq) ", "".join(needs)) else []


RUN = [
    pytest.param(page, marks=marks(page), id=page)
    for page, text in PAGES.items()
    if any(runs(page, block) for block in blocks_of(text))
]


@pytest.fixture
def port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def here(tmp_path, port, request):
    """Return a function that says what a block says for this machine."""

    made = {}

    def database(found):
        if found[0] not in made:
            made[found[0]] = request.getfixturevalue("databases").create()
        return made[found[0]]

    def translated(text):
        for pattern, other in HERE:
            filled = other.format(port=port, machine=tmp_path / "machine")
            text = re.sub(pattern, filled, text, flags=re.MULTILINE)
        return re.sub(r"postgresql://[^'\s]+", database, text)

    return translated


def plain(text):
    """Return a text with any date as DATE, and one space for white space."""
    return " ".join(DATE.sub("DATE", text).split())


def expected(text):
    """Return a pattern of what is shown: ``...`` is anything."""
    return re.escape(plain(text)).replace(re.escape("..."), ".*?")


@pytest.mark.parametrize("page", RUN)
def test_commands_of_a_page(page, tmp_path, port, here, monkeypatch):
    printed = []

    def run(session, example):
        if runs(page, example.parsed):
            printed.append(session.run(here(given(page, example.parsed) + example.parsed)))

    def compare(example):
        found = plain(printed[-1].replace(f":{port}/", ":8000/"))
        assert re.search(expected(example.parsed), found), found

    with shell(tmp_path, port) as session:
        monkeypatch.chdir(tmp_path / "here")
        parsers = (
            PythonCodeBlockParser(),
            CodeBlockParser("bash", partial(run, session)),
            CodeBlockParser("output", compare),
        )
        for example in Sybil(parsers=parsers).parse(ROOT / page).examples():
            example.evaluate()

    assert len(printed) == sum(runs(page, block) for block in blocks_of(PAGES[page]))


@pytest.mark.parametrize("page", PAGES)
def test_what_is_known_of_a_block_is_known_of_one(page):
    blocks = blocks_of(PAGES[page])
    for line in ELSEWHERE.get(page, {}):
        assert [line in block.splitlines() for block in blocks].count(True) == 1, line
    begins = [block.splitlines()[0] for block in blocks if runs(page, block)]
    for line in GIVEN.get(page, {}):
        assert begins.count(line) == 1, line


def test_only_pages_that_exist_are_known():
    assert {*ELSEWHERE, *GIVEN} <= {*PAGES}


@pytest.mark.parametrize("page", PAGES)
def test_shell_blocks_are_called_bash(page):
    languages = set(FENCE.findall(PAGES[page]))

    assert languages <= {"", "bash", "ini", "json", "output", "python", "sql", "text", "toml"}
