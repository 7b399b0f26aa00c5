"""Build the site into ``site/``, and check every link and anchor in it.

Pages link to files outside of ``docs/``: contributing, what is in ``deploy/``. Those are taken into
the site below ``project/``, so that it is whole wherever it lies.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import yaml

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(?<=\]\()[^)\s]+(?=\))")
LAST = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")


def place(file: Path) -> PurePosixPath:
    """Return where a file of the repository lies in the site's sources."""
    path = PurePosixPath(file.relative_to(ROOT).as_posix())
    if path.parts[0] == "docs":
        return path.relative_to("docs")
    # A page called README would be the index of its folder.
    return PurePosixPath("project", "about.md" if path.name == "README.md" else path)


def stage(folder: Path) -> None:
    """Copy the documents, and all that they link to, with links that fit."""
    waiting = [file for file in (ROOT / "docs").rglob("*") if file.suffix not in {".py", ".pyc"}]
    waiting += [ROOT / name for name in LAST]
    done = set()
    while waiting:
        file = waiting.pop()
        if file in done or not file.is_file():
            continue
        done.add(file)
        target = folder / place(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix != ".md":
            shutil.copyfile(file, target)
            continue

        def moved(found: re.Match[str], file: Path = file) -> str:
            path, mark, anchor = found[0].partition("#")
            linked = (file.parent / path).resolve()
            if "://" in path or not path or not linked.is_file():
                return found[0]
            waiting.append(linked)
            return os.path.relpath(place(linked), place(file).parent) + mark + anchor

        target.write_text(LINK.sub(moved, file.read_text(encoding="utf-8")), encoding="utf-8")


def build(site: Path) -> None:
    """Build the site with Zensical from a copy."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        stage(work / "docs")
        config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
        readme, *others = (place(ROOT / name).as_posix() for name in LAST)
        config["nav"].append({"Project": [{"Readme": readme}, *others]})
        (work / "mkdocs.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        zensical = (sys.executable, "-m", "zensical", "build", "--clean", "--strict")
        subprocess.run(zensical, cwd=work, check=True)  # noqa: S603 - our own words
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(work / "site", site)


class Page(HTMLParser):
    """What a page links to, and which anchors it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an opening tag."""
        for name, value in attrs:
            if name in {"href", "src"}:
                self.links.append(value or "")
            elif name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value or "")


def broken(site: Path) -> list[str]:
    """Name the links within the site that lead nowhere."""
    site = site.resolve()
    pages = {file: Page(file.read_text(encoding="utf-8")) for file in site.rglob("*.html")}
    found = []
    for file, page in pages.items():
        for link in page.links:
            scheme, host, path, _, anchor = urlsplit(link)
            if scheme or host:
                continue
            start = site if path.startswith("/") else file.parent
            target = (start / unquote(path).lstrip("/")).resolve() if path else file
            if target.is_dir():
                target /= "index.html"
            inside = target.is_relative_to(site) and target.is_file()
            named = target not in pages or unquote(anchor) in pages[target].anchors
            if not (inside and named):
                found.append(f"{file.relative_to(site).as_posix()}: {link}")
    return sorted(found)


def main() -> None:
    """Build the site and check it."""
    build(ROOT / "site")
    if problems := broken(ROOT / "site"):
        sys.exit("\n".join(["links that lead nowhere:", *problems]))


if __name__ == "__main__":
    main()
