"""The package index as a service: rights, repetitions, conflicts, yanks, deletions."""

from __future__ import annotations

import pytest
from tests.index.dists import Dist, metadata_of, sdist, wheel

from campuscore import Settings
from campuscore.domain.attendance import NewAttachment
from campuscore.domain.auth import ANONYMOUS, NewApiToken
from campuscore.domain.packages import DistKind, NewUpload
from campuscore.domain.users import Role
from campuscore.errors import CampusError, Conflict, Forbidden, Invalid, NotFound, TooLarge

from .campuses import NOW, Town, town_on

MANY = 1 << 20


@pytest.fixture
def town(store, clock):
    return town_on(store, clock, settings=Settings(max_package=MANY))


def put(town: Town, dist: Dist, who=None, **fields):
    new = NewUpload(filename=dist.filename, **fields)
    return town.campus.packages.upload(who or town.campus.operator, new, [dist.data])


def code(call, *given, kind=CampusError, **named) -> str:
    with pytest.raises(kind) as caught:
        call(*given, **named)
    return caught.value.code


def stored(town: Town) -> set[str]:
    return set(town.campus.packages.blobs.names())


def named(town: Town) -> set[str]:
    """Return the names of blobs that files of the index name."""
    service, who = town.campus.packages, town.campus.operator
    pages = [service.page(who, project.key) for project in service.list(who)]
    return {name for page in pages for f in page.files for name in (f.sha256, f.metadata)}


def claims(town: Town) -> list[str]:
    with town.store.read() as work:
        return work.claims.ended(NOW.replace(year=NOW.year + 1), 100)


def settled(town: Town) -> None:
    assert stored(town) == named(town)
    assert claims(town) == []


def test_an_upload_is_on_its_page_with_what_it_says_of_itself(town):
    dist = wheel("demo_lab", "1.0", "Requires-Python: >=3.9", text="x = 2")
    published = put(town, dist, name="Demo_Lab", version="1", kind=DistKind.WHEEL)
    file = published.file
    assert published.created
    assert (file.filename, file.version, file.python) == (dist.filename, "1.0", "py3")
    assert (file.sha256, file.size) == (dist.sha256, len(dist.data))
    assert (file.requires_python, file.uploaded_at, file.uploader) == (">=3.9", NOW, None)
    page = town.campus.packages.page(ANONYMOUS, "Demo.Lab")
    assert (page.project.key, page.project.name, page.project.serial) == ("demo-lab", "demo_lab", 1)
    assert list(page.files) == [file]
    assert town.campus.packages.file(ANONYMOUS, dist.filename) == file
    assert b"".join(town.campus.packages.open(ANONYMOUS, file.sha256, 2, 5)) == dist.data[2:7]
    described = town.campus.packages.metadata(ANONYMOUS, file)
    assert described.fields["name"] == "demo_lab"
    assert town.topics()[-1] == "package.uploaded"
    settled(town)


def test_the_same_file_again_changes_nothing(town):
    first = put(town, wheel())
    topics, page = town.topics(), town.campus.packages.page(ANONYMOUS, "demo-lab")
    again = put(town, wheel())
    assert not again.created
    assert again.file == first.file
    assert (town.topics(), town.campus.packages.page(ANONYMOUS, "demo-lab")) == (topics, page)
    settled(town)


def test_other_bytes_under_one_name_are_refused(town):
    put(town, wheel())
    assert code(put, town, wheel(text="y = 2"), kind=Conflict) == "file_exists"
    with pytest.raises(Conflict, match="File already exists"):
        put(town, wheel(text="y = 2"))
    assert len(town.campus.packages.page(ANONYMOUS, "demo-lab").files) == 1
    settled(town)


def test_two_spellings_of_a_version_are_one_release(town):
    put(town, wheel(version="1.0"))
    put(town, sdist(version="1"))
    page = town.campus.packages.page(ANONYMOUS, "demo-lab")
    assert page.versions == ["1.0"]
    yanked = town.campus.packages.yank(town.campus.operator, "demo-lab", "1.0.0")
    assert [file.yanked for file in yanked.files] == ["", ""]


REFUSED = [
    (wheel(metadata=metadata_of("other")), {}, "/content"),
    (wheel(change={"RECORD": None}), {}, "/content"),
    (Dist("demo_lab-1.0-py3-none-any.whl", b"no zip"), {}, "/content"),
    (Dist("demo_lab-1.0.exe", b"MZ"), {}, "/content"),
    (wheel("demo_lab", "1.0", "Requires-Python: x"), {}, "/content"),
    (wheel(), {"name": "other"}, "/name"),
    (wheel(), {"version": "2"}, "/version"),
    (wheel(), {"kind": DistKind.SDIST}, "/filetype"),
    (wheel(), {"requires_python": ">=3"}, "/requires_python"),
    (wheel(), {"digests": {"sha256": "0" * 64}}, "/sha256_digest"),
    (wheel(), {"digests": {"md5": "0" * 32, "blake2_256": "0" * 64}}, "/blake2_256_digest"),
]


@pytest.mark.parametrize(("dist", "fields", "path"), REFUSED)
def test_what_is_refused_leaves_nothing(town, dist, fields, path):
    with pytest.raises(Invalid) as caught:
        put(town, dist, **fields)
    assert caught.value.problems[0].path == path
    assert code(town.campus.packages.find, ANONYMOUS, "demo-lab") == "project_not_found"
    assert town.topics() == []
    settled(town)


def test_too_long_a_file_and_a_stream_that_breaks_leave_nothing(town):
    def broken():
        yield wheel().data[:100]
        raise ConnectionResetError

    new = NewUpload(filename=wheel().filename)
    upload = town.campus.packages.upload
    with pytest.raises(ConnectionResetError):
        upload(town.campus.operator, new, broken())
    endless = (b"x" * 1000 for _ in range(MANY))
    assert code(upload, town.campus.operator, new, endless, kind=TooLarge) == "too_large"
    settled(town)


def people(town: Town):
    names = {"teacher": Role.TEACHER, "colleague": Role.TEACHER, "student": Role.STUDENT}
    ids = {name: town.user(name, role) for name, role in names.items()}
    ids["root"] = town.user("root", Role.ADMIN)
    ids["reader"] = town.user("reader", Role.DEVICE)
    return {name: town.principal(key) for name, key in ids.items()}


def test_who_may_upload(town):
    who = people(town)
    for name in ("student", "reader"):
        assert code(put, town, wheel(), who[name]) == "forbidden"
    assert code(put, town, wheel(), ANONYMOUS) == "forbidden"
    put(town, wheel(), who["teacher"])
    project = town.campus.packages.find(ANONYMOUS, "demo-lab")
    assert project.owner == who["teacher"].user_id
    for name in ("colleague", "student", "reader"):
        assert code(put, town, sdist(), who[name], kind=Forbidden) == "forbidden"
        assert code(put, town, wheel(), who[name], kind=Forbidden) == "forbidden"
    put(town, sdist(), who["root"])
    put(town, wheel(version="2.0"))
    put(town, wheel(version="3.0"), who["teacher"])
    assert town.campus.packages.find(ANONYMOUS, "demo-lab").owner == who["teacher"].user_id
    settled(town)


@pytest.mark.parametrize("act", ["yank", "delete"])
def test_who_may_manage(town, act):
    who = people(town)
    put(town, wheel(), who["teacher"])
    put(town, wheel(version="2.0"), who["root"])
    call = getattr(town.campus.packages, act)
    for name in ("colleague", "student", "reader"):
        assert code(call, who[name], "demo-lab", "1.0", kind=Forbidden) == "forbidden"
    assert code(call, ANONYMOUS, "demo-lab", "1.0", kind=Forbidden) == "forbidden"
    call(who["teacher"], "demo-lab", "1.0")
    call(who["root"], "demo-lab", "2.0")


def with_token(town: Town, username: str, role: Role, *scopes: str):
    key = town.user(username, role)
    minted = town.campus.auth.tokens.mint(
        town.campus.operator, NewApiToken(name="ci", scopes=scopes), key
    )
    return town.campus.auth.authenticate(minted.token)


ALLOWED = {
    ("*",): True,
    ("packages.*",): True,
    ("packages.upload",): True,
    ("packages.upload:demo-lab",): True,
    ("packages.read", "packages.upload:demo-lab"): True,
    ("packages.upload:other",): False,
    ("packages.read",): False,
    ("packages.manage",): False,
    ("attendance.*",): False,
}


@pytest.mark.parametrize("scopes", ALLOWED)
@pytest.mark.parametrize("standing", [False, True])
def test_a_token_uploads_within_its_scopes(town, scopes, standing):
    who = with_token(town, "teacher", Role.TEACHER, *scopes)
    if standing:
        put(town, wheel(version="0.1"), town.principal(who.user_id))
    if ALLOWED[scopes]:
        assert put(town, wheel(), who).created
    else:
        assert code(put, town, wheel(), who, kind=Forbidden) == "forbidden"
    settled(town)


def test_the_scope_of_a_token_gives_no_rights(town):
    student = with_token(town, "student", Role.STUDENT, "packages.upload")
    assert code(put, town, wheel(), student, kind=Forbidden) == "forbidden"
    who = with_token(town, "teacher", Role.TEACHER, "packages.upload")
    put(town, wheel(), who)
    for call in (town.campus.packages.yank, town.campus.packages.delete):
        assert code(call, who, "demo-lab", "1.0", kind=Forbidden) == "forbidden"
    assert code(town.campus.packages.page, who, "demo-lab", kind=Forbidden) == "forbidden"


def test_a_token_for_one_project_manages_that_one(town):
    who = with_token(town, "teacher", Role.TEACHER, "packages.manage:demo-lab")
    owner = town.principal(who.user_id)
    for dist in (wheel(), wheel("other")):
        put(town, dist, owner)
    town.campus.packages.yank(who, "Demo_Lab", "1.0")
    assert code(town.campus.packages.yank, who, "other", "1.0", kind=Forbidden) == "forbidden"
    assert code(put, town, wheel(version="2.0"), who, kind=Forbidden) == "forbidden"


def test_yank_a_release_one_file_and_back(town):
    service, operator = town.campus.packages, town.campus.operator
    for dist in (wheel(), sdist(), wheel(version="2.0")):
        put(town, dist)
    page = service.yank(operator, "demo-lab", "1.0", reason="broken on Mondays")
    assert [file.yanked for file in page.files] == ["broken on Mondays"] * 2 + [None]
    page = service.yank(operator, "demo-lab", "1.0", filename=wheel().filename, reason=None)
    assert [file.yanked for file in page.files] == [None, "broken on Mondays", None]
    assert service.page(ANONYMOUS, "demo-lab") == page
    assert page.project.serial == 5
    assert town.topics()[-2:] == ["package.yanked", "package.unyanked"]


@pytest.mark.parametrize("act", ["yank", "delete"])
def test_what_is_not_there_is_not_found(town, act):
    put(town, wheel())
    call, operator = getattr(town.campus.packages, act), town.campus.operator
    assert code(call, operator, "nothing", "1.0", kind=NotFound) == "project_not_found"
    assert code(call, operator, "demo-lab", "1.1", kind=NotFound) == "release_not_found"
    wrong = sdist().filename
    found = code(call, operator, "demo-lab", "1.0", filename=wrong, kind=NotFound)
    assert found == "release_not_found"
    assert code(call, operator, "demo-lab", "one", kind=Invalid) == "invalid"
    assert code(call, operator, "-", "1.0", kind=Invalid) == "invalid"
    assert town.campus.packages.find(ANONYMOUS, "demo-lab").serial == 1


@pytest.mark.parametrize("reason", ["x" * 501, "two\nlines", "bell\a"])
def test_a_reason_is_one_line(town, reason):
    put(town, wheel())
    with pytest.raises(Invalid) as caught:
        town.campus.packages.yank(town.campus.operator, "demo-lab", "1.0", reason=reason)
    assert caught.value.problems[0].path == "/reason"


def test_a_deleted_name_is_never_used_again(town):
    put(town, wheel())
    put(town, sdist())
    service, operator = town.campus.packages, town.campus.operator
    gone = service.delete(operator, "demo-lab", "1.0", filename=wheel().filename)
    assert [file.filename for file in gone] == [wheel().filename]
    for dist in (wheel(), wheel(text="new")):
        assert code(put, town, dist, kind=Conflict) == "filename_retired"
    assert code(service.file, operator, wheel().filename, kind=NotFound) == "file_not_found"
    assert code(service.open, operator, wheel().sha256, kind=NotFound) == "blob_not_found"
    settled(town)
    service.delete(operator, "demo-lab", "1.0")
    assert stored(town) == set()
    assert list(service.list(operator)) == []
    assert list(service.page(operator, "demo-lab").files) == []
    put(town, wheel(version="1.1"))
    assert town.topics().count("package.deleted") == 2
    settled(town)


def test_deletion_leaves_bytes_that_others_name(town):
    student = town.user("student")
    day = NOW.date()
    new = NewAttachment(user=student, date=day, filename="hand-in.whl")
    file = town.campus.attendance.attach_file(town.campus.operator, new, [wheel().data])
    put(town, wheel())
    put(town, wheel(version="2.0"))
    assert file.sha256 == wheel().sha256
    town.campus.packages.delete(town.campus.operator, "demo-lab", "1.0")
    assert wheel().sha256 in stored(town)
    assert stored(town) == named(town) | {wheel().sha256}
    assert claims(town) == []


def test_a_release_that_went_back_is_still_served_by_its_bytes(town):
    """The same metadata in two files is one blob, which goes with the last of them."""
    one = wheel(text="one")
    text = metadata_of("demo_lab", "1.0")
    other = Dist("demo_lab-1.0-py2-none-any.whl", wheel(text="two", metadata=text).data)
    assert len({put(town, dist).file.metadata for dist in (one, other)}) == 1
    service, operator = town.campus.packages, town.campus.operator
    service.delete(operator, "demo-lab", "1.0", filename=one.filename)
    left = service.file(operator, other.filename)
    assert service.metadata(operator, left).version == "1.0"
    settled(town)


def test_a_project_of_a_name_that_differs_in_form_is_the_same(town):
    put(town, wheel("Demo.Lab"))
    put(town, wheel("demo_lab", "2.0"))
    (project,) = town.campus.packages.list(ANONYMOUS)
    assert (project.key, project.name) == ("demo-lab", "Demo.Lab")


def test_the_revision_tells_of_every_change(town):
    service, operator = town.campus.packages, town.campus.operator
    seen = [service.revision(ANONYMOUS)]
    put(town, wheel())
    seen.append(service.revision(ANONYMOUS))
    service.yank(operator, "demo-lab", "1.0")
    seen.append(service.revision(ANONYMOUS))
    service.delete(operator, "demo-lab", "1.0")
    seen.append(service.revision(ANONYMOUS))
    assert len(set(seen)) == 4
