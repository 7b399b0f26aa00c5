"""What lies in deploy/ can be read, names what exists, and agrees with itself."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
from configparser import ConfigParser
from pathlib import Path

import click
import pytest
import yaml
from attrs import fields

from campuscore import Settings
from campuscore.adapters.cli.main import main
from campuscore.adapters.http.routes import ROUTES
from campuscore.errors import Misconfigured
from campuscore.settings import variables

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file()]
TEXTS = [path for path in FILES if "secrets" not in path.relative_to(DEPLOY).parts]
YAML = [path for path in TEXTS if path.suffix == ".yaml"]
UNITS = [path for path in TEXTS if path.suffix == ".service"]


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def load(name):
    (found,) = yaml.safe_load_all((DEPLOY / name).read_text("utf-8"))
    return found


def understood(words):
    """Fail when the command line does not take these words."""
    command, words = main, list(words)
    context = click.Context(main, info_name="campuscore")
    while isinstance(command, click.Group):
        context = command.make_context(command.name, words, parent=context)
        name, command, words = command.resolve_command(context, context._protected_args)
        words = [*words, *context.args]
    command.make_context(name, words, parent=context)


@pytest.fixture(autouse=True)
def _any_path(monkeypatch):
    monkeypatch.setattr(click.Path, "convert", lambda self, value, param, ctx: value)


def test_there_are_files_of_each_kind():
    assert len(YAML) >= 7
    assert [path.stem for path in UNITS] == ["campuscore-worker", "campuscore"]


@pytest.mark.parametrize("path", YAML, ids=name_of)
def test_yaml_can_be_read(path):
    documents = list(yaml.safe_load_all(path.read_text("utf-8")))

    assert documents
    assert all(isinstance(document, dict) for document in documents)


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_every_variable_is_a_setting(path):
    known = {name for item in fields(Settings) for name in variables(item)}
    known |= {f"{name}_FILE" for name in known}
    shown = set(re.findall(r"\bCAMPUSCORE_[A-Z0-9_]+\b", path.read_text("utf-8")))
    # Shortened in a comment: CAMPUSCORE_MAX_BODY, _MAX_UPLOAD.
    assert shown <= known


@pytest.mark.parametrize("path", UNITS, ids=name_of)
def test_units_start_commands_that_exist(path):
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(path, "utf-8")
    program, *words = shlex.split(unit["Service"]["ExecStart"])

    assert program == "/opt/campuscore/bin/campuscore"
    understood(words)
    assert unit["Service"]["User"] == "campuscore"
    for name in ("NoNewPrivileges", "PrivateTmp", "ProtectHome", "RestrictNamespaces"):
        assert unit["Service"][name] == "yes"


def test_the_units_are_hardened_alike():
    lines = [set(path.read_text("utf-8").splitlines()[2:]) for path in UNITS]
    differing = {line.partition("=")[0] for line in lines[0] ^ lines[1]}

    assert differing == {"Description", "ExecStart", "LimitNOFILE"}


def test_compose_names_what_it_defines():
    compose = load("compose.yaml")
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        volumes = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert volumes <= set(compose["volumes"])
        for name, needed in service.get("depends_on", {}).items():
            healthy = needed["condition"] == "service_healthy"
            assert ("healthcheck" in services[name]) == healthy
        files = [v for k, v in service.get("environment", {}).items() if k.endswith("_FILE")]
        named = {file.removeprefix("/run/secrets/") for file in files}
        assert named <= set(service.get("secrets", ()))
    assert (DEPLOY / services["server"]["build"]["context"]).resolve() == ROOT
    assert (ROOT / services["server"]["build"]["dockerfile"]).exists()


def test_compose_has_its_secrets_made(tmp_path):
    script = DEPLOY / "make-secrets"
    assert os.access(script, os.X_OK)
    folder = tmp_path / "secrets"
    for _ in range(2):
        subprocess.run([script, folder], check=True, capture_output=True)
        made = {path.name: path.read_text() for path in folder.iterdir()}
    subprocess.run([script, folder], check=True, capture_output=True)

    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    assert set(made) == set(load("compose.yaml")["secrets"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(set(made.values())) == len(made)
    settings = Settings.from_env(
        {f"CAMPUSCORE_{name.upper()}_FILE": str(folder / name) for name in made}
    )
    assert len(settings.secret_key.reveal) == 48
    assert settings.database_url == made["database_url"]
    assert made["database_password"] in made["database_url"]
    assert re.fullmatch(r"[A-Za-z0-9_-]+", made["database_password"])


@pytest.fixture(scope="module")
def kinds():
    return {
        found["kind"]: found
        for path in YAML
        if path.parent.name == "kubernetes" and path.stem != "kustomization"
        for found in yaml.safe_load_all(path.read_text("utf-8"))
    }


def test_kubernetes_is_whole(kinds):
    listed = load("kubernetes/kustomization.yaml")["resources"]
    there = {path.name for path in YAML if path.parent.name == "kubernetes"}

    assert set(listed) == there - {"kustomization.yaml"}
    assert set(kinds) == {
        "ConfigMap",
        "Deployment",
        "PersistentVolumeClaim",
        "Secret",
        "Service",
    }
    assert {found["metadata"]["name"] for found in kinds.values()} == {"campuscore"}


def test_kubernetes_agrees_with_itself(kinds):
    spec = kinds["Deployment"]["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    labels = spec["template"]["metadata"]["labels"]

    assert spec["selector"]["matchLabels"] == labels == kinds["Service"]["spec"]["selector"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
    understood(container["args"])
    served = container["args"][container["args"].index("--port") + 1]
    assert container["ports"] == [{"name": "http", "containerPort": int(served)}]
    assert kinds["Service"]["spec"]["ports"][0]["targetPort"] == "http"
    paths = {route.path for route in ROUTES if not route.action}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in paths
        assert container[probe]["httpGet"]["port"] == "http"
    files = {k: v for k, v in kinds["ConfigMap"]["data"].items() if k.endswith("_FILE")}
    assert files
    for file in files.values():
        folder, name = os.path.split(file)
        assert folder == mounts["secrets"]
        assert name in kinds["Secret"]["stringData"]


def test_kubernetes_settings_are_taken_and_the_secret_refused_until_it_is_changed(kinds):
    data = kinds["ConfigMap"]["data"]
    plain = {k: v for k, v in data.items() if not k.endswith("_FILE")}

    assert Settings.from_env(plain).trusted_proxies
    with pytest.raises(Misconfigured, match="secret_key"):
        Settings.from_env({"SECRET_KEY": kinds["Secret"]["stringData"]["secret-key"]})


def test_one_server_holds_the_volume(kinds):
    spec = kinds["Deployment"]["spec"]

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
