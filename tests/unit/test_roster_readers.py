"""Readers: layouts, headings, encodings, and the place of every fault."""

from __future__ import annotations

import csv
import io
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campuscore.adapters.rosters import read_roster
from campuscore.adapters.rosters.tables import Faults, lines_of
from campuscore.adapters.rosters.texts import Text
from campuscore.domain.groups import GroupKind
from campuscore.domain.roster import Ignored, Place, Roster, check
from campuscore.domain.users import Role
from campuscore.errors import Invalid, NotFound, Unavailable

DATA = Path(__file__).parent.parent / "data"
Folder = Callable[[str], Path]


@pytest.fixture
def copy_of(tmp_path: Path) -> Folder:
    def copy(name: str) -> Path:
        return Path(shutil.copytree(DATA / name, tmp_path / name))

    return copy


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) >= 1
    write(path, text.replace(old, new, 1))


def problems_of(path: Path, **options: str) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        read_roster(path, **options)
    return {problem.path: problem.detail for problem in caught.value.problems}


def columns_ignored(roster: Roster, file: str) -> dict[str, int]:
    return {each.what: each.rows for each in roster.ignored if each.file == file}


class TestSds1:
    def test_counts(self) -> None:
        roster = read_roster(DATA / "roster-sds1-100")
        assert check(roster) == []
        assert roster.source == "sds1"
        assert Counter(u.role for u in roster.users) == {Role.STUDENT: 86, Role.TEACHER: 12}
        assert Counter(g.kind for g in roster.groups) == {GroupKind.SCHOOL: 2, GroupKind.CLASS: 28}
        assert Counter(m.role for m in roster.memberships) == {Role.STUDENT: 602, Role.TEACHER: 28}

    def test_records(self) -> None:
        roster = read_roster(DATA / "roster-sds1-100", source="contoso")
        user = roster.users[0]
        assert (user.key, user.username, user.first_name, user.last_name, user.email) == (
            "student:13001",
            "OKlein",
            "Ora",
            "Klein",
            "",
        )
        assert user.place == Place("Student.csv", 2)
        (term,) = roster.terms
        assert (term.key, term.name, term.first_day, term.last_day) == (
            "12000",
            "SY1516",
            date(2017, 7, 1),
            date(2018, 6, 30),
        )
        section = next(g for g in roster.groups if g.key == "section:11001")
        assert (section.name, section.parent_key, section.code, section.term_key) == (
            "Math - Algebra 1",
            "school:10001",
            "11001",
            "12000",
        )
        assert roster.groups[0].code == "10001"
        first = roster.memberships[0]
        assert (first.group_key, first.user_key) == ("section:11001", "student:13001")
        assert (first.begin, first.end) == (None, None)
        assert roster.source == "contoso"

    def test_what_is_not_kept_is_told(self) -> None:
        roster = read_roster(DATA / "roster-sds1-100")
        assert columns_ignored(roster, "Student.csv")["Birthdate"] == 86
        assert columns_ignored(roster, "Section.csv")["Course Name"] == 28
        assert "Password" not in columns_ignored(roster, "Student.csv")

    def test_passwords_are_told_and_never_kept(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        edit(folder / "Student.csv", "OKlein,,", "OKlein,hunter2hunter2,")
        roster = read_roster(folder)
        assert Ignored("Student.csv", "Password", 1) in roster.ignored
        assert "hunter2" not in repr(roster)

    def test_dangling_reference_has_file_line_and_column(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        edit(folder / "StudentEnrollment.csv", "11001,13002", "11001,99999")
        (problem,) = check(read_roster(folder))
        assert problem.path == "StudentEnrollment.csv:3:SIS ID"
        assert "student:99999" in problem.detail

    def test_dangling_section_and_school(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        edit(folder / "TeacherRoster.csv", "11001,14001", "5,14001")
        edit(folder / "Section.csv", "11001,10001", "11001,7")
        paths = {p.path for p in check(read_roster(folder))}
        assert "TeacherRoster.csv:2:Section SIS ID" in paths
        assert "Section.csv:2:School SIS ID" in paths

    def test_person_of_no_known_school(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        edit(folder / "Student.csv", "13001,10001,", "13001,7,")
        assert problems_of(folder) == {
            "Student.csv:2:School SIS ID": "there is no school '7' in School.csv"
        }

    def test_section_without_school(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        edit(folder / "Section.csv", "11001,10001", "11001,")
        assert problems_of(folder) == {"Section.csv:2:School SIS ID": "must not be empty"}

    @pytest.mark.parametrize("day", ["2017-07-01", "13/1/2017", "2/30/2017", "7/1/17", "x"])
    def test_wrong_date(self, copy_of: Folder, day: str) -> None:
        folder = copy_of("roster-sds1-100")
        edit(folder / "Section.csv", "7/1/2017", day)
        found = problems_of(folder)
        assert "8/31/2026" in found["Section.csv:2:Term StartDate"]

    def test_sections_that_disagree_on_a_term(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        text = (folder / "Section.csv").read_text("utf-8")
        head, tail = text[:600], text[600:].replace("7/1/2017", "8/1/2017", 1)
        write(folder / "Section.csv", head + tail)
        ((path, detail),) = problems_of(folder).items()
        assert path.endswith(":Term StartDate")
        assert "line 2" in detail

    def test_term_without_dates_is_left_out_and_told(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        edit(folder / "Section.csv", "7/1/2017", "")
        roster = read_roster(folder)
        assert Ignored("Section.csv", "terms without dates", 1) in roster.ignored
        assert [g.term_key for g in roster.groups[2:4]] == ["", "12000"]

    def test_inactive_people_and_sections_leave_with_their_rows(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        whole = read_roster(folder)
        edit(folder / "Student.csv", ",9,Active,", ",9,Inactive,")
        edit(folder / "Section.csv", "1,Active", "1,Expired")
        roster = read_roster(folder)
        gone = [
            m
            for m in whole.memberships
            if m.user_key == "student:13001" or m.group_key == "section:11001"
        ]
        assert check(roster) == []
        assert len(roster.users) == 97
        assert len(roster.groups) == 29
        assert len(roster.memberships) == 630 - len(gone)
        assert Ignored("Student.csv", "rows whose Status is not Active", 1) in roster.ignored
        told = sum(i.rows for i in roster.ignored if i.what.startswith("rows of people"))
        assert told == len(gone)

    def test_status_that_is_not_given_is_active(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        text = (folder / "Student.csv").read_text("utf-8")
        write(folder / "Student.csv", text.replace(",Active,", ",,", 3))
        edit(folder / "Teacher.csv", ",Status,", ",State,")
        assert len(read_roster(folder).users) == 98

    def test_missing_file(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        (folder / "Teacher.csv").unlink()
        assert problems_of(folder) == {"Teacher.csv": "the file is missing"}

    def test_other_files_are_told(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        write(folder / "Guardianrelationship.csv", "a,b\n1,2\n\n3\n")
        roster = read_roster(folder)
        assert Ignored("Guardianrelationship.csv", "the whole file", 2) in roster.ignored

    def test_file_names_differ_in_case(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        (folder / "School.csv").rename(folder / "SCHOOL.CSV")
        assert read_roster(folder).groups[0].place == Place("SCHOOL.CSV", 2)


class TestSds21:
    def test_counts(self) -> None:
        roster = read_roster(DATA / "roster-sds21")
        assert check(roster) == []
        assert roster.source == "sds21"
        sizes = [len(r) for r in (roster.users, roster.groups, roster.terms, roster.memberships)]
        assert sizes == [8, 6, 2, 6]
        assert [g.kind for g in roster.groups] == [
            GroupKind.COLLEGE,
            GroupKind.DEPARTMENT,
            GroupKind.SCHOOL,
            GroupKind.ORGANISATION,
            GroupKind.CLASS,
            GroupKind.CLASS,
        ]
        assert [g.parent_key for g in roster.groups][:3] == ["", "org:110001", "org:110004"]

    def test_roles(self) -> None:
        roster = read_roster(DATA / "roster-sds21")
        roles = {u.key[-1]: u.role for u in roster.users}
        guardians = dict.fromkeys("25", Role.GUARDIAN)
        teachers = dict.fromkeys("67", Role.TEACHER)
        assert roles == {**dict.fromkeys("1348", Role.STUDENT), **guardians, **teachers}
        held = Counter(m.role for m in roster.memberships)
        assert held == {Role.STUDENT: 4, Role.TEACHER: 2}

    def test_primary_role_wins(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds21")
        edit(folder / "roles.csv", "114007,110004,teacher,", "114007,110004,aide,")
        roles = {u.key: u.role for u in read_roster(folder).users}
        assert roles["114007"] is Role.ASSISTANT
        text = (folder / "roles.csv").read_text("utf-8")
        write(folder / "roles.csv", text.replace("TRUE", "x").replace("FALSE", "TRUE"))
        roles = {u.key: u.role for u in read_roster(folder).users}
        assert roles["114007"] is Role.TEACHER

    def test_without_a_role_or_a_relation_a_student(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds21")
        (folder / "roles.csv").unlink()
        (folder / "relationships.csv").unlink()
        assert {u.role for u in read_roster(folder).users} == {Role.STUDENT}

    def test_terms_and_classes(self) -> None:
        roster = read_roster(DATA / "roster-sds21")
        first = roster.terms[0]
        assert (first.name, first.first_day, first.last_day) == (
            "2021 School Year",
            date(2021, 8, 24),
            date(2022, 6, 11),
        )
        assert [g.term_key for g in roster.groups[4:]] == ["FS2021HED", "SY2021K12"]

    def test_class_in_two_sessions_has_the_first(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds21")
        edit(folder / "classes.csv", "FS2021HED", '"FS2021HED, SY2021K12"')
        roster = read_roster(folder)
        assert roster.groups[4].term_key == "FS2021HED"
        assert Ignored("classes.csv", "sessions after the first", 1) in roster.ignored

    def test_what_is_not_kept_is_told(self) -> None:
        roster = read_roster(DATA / "roster-sds21")
        assert Ignored("userFlags.csv", "the whole file", 3) in roster.ignored
        assert Ignored("demographics.csv", "the whole file", 6) in roster.ignored
        assert Ignored("courses.csv", "the whole file", 3) in roster.ignored
        assert Ignored("relationships.csv", "relationships between people", 3) in roster.ignored
        assert columns_ignored(roster, "users.csv") == {
            "activeDirectoryMatchId": 6,
            "phone": 2,
            "sms": 2,
        }
        assert columns_ignored(roster, "roles.csv")["grade"] == 7

    @pytest.mark.parametrize(
        ("file", "old", "new", "path"),
        [
            ("roles.csv", "professor", "wizard", "roles.csv:5:role"),
            ("roles.csv", "professor", "administrator", "roles.csv:5:role"),
            ("roles.csv", "114006,", "1,", "roles.csv:5:userSourcedId"),
            ("enrollments.csv", "professor", "wizard", "enrollments.csv:3:role"),
            ("enrollments.csv", "professor", "", "enrollments.csv:3:role"),
            ("academicSessions.csv", "2021-08-24", "8/24/2021", "academicSessions.csv:2:startDate"),
            ("academicSessions.csv", "2021-08-24", "20210824", "academicSessions.csv:2:startDate"),
            ("academicSessions.csv", "2022-06-11", "", "academicSessions.csv:2:endDate"),
            ("orgs.csv", "parentSourcedId", "sourcedId", "orgs.csv:1:sourcedId"),
            ("orgs.csv", "type", "kind", "orgs.csv:1:type"),
        ],
    )
    def test_faults(self, copy_of: Folder, file: str, old: str, new: str, path: str) -> None:
        folder = copy_of("roster-sds21")
        edit(folder / file, old, new)
        assert set(problems_of(folder)) == {path}

    @pytest.mark.parametrize(
        ("file", "old", "new", "path"),
        [
            ("enrollments.csv", "112001,114008", "112001,1", "enrollments.csv:2:userSourcedId"),
            ("enrollments.csv", "112001,114008", "1,114008", "enrollments.csv:2:classSourcedId"),
            ("enrollments.csv", "professor", "parent", "enrollments.csv:3:role"),
            ("classes.csv", "FS2021HED", "X", "classes.csv:2:sessionSourcedIds"),
            ("classes.csv", "112001,110001", "112001,9", "classes.csv:2:orgSourcedId"),
            ("orgs.csv", "department,110001", "department,9", "orgs.csv:3:parentSourcedId"),
            ("users.csv", "fhutch@", "jcraig@", "users.csv:4:username"),
            ("users.csv", "114002,", "114001,", "users.csv:3:sourcedId"),
        ],
    )
    def test_checks(self, copy_of: Folder, file: str, old: str, new: str, path: str) -> None:
        folder = copy_of("roster-sds21")
        edit(folder / file, old, new)
        assert path in {problem.path for problem in check(read_roster(folder))}

    def test_dated_enrolments(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds21")
        text = "classSourcedId,userSourcedId,role,beginDate,endDate\n112001,114008,student,{}\n"
        write(folder / "enrollments.csv", text.format("2021-09-01,2021-12-02"))
        (row,) = read_roster(folder).memberships
        assert (row.begin, row.end) == (date(2021, 9, 1), date(2021, 12, 2))
        write(folder / "enrollments.csv", text.format("2021-09-01,2021-13-02"))
        assert set(problems_of(folder)) == {"enrollments.csv:2:endDate"}


class TestPeople:
    def test_sheet_of_people(self, tmp_path: Path) -> None:
        text = (
            "User_Name,FIRST name,surname,Role,E-mail,Group(s),Password,Room\n"
            "ada,Ada,Lovelace,teacher,ada@example.org,CS 101; Lab,secret,\n"
            'bob,"Bob, Jr.",,,,cs  101,,\n'
            "\n"
            ",,,,,,,\n"
            "cyd,Cyd,Grey,Teaching Assistant,,lab;LAB,,12\n"
        )
        roster = read_roster(write(tmp_path / "My Class (1).csv", text))
        assert check(roster) == []
        assert roster.source == "my-class-1"
        assert [(u.username, u.role, u.place.line) for u in roster.users] == [
            ("ada", Role.TEACHER, 2),
            ("bob", None, 3),
            ("cyd", Role.ASSISTANT, 6),
        ]
        assert roster.users[0].email == "ada@example.org"
        assert roster.users[1].first_name == "Bob, Jr."
        assert [(g.key, g.name, g.kind) for g in roster.groups] == [
            ("cs 101", "CS 101", GroupKind.CLASS),
            ("lab", "Lab", GroupKind.CLASS),
        ]
        assert [(m.key, m.role) for m in roster.memberships] == [
            ("cs 101/ada", Role.TEACHER),
            ("lab/ada", Role.TEACHER),
            ("cs 101/bob", Role.STUDENT),
            ("lab/cyd", Role.ASSISTANT),
        ]
        assert {i.what: i.rows for i in roster.ignored} == {"Password": 1, "Room": 1}
        assert "secret" not in repr(roster)

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_delimiters_and_byte_order_mark(
        self, tmp_path: Path, delimiter: str, mark: str
    ) -> None:
        rows = [["login", "group"], ["ada", "A;B"]]
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter).writerows(rows)
        roster = read_roster(write(tmp_path / "p.csv", mark + out.getvalue()))
        assert [g.name for g in roster.groups] == ["A", "B"]

    @pytest.mark.parametrize("first", ["sep=|", '"sep=|"', "SEP=|"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_the_delimiter_that_excel_is_told(self, tmp_path: Path, first: str, end: str) -> None:
        text = end.join([first, "username|role", "a,b|student", "c|king", ""])
        path = write(tmp_path / "p.csv", text)
        assert problems_of(path).keys() == {"p.csv:4:role"}
        write(path, text.replace("king", "teacher"))
        assert [(u.username, u.role, u.place.line) for u in read_roster(path).users] == [
            ("a,b", Role.STUDENT, 3),
            ("c", Role.TEACHER, 4),
        ]

    def test_heading_without_usernames(self, tmp_path: Path) -> None:
        ((path, detail),) = problems_of(write(tmp_path / "p.csv", "a,b\n1,2\n")).items()
        assert path == "p.csv:1:username"
        assert "a, b" in detail

    def test_empty_file(self, tmp_path: Path) -> None:
        assert set(problems_of(write(tmp_path / "p.csv", ""))) == {"p.csv:1:username"}

    def test_column_counts(self, tmp_path: Path) -> None:
        text = "username,role,group\nada,teacher\nbob,,,x\ncyd,,\n"
        assert problems_of(write(tmp_path / "p.csv", text)) == {
            "p.csv:2:group": "the row has 2 columns, the heading 3",
            "p.csv:3:column 4": "the row has 4 columns, the heading 3",
        }

    def test_lines_are_counted_over_quoted_line_breaks(self, tmp_path: Path) -> None:
        text = 'username,first name\r\nada,"A\r\nd\r\na"\r\nbob,x,y\r\n'
        assert set(problems_of(write(tmp_path / "p.csv", text))) == {"p.csv:5:column 3"}

    def test_broken_quotation(self, tmp_path: Path) -> None:
        text = 'username,role\nada,"teacher\n'
        assert list(problems_of(write(tmp_path / "p.csv", text))) == ["p.csv:2"]

    def test_unknown_role_is_named_once(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid) as caught:
            read_roster(write(tmp_path / "p.csv", "username,role,group\nada,wizard,A\n"))
        (problem,) = caught.value.problems
        assert problem.path == "p.csv:2:role"
        assert "'wizard'" in problem.detail

    def test_guardians_are_not_members(self, tmp_path: Path) -> None:
        text = "username,role,group\nada,guardian,\nbob,parent,A\n"
        assert set(problems_of(write(tmp_path / "p.csv", text))) == {"p.csv:3:group"}

    @pytest.mark.parametrize("role", ["admin", "Administrator", "device"])
    def test_powerful_roles_are_refused(self, tmp_path: Path, role: str) -> None:
        roster = read_roster(write(tmp_path / "p.csv", f"username,role,group\nada,{role},A\n"))
        assert [p.path for p in check(roster)] == ["p.csv:2:role"]

    def test_checks_name_the_columns_of_the_sheet(self, tmp_path: Path) -> None:
        text = "Login,Mail\nada,nowhere\nADA,\nb b,\n,x@y\n"
        roster = read_roster(write(tmp_path / "p.csv", text))
        assert {p.path for p in check(roster)} == {
            "p.csv:2:Mail",
            "p.csv:3:Login",
            "p.csv:4:Login",
            "p.csv:5:Login",
        }

    def test_a_file_name_of_any_bytes_can_be_told(self, tmp_path: Path) -> None:
        path = write(tmp_path / "\udcff.csv", "username\nanna\n")
        (user,) = read_roster(path).users
        assert user.place == Place("\\udcff.csv", 2)

    def test_each_fault_of_a_name_is_told_once(self, tmp_path: Path) -> None:
        long = "x" * 201
        text = f"username,groups\nAnna,{long}\nanna,Lab\n{long},\n"
        found = check(read_roster(write(tmp_path / "p.csv", text)))
        assert [p.path for p in found] == ["p.csv:3:username", "p.csv:2:groups", "p.csv:4:username"]

    def test_spreadsheet(self, tmp_path: Path) -> None:
        book = openpyxl.Workbook()
        sheet = book.active
        for row in (
            [],
            ["Username", "First name", "Groups", "Since"],
            [1001, "Ada", "CS;Lab", date(2026, 9, 1)],
            [None, None, None, None],
            ["bob", 1.5, None, None],
        ):
            sheet.append(row)
        book.save(tmp_path / "p.xlsx")
        roster = read_roster(tmp_path / "p.xlsx")
        assert [(u.username, u.first_name, u.place.line) for u in roster.users] == [
            ("1001", "Ada", 3),
            ("bob", "1.5", 5),
        ]
        assert roster.ignored == (Ignored("p.xlsx", "Since", 1),)
        assert [m.key for m in roster.memberships] == ["cs/1001", "lab/1001"]

    def test_broken_spreadsheet(self, tmp_path: Path) -> None:
        assert set(problems_of(write(tmp_path / "p.xlsx", "username\nada\n"))) == {"p.xlsx"}

    def test_spreadsheet_library_is_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "python_calamine", None)
        with pytest.raises(Unavailable, match=r"campuscore\[sheets\]"):
            read_roster(write(tmp_path / "p.xlsx", ""))

    @given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2)))
    def test_cells_survive(self, rows: list[list[str]]) -> None:
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
        faults = Faults()
        lines = lines_of(Text("p.csv", out.getvalue()), faults)
        assert faults.problems == []
        assert [list(line.cells) for line in lines[1:]] == [[c.strip() for c in r] for r in rows]


class TestEncodings:
    def test_byte_position_and_advice(self) -> None:
        ((path, detail),) = problems_of(DATA / "names" / "firstnames.csv").items()
        assert path == "firstnames.csv"
        assert "byte 1642 is 0x92" in detail
        assert "--encoding cp1252" in detail

    def test_folder_is_decoded_before_anything_else(self, copy_of: Folder) -> None:
        folder = copy_of("roster-sds1-100")
        edit(folder / "School.csv", "SIS ID", "Broken")
        data = (folder / "TeacherRoster.csv").read_bytes()
        (folder / "TeacherRoster.csv").write_bytes(data + b"\xe9")
        (folder / "unrelated.csv").write_bytes(b"\xff")
        found = problems_of(folder)
        assert set(found) == {"TeacherRoster.csv", "unrelated.csv"}
        assert f"byte {len(data)} is 0xe9" in found["TeacherRoster.csv"]

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("username,first name\nivan,Иван\nolga,Ольга Петрова\n", "cp1251"),
            ("username,first name\nzoe,Zoë\nrene,René\n", "cp1252"),
            ("username,first name\nada,Ada\n", "utf-16"),
            ("username,first name\nivan,Иван\n", "utf-16-le"),
            ("username,first name\nada,Zoë\n", "utf-16-be"),
            ("username,first name\nada,Ada\n", "utf-32"),
        ],
    )
    def test_advice_works(self, tmp_path: Path, text: str, encoding: str) -> None:
        path = write(tmp_path / "p.csv", text, encoding)
        if encoding == "utf-16-le":
            assert b"\x00" in path.read_bytes()
        try:
            roster = read_roster(path)
        except Invalid as error:
            (problem,) = error.problems
            assert problem.detail.endswith(f"--encoding {encoding}")
        roster = read_roster(path, encoding=encoding)
        rows = list(csv.reader(io.StringIO(text)))[1:]
        assert [[u.username, u.first_name] for u in roster.users] == rows

    def test_utf8_is_advised_when_another_was_asked_for(self, tmp_path: Path) -> None:
        path = write(tmp_path / "p.csv", "username\nzoë\n")
        assert problems_of(path, encoding="ascii")["p.csv"].endswith("--encoding utf-8")

    @pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1251"])
    def test_no_encoding_is_advised_for_what_is_no_text(
        self, tmp_path: Path, encoding: str
    ) -> None:
        book = openpyxl.Workbook()
        book.save(tmp_path / "a.csv")
        told = problems_of(tmp_path / "a.csv", encoding=encoding)["a.csv"]
        assert told == (
            "is no CSV file, but a ZIP archive or a spreadsheet, whose name has to end in .xlsx"
        )
        (tmp_path / "b.csv").write_bytes(b"username\nann\0a\xff\n")
        told = problems_of(tmp_path / "b.csv", encoding=encoding)["b.csv"]
        assert told == "byte 12 is zero, which no text has"

    def test_latin_1_is_the_last_advice(self, tmp_path: Path) -> None:
        path = tmp_path / "p.csv"
        path.write_bytes(b"username\n\x81\x98")
        assert problems_of(path)["p.csv"].endswith("--encoding latin-1")

    def test_position_counts_the_byte_order_mark(self, tmp_path: Path) -> None:
        path = tmp_path / "p.csv"
        path.write_bytes(b"\xef\xbb\xbfab\xff")
        assert "byte 5 is 0xff" in problems_of(path)["p.csv"]

    @pytest.mark.parametrize("encoding", ["klingon", "hex", "undefined", "\0"])
    def test_unknown_encoding(self, encoding: str) -> None:
        assert set(problems_of(DATA / "roster-sds21", encoding=encoding)) == {"encoding"}


class TestPaths:
    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            read_roster(tmp_path / "p.csv")
        with pytest.raises(NotFound):
            read_roster(tmp_path / "p.xlsx")

    def test_unreadable(self, tmp_path: Path) -> None:
        (tmp_path / "loop").symlink_to("loop")
        with pytest.raises(Unavailable):
            read_roster(tmp_path / "loop")

    def test_unknown_layout(self, tmp_path: Path) -> None:
        assert set(problems_of(tmp_path)) == {tmp_path.name}

    @pytest.mark.parametrize(
        ("stem", "source"), [("группа 7", "группа-7"), ("(?)", "people"), ("x" * 99, "x" * 50)]
    )
    def test_source_is_named_after_the_file(self, tmp_path: Path, stem: str, source: str) -> None:
        roster = read_roster(write(tmp_path / f"{stem}.csv", "username\nada\n"))
        assert roster.source == source
        assert check(roster) == []
