"""An independent reader of the simple API finds nothing to object to, on every page."""

from __future__ import annotations

import warnings

import pytest
from pypi_simple import ACCEPT_HTML_ONLY, ACCEPT_JSON_ONLY, PyPISimple

from .dists import sdist, wheel


@pytest.fixture(scope="module")
def filled(index):
    """Publish projects with everything that pages show."""
    from campuscore.domain.packages import NewUpload

    dists = [
        wheel("reader", "1.0", "Requires-Python: >=3.9, <4", "Author: <b>Ж & Co</b>"),
        sdist("reader", "1.0"),
        wheel("reader", "1.1rc1"),
        sdist("reader", "2.0+local.7"),
        wheel("Reader_Two", "0.1"),
    ]
    with index.campus() as campus:
        for dist in dists:
            new = NewUpload(filename=dist.filename)
            campus.packages.upload(campus.operator, new, [dist.data])
        yank = campus.packages.yank
        yank(campus.operator, "reader", "1.0", filename=dists[1].filename, reason='"<&>" Ж')
        yank(campus.operator, "reader", "1.1rc1")
        return {dist.filename: dist for dist in dists}


def pages_of(index, accept):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with PyPISimple(index.simple, accept=accept) as client:
            listed = client.get_index_page()
            return listed, [client.get_project_page(name) for name in listed.projects]


def shown(package):
    return (
        package.filename,
        package.project,
        package.version,
        package.package_type,
        package.url,
        package.digests,
        package.requires_python,
        package.is_yanked,
        package.yanked_reason or None,
        bool(package.has_metadata),
        package.metadata_digests,
    )


def test_html_and_json_say_the_same(index, filled):
    listed_html, html = pages_of(index, ACCEPT_HTML_ONLY)
    listed_json, found = pages_of(index, ACCEPT_JSON_ONLY)
    assert listed_html.projects == listed_json.projects
    assert {"reader", "Reader_Two"} <= set(listed_json.projects)
    assert {page.repository_version for page in (*html, *found)} == {"1.4"}
    for one, other in zip(html, found, strict=True):
        assert [shown(each) for each in one.packages] == [shown(each) for each in other.packages]
    rows = {each.filename: each for page in found for each in page.packages}
    assert set(filled) <= set(rows)
    assert all(rows[name].digests == {"sha256": filled[name].sha256} for name in filled)
    assert all(row.size and row.upload_time for row in rows.values())
    assert rows[sdist("reader", "1.0").filename].yanked_reason == '"<&>" Ж'
    versions = next(page.versions for page in found if page.project == "reader")
    assert versions == ["1.0", "1.1rc1", "2.0+local.7"]


def test_files_and_metadata_are_what_pages_promise(index, filled, tmp_path):
    with PyPISimple(index.simple) as client:
        for project in ("reader", "reader-two"):
            for package in client.get_project_page(project).packages:
                client.download_package(package, tmp_path / package.filename)
                data = (tmp_path / package.filename).read_bytes()
                assert data == filled[package.filename].data
                if package.has_metadata:
                    text = client.get_package_metadata(package)
                    assert f"Version: {package.version}\n" in text
