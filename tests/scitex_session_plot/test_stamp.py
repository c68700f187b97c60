from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_plot._stamp.places import stamp_text
from scitex_session_plot._stamp.text import stamps_in

TIME = "2026-11-22T05:09:48+00:00"


def test_a_stamp_is_one_line_of_ascii_that_says_its_schema() -> None:
    text = stamp_text({"id": "x", "script": "Größe\n.py"}, TIME)
    assert text == (
        f'{{"scitex-session":1,"id":"x","script":"Gr\\u00f6\\u00dfe\\n.py","time":"{TIME}"}}'
    )


def test_what_is_not_known_is_left_out() -> None:
    assert "commit" not in stamp_text({"id": "x", "commit": None}, TIME)


@given(st.text(), st.text(), st.text())
def test_a_stamp_is_found_between_any_texts(before: str, script: str, after: str) -> None:
    text = stamp_text({"id": "x", "script": script}, TIME)
    found = [stamp for stamp in stamps_in(before + text + after) if stamp["id"] == "x"]
    assert found == [{"scitex-session": 1, "id": "x", "script": script, "time": TIME}]


def test_another_writer_of_json_may_have_set_spaces() -> None:
    assert next(stamps_in('{ "scitex-session" : 7, "id" : "x" }'))["scitex-session"] == 7


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"scitex-session":',
        '{"scitex-session":1}',
        '{"scitex-session":1,"id":7}',
        '{"scitex-session":1,"id":"x"',
        '{"scitex-session":' + "[" * 5000,
        '{"other":1,"id":"x"}',
    ],
)
def test_what_names_no_run_is_no_stamp(text: str) -> None:
    assert list(stamps_in(text)) == []


@given(st.lists(st.sampled_from(['{"scitex-session":', "1", ',"id":', '"x"', "}", "[", "\\"])))
def test_garbage_ends(parts: list[str]) -> None:
    found: list[dict[str, Any]] = list(stamps_in("".join(parts)))
    assert all(isinstance(stamp["id"], str) for stamp in found)
