"""What the OpenAPI document says holds for thousands of requests made from it, as four people.

No answer is undocumented or an error of ours; none tells of the far side what the person may not
know, and no request changes it.
"""

from __future__ import annotations

import io
import zipfile

import pytest

pytestmark = pytest.mark.api


@pytest.mark.parametrize("person", ["administrator", "teacher", "student", "nobody"])
def test_answers_are_as_documented_and_tell_nobody_of_others(person, tmp_path):
    from .rights import far_objects, reachable
    from .runs import Run
    from .stage import open_stage

    stage = open_stage(person, tmp_path)
    with stage.campus:
        run = Run(stage)
        run.of_everything()
        expected = reachable(stage)

    if run.problems:
        told = "\n\n".join(dict.fromkeys(run.problems))
        pytest.fail(f"{len(run.problems)} problems in {run.count} answers to {person}:\n{told}")
    assert run.reached == expected
    if person != "administrator":
        assert run.entered == far_objects(person)


class TestChecking:
    """The check of texts can fail."""

    @pytest.fixture
    def said(self):
        from .checks import said_of

        return said_of

    @pytest.fixture
    def sheet(self):
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/sheet1.xml", "<t>canary-own-7.course</t>" * 9)
        return held.getvalue()

    def test_a_text_in_an_answer_is_found_by_its_kind(self, said):
        answer = b'[{"name": "canary-own-7"}, {"name": "canary_shelf_7"}]'

        assert said("own", b"", answer) == {b"canary-own-7"}
        assert said("shelf", b"", answer) == {b"canary_shelf_7"}
        assert said("directory", b"", answer) == set()

    def test_a_text_in_a_sheet_is_found(self, said, sheet):
        assert b"canary" not in sheet
        assert said("own", b"", sheet) == {b"canary-own-7"}

    def test_rows_that_have_ids_alone_are_found(self, said):
        assert said("own", b"", b'"timestamp":"2026-03-04T05:06:07.717171Z"') == {b".717171Z"}
        assert said("own", b"", b'"begin":"2017-07-17","end":null') == {b"2017-07-17"}

    def test_what_a_request_said_itself_is_not_told(self, said):
        asked = b"/attendance/?user=canary%2Ddirectory%2D7.student"

        assert said("directory", asked, b"there is no user canary-directory-7.student") == set()
        assert said("directory", asked, b"canary-directory-8") == {b"canary-directory-8"}
