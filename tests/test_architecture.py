"""House style and layers, as far as a test can see them; import-linter sees the rest."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import attrs
import pytest

import campuscore
from campuscore.adapters.sql import tables
from campuscore.domain.attendance import Attachment, CheckIn
from campuscore.domain.audit import AuditRecord
from campuscore.domain.auth import ApiToken, Session
from campuscore.domain.events import Message
from campuscore.domain.groups import Group, Membership
from campuscore.domain.keys import SigningKey
from campuscore.domain.packages import DistFile, Project
from campuscore.domain.schedule import Room, ScheduleEntry, Term
from campuscore.domain.users import User, UserName

ROOT = Path(campuscore.__file__).parent
MODULES = {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.rglob("*.py"))}
MIGRATIONS = "adapters/sql/migrations/"

MOST_LINES = 350
LONGEST_FUNCTION = 40
MOST_COMPLEX = 8

OUTER = ("adapters/", "testing/", "__main__.py")
CORE_MAY_IMPORT = {"attrs", "packaging", "dateutil"}
MAY_READ_ENVIRONMENT = ("adapters/cli/", "adapters/http/wsgi.py")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def functions(name: str) -> list[Function]:
    return [node for node in ast.walk(tree(name)) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Count the lines of a function with its signature, and without its docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    first = function.body[0]
    return lines - ((first.end_lineno or 0) - first.lineno + 1)


def complexity(function: Function) -> int:
    """Count the ways through a function, as ruff's C901 does."""
    ways = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case, Function)
    nodes = list(ast.walk(function))
    elses = sum(isinstance(node, ast.Try) and bool(node.orelse) for node in nodes)
    return sum(isinstance(node, ways) for node in nodes) + elses


def imports(name: str) -> set[str]:
    """Return the dotted names that a module imports anywhere, in functions too."""
    found: set[str] = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
    return found


def test_the_package_is_found():
    assert {"__init__.py", "bootstrap.py", "services/policy.py", "domain/users.py"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_one_room(name):
    lines = len(MODULES[name].read_text(encoding="utf-8").splitlines())

    assert lines <= MOST_LINES, f"{name} has {lines} lines: make it a folder with named rooms"


@pytest.mark.parametrize("name", [n for n in MODULES if not n.startswith(MIGRATIONS)])
def test_functions_are_short_and_plain(name):
    long = {f.name: length(f) for f in functions(name) if length(f) > LONGEST_FUNCTION}
    complex_ = {f.name: complexity(f) for f in functions(name) if complexity(f) > MOST_COMPLEX}

    assert not long, f"{name}: lines of functions"
    assert not complex_, f"{name}: ways through functions"


@pytest.mark.parametrize("name", [n for n in MODULES if not n.startswith(MIGRATIONS)])
def test_a_module_says_what_it_exports(name):
    body = tree(name).body
    targets = [t for node in body if isinstance(node, ast.Assign) for t in node.targets]
    targets += [node.target for node in body if isinstance(node, ast.AnnAssign)]
    names = {target.id for target in targets if isinstance(target, ast.Name)}

    assert ast.get_docstring(tree(name))
    assert len(body) == 1 or "__all__" in names


@pytest.mark.parametrize("name", [n for n in MODULES if not n.startswith(MAY_READ_ENVIRONMENT)])
def test_only_the_edges_read_the_environment(name):
    readers = {"environ", "environb", "getenv", "getenvb"}
    used = {
        node.attr
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }
    imported = {
        alias.name
        for node in ast.walk(tree(name))
        if isinstance(node, ast.ImportFrom) and node.module == "os"
        for alias in node.names
    }

    assert not readers & (used | imported)


@pytest.mark.parametrize("name", [n for n in MODULES if not n.startswith(OUTER)])
def test_the_core_imports_no_framework(name):
    top = {imported.partition(".")[0] for imported in imports(name)}
    third_party = top - sys.stdlib_module_names - {"campuscore"}

    assert third_party <= CORE_MAY_IMPORT


@pytest.mark.parametrize("name", MODULES)
def test_rows_are_read_without_an_orm(name):
    assert not any(imported.startswith("sqlalchemy.orm") for imported in imports(name))


def opens_to_write(node: ast.AST) -> bool:
    """Say whether this is ``store.write`` or ``self.store.write``."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "write"
        and getattr(node.value, "attr", getattr(node.value, "id", "")) == "store"
    )


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith("services/")])
def test_use_cases_that_write_are_done_again_when_others_were_faster(name):
    writes = {f.name for f in functions(name) if any(map(opens_to_write, ast.walk(f)))}
    repeated = {
        function.name
        for function in functions(name)
        if any(isinstance(d, ast.Name) and d.id == "retrying" for d in function.decorator_list)
    }

    assert writes == repeated


def test_nothing_writes_but_services():
    outside = [n for n in MODULES if not n.startswith(("services/", "testing/", "adapters/sql/"))]
    writing = [name for name in outside if any(map(opens_to_write, ast.walk(tree(name))))]

    assert writing == []


def new_modules(code: str) -> set[str]:
    """Return the top-level third-party modules that code loads in a fresh interpreter."""
    report = (
        "import sys\nbefore = set(sys.modules)\n"
        f"{code}\n"
        "tops = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "tops -= set(sys.stdlib_module_names) | {'campuscore', '__mp_main__'}\n"
        "print('loaded', *sorted(tops))"
    )
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_importing_campuscore_loads_attrs_alone():
    assert new_modules("import campuscore") == {"attr", "attrs"}


def test_opening_a_campus_in_memory_loads_no_database_and_no_web_framework():
    loaded = new_modules(
        "import campuscore\ncampuscore.open_campus('memory://').close()",
    )

    assert not loaded & {"sqlalchemy", "alembic", "falcon", "click", "granian"}


def test_help_on_the_command_line_loads_little_more_than_click():
    loaded = new_modules(
        "import runpy\n"
        "sys.argv = ['campuscore', '--help']\n"
        "try:\n    runpy.run_module('campuscore', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code, end.code"
    )

    assert loaded <= {"attr", "attrs", "click"}


ENTITIES = [
    (tables.users, User),
    (tables.users, UserName),
    (tables.groups, Group),
    (tables.memberships, Membership),
    (tables.check_ins, CheckIn),
    (tables.attachments, Attachment),
    (tables.entries, ScheduleEntry),
    (tables.terms, Term),
    (tables.rooms, Room),
    (tables.sessions, Session),
    (tables.api_tokens, ApiToken),
    (tables.audit_records, AuditRecord),
    (tables.outbox, Message),
    (tables.projects, Project),
    (tables.dist_files, DistFile),
]

STORED_AS = {
    "user": "user_id",
    "group": "group_id",
    "parent": "parent_id",
    "term": "term_id",
    "room": "room_id",
    "project": "project_id",
    "owner": "owner_id",
    "actor": "actor_id",
    "session": "session_id",
    "uploader": "uploader_id",
    "timestamp": "at",
    "date": "day",
    "begin": "begin_day",
    "end": "end_day",
    "start": "start_second",
}
IN_THE_TIMETABLE = {**STORED_AS, "end": "end_second"}


@pytest.mark.parametrize(("table", "entity"), ENTITIES, ids=lambda part: getattr(part, "name", ""))
def test_columns_come_in_the_order_of_the_fields(table, entity):
    stored = IN_THE_TIMETABLE if entity is ScheduleEntry else STORED_AS
    names = [stored.get(field.name, field.name) for field in attrs.fields(entity)]

    assert list(table.c.keys())[: len(names)] == names


def test_every_entity_of_a_table_is_compared():
    bare = {
        "audit_heads",
        "blob_claims",
        "blob_names",
        "credentials",
        "day_rollups",
        "guardianships",
        "leases",
        "revisions",
        "roster_links",
        "signing_keys",  # compared below, by the columns that are selected
        "throttles",
    }

    assert {table.name for table, _ in ENTITIES} | bare == set(tables.METADATA.tables)


SELECTED = [
    ("users", "_WHOLE", User),
    ("users", "_NAME", UserName),
    ("auth", "_USER", User),
    ("auth", "_SESSION", Session),
    ("auth", "_TOKEN", ApiToken),
    ("keys", "_KEY", SigningKey),
    ("groups", "_COLUMNS", Group),
    ("groups", "_MEMBERSHIP", Membership),
    ("attendance", "_CHECK_IN", CheckIn),
    ("attendance", "_ATTACHMENT", Attachment),
    ("packages", "_FILE", DistFile),
]


@pytest.mark.parametrize(("module", "name", "entity"), SELECTED)
def test_repositories_select_as_many_columns_as_there_are_fields(module, name, entity):
    from importlib import import_module

    columns = getattr(import_module(f"campuscore.adapters.sql.{module}"), name)

    assert len(columns) == len(attrs.fields(entity))
    assert columns == tuple(columns[0].table.c)[: len(columns)]
