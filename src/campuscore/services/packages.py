"""The package index: publish, list, read, yank, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack

from attrs import field, frozen

from campuscore.domain.auth import Principal
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage
from campuscore.domain.packages import (
    Description,
    Digests,
    DistFile,
    DistName,
    NewDistFile,
    NewUpload,
    Project,
    ProjectPage,
    describe,
    project_key,
    read_metadata,
)
from campuscore.errors import Conflict, Invalid, NotFound
from campuscore.ports.files import BlobStore, Draft
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.intake import Intake
from campuscore.services.policy import Policy, ProjectTarget
from campuscore.services.retrying import retrying
from campuscore.services.shelf import Shelf

__all__ = ["PackageService", "Published"]

_LONGEST_REASON = 500


@frozen
class Published:
    """What became of an upload: ``created`` is false where the same file was there already."""

    file: DistFile
    created: bool


@frozen
class PackageService:
    """Projects, their releases, and the files that installers fetch."""

    store: WorkFactory
    policy: Policy
    days: Days
    blobs: BlobStore
    intake: Intake
    max_package: int
    shelf: Shelf = field(factory=Shelf)

    def upload(self, principal: Principal, new: NewUpload, chunks: Iterable[bytes]) -> Published:
        """Publish a file; the bytes stream in constant memory.

        The first upload to a name makes the project, which belongs to the uploader. The same bytes
        under the same name are taken as a repetition and change nothing.

        Raises
        ------
        Conflict
            There is another file of this name (``file_exists``), or there was one
            (``filename_retired``): names are never used again.
        Forbidden
            The principal may not upload to this project, or not make a new one.
        Invalid
            The file is no wheel or source distribution, or contradicts what is said of it.
        TooLarge
            The file is longer than the campus takes.
        """
        self.policy.scope(principal, "packages.upload")
        name = new.check()
        with self.store.read() as work:
            self._check_right(work, principal, name.project)
        watched = Digests(new.digests).watch(chunks)
        with ExitStack() as stack:
            draft = stack.enter_context(self.blobs.draft(watched, self.max_package))
            text = read_metadata(new.filename, draft.content, draft.blob.size)
            found = describe(text)
            new.check_metadata(name, found)
            metadata = stack.enter_context(self.blobs.draft([text], len(text)))
            record = self._recorder(principal, new, name, found, (draft, metadata))
            return self.intake.keep((draft, metadata), record, principal)

    def list(self, principal: Principal) -> Sequence[Project]:
        """List the projects that have files, by normalized name."""
        self.policy.scope(principal, "packages.read")
        with self.store.read() as work:
            return work.packages.all()

    def revision(self, principal: Principal) -> int:
        """Return a number that is another one whenever ``list`` may answer otherwise."""
        self.policy.scope(principal, "packages.read")
        with self.store.read() as work:
            return work.packages.revision()

    def find(self, principal: Principal, name: str) -> Project:
        """Return a project by name, or raise NotFound; its serial tells whether files changed."""
        self.policy.scope(principal, "packages.read")
        with self.store.read() as work:
            return _found(work, name)

    def page(self, principal: Principal, name: str) -> ProjectPage:
        """Return a project with its files, or raise NotFound."""
        self.policy.scope(principal, "packages.read")
        with self.store.read() as work:
            return _page(work, name)

    def file(self, principal: Principal, filename: str) -> DistFile:
        """Return a file by its name, or raise NotFound."""
        self.policy.scope(principal, "packages.read")
        with self.store.read() as work:
            found = work.packages.find_file(filename)
        if found is None:
            raise NotFound(f"there is no file {filename!r}", code="file_not_found")
        return found

    def open(
        self, principal: Principal, sha256: str, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        """Return bytes of a blob that a file named, in blocks; NotFound where it is gone."""
        self.policy.scope(principal, "packages.read")
        return self.blobs.open(sha256, start, length)

    def address(self, principal: Principal, sha256: str, filename: str) -> str | None:
        """Return where an installer can fetch a blob itself, or None: it comes through us."""
        self.policy.scope(principal, "packages.read")
        return self.blobs.address(sha256, filename, "application/octet-stream")

    def metadata(self, principal: Principal, file: DistFile) -> Description:
        """Return what a file's core metadata says."""
        return describe(b"".join(self.open(principal, file.metadata)))

    @retrying
    def yank(
        self,
        principal: Principal,
        name: str,
        version: str,
        *,
        filename: str | None = None,
        reason: str | None = "",
    ) -> ProjectPage:
        """Yank a release, or one file of it (PEP 592): installers skip it unless it is pinned.

        Parameters
        ----------
        principal
            Who acts; the owner of the project, or an administrator.
        name
            The project.
        version
            The version.
        filename
            One file of the release; None for all.
        reason
            What installers show, maybe nothing; None takes the yank back.

        Raises
        ------
        Forbidden, Invalid, NotFound
            The principal may not, the reason is too long, or there is no such file.
        """
        if reason is not None and (len(reason) > _LONGEST_REASON or not reason.isprintable()):
            rule = f"must be one line of at most {_LONGEST_REASON} characters"
            raise Invalid.at("/reason", rule)
        with self.store.write(principal) as work:
            page, files = self._chosen(work, principal, name, version, filename)
            work.packages.yank(page.project.id, [file.id for file in files], reason)
            topic = "package.unyanked" if reason is None else "package.yanked"
            work.emit(_event(topic, page.project, files))
            page = _page(work, name)
            work.commit()
        return page

    def delete(
        self, principal: Principal, name: str, version: str, *, filename: str | None = None
    ) -> Sequence[DistFile]:
        """Delete a release, or one file of it, for good; the names are never used again.

        Raises
        ------
        Forbidden, NotFound
            The principal may not, or there is no such file.
        """
        files = self._remove(principal, name, version, filename)
        self.intake.free(_blobs_of(files))
        return files

    @retrying
    def _remove(
        self, principal: Principal, name: str, version: str, filename: str | None
    ) -> Sequence[DistFile]:
        """Take files out, and leave claims that have ended on their bytes, to be freed."""
        with self.store.write(principal) as work:
            now = self.days.now()
            page, files = self._chosen(work, principal, name, version, filename)
            work.packages.remove_files(page.project.id, [file.id for file in files], now)
            for each in sorted(_blobs_of(files)):
                work.claims.add(each, now)
            work.emit(_event("package.deleted", page.project, files))
            work.commit()
        return files

    def _check_right(self, work: Work, principal: Principal, key: str) -> None:
        project = work.packages.find(key)
        if project is None:
            target = ProjectTarget(key, principal.user_id)
            self.policy.scope(principal, "packages.upload.new")
            self.policy.require(work, principal, "packages.upload.new", target)
        else:
            target = ProjectTarget(key, project.owner)
            self.policy.require(work, principal, "packages.upload", target)

    def _recorder(
        self,
        principal: Principal,
        new: NewUpload,
        name: DistName,
        found: Description,
        drafts: tuple[Draft, Draft],
    ) -> Callable[[Work], Published]:
        draft, metadata = drafts
        who = principal.user_id or None

        def record(work: Work) -> Published:
            self._check_right(work, principal, name.project)
            standing = _standing(work, new.filename, draft.blob.sha256)
            if standing is not None:
                return Published(standing, created=False)
            now = self.days.now()
            project = work.packages.find(name.project) or work.packages.add(
                name.project, str(found.fields["name"]), who, now
            )
            file = work.packages.add_file(
                NewDistFile(
                    project=project.id,
                    version=_spelled(work, project, name.version),
                    filename=new.filename,
                    kind=new.real_kind,
                    python=name.python,
                    sha256=draft.blob.sha256,
                    size=draft.blob.size,
                    requires_python=found.requires_python,
                    metadata=metadata.blob.sha256,
                    metadata_size=metadata.blob.size,
                    uploaded_at=now,
                    uploader=who,
                )
            )
            work.emit(_event("package.uploaded", project, [file]))
            return Published(file, created=True)

        return record

    def _chosen(
        self, work: Work, principal: Principal, name: str, version: str, filename: str | None
    ) -> tuple[ProjectPage, Sequence[DistFile]]:
        self.policy.scope(principal, "packages.manage")
        page = _page(work, name)
        target = ProjectTarget(page.project.key, page.project.owner)
        self.policy.require(work, principal, "packages.manage", target)
        files = [file for file in page.of(version) if filename in {None, file.filename}]
        if not files:
            which = filename or f"release {version}"
            raise NotFound(f"{page.project.name} has no {which}", code="release_not_found")
        return page, files


def _blobs_of(files: Sequence[DistFile]) -> set[str]:
    return {name for file in files for name in (file.sha256, file.metadata)}


def _found(work: Work, name: str) -> Project:
    project = work.packages.find(project_key(name))
    if project is None:
        raise NotFound(f"there is no project {name!r}", code="project_not_found")
    return project


def _page(work: Work, name: str) -> ProjectPage:
    project = _found(work, name)
    return ProjectPage(project, work.packages.files(project.id))


def _spelled(work: Work, project: Project, version: str) -> str:
    """Return a version as the project's other files spell it: 1 and 1.0 are one release."""
    standing = ProjectPage(project, work.packages.files(project.id)).of(version)
    return standing[0].version if standing else version


def _standing(work: Work, filename: str, sha256: str) -> DistFile | None:
    """Return the file of this name where it has the same bytes, or raise Conflict."""
    standing = work.packages.find_file(filename)
    if standing is None:
        if work.packages.was_removed(filename):
            text = f"{filename} was deleted, and its name is never used again"
            raise Conflict(text, code="filename_retired")
        return None
    if standing.sha256 != sha256:
        text = f"File already exists: {filename} has other content here"
        raise Conflict(text, code="file_exists")
    return standing


def _event(topic: str, project: Project, files: Sequence[DistFile]) -> NewMessage:
    described: list[JSON] = [
        {
            "filename": file.filename,
            "version": file.version,
            "sha256": file.sha256,
            "size": file.size,
        }
        for file in files
    ]
    payload: dict[str, JSON] = {"project": project.key, "files": described}
    return NewMessage(topic, f"project:{project.key}", payload)
