"""The site takes in what its pages link to, and what leads nowhere in it is found."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "make_site.py"


@pytest.fixture(scope="module")
def make_site():
    spec = importlib.util.spec_from_file_location("make_site", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_files_outside_of_the_documents_come_along(make_site, tmp_path):
    make_site.stage(tmp_path)
    page = (tmp_path / "how-to" / "run-behind-nginx.md").read_text(encoding="utf-8")

    assert "(../project/deploy/nginx.conf)" in page
    assert (tmp_path / "project" / "deploy" / "nginx.conf").is_file()
    assert "(../index.md)" in (tmp_path / "project" / "about.md").read_text(encoding="utf-8")
    assert list(tmp_path.rglob("*.py")) == []


@pytest.mark.parametrize(
    "link", ["b/", "./b/index.html#there", "/b/", "#here", "x%20y.txt", "https://example.org/", ""]
)
def test_a_link_that_leads_somewhere(make_site, tmp_path, link):
    assert make_site.broken(site(tmp_path, link)) == []


@pytest.mark.parametrize(
    "link", ["c/", "b/#nowhere", "#there", "../outside.txt", "x.txt", "/c.css", "b/c.png"]
)
def test_a_link_that_leads_nowhere(make_site, tmp_path, link):
    assert make_site.broken(site(tmp_path, link)) == [f"index.html: {link}"]


def site(folder, link):
    """Make a site whose first page has the link."""
    (folder / "outside.txt").touch()
    (folder / "site" / "b").mkdir(parents=True)
    (folder / "site" / "x y.txt").touch()
    first = f'<h1 id="here">A</h1><a href="{link}">to</a>'
    (folder / "site" / "index.html").write_text(first, encoding="utf-8")
    (folder / "site" / "b" / "index.html").write_text('<h1 id="there">B</h1>', encoding="utf-8")
    return folder / "site"
