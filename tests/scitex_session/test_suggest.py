"""The name that was probably meant."""

from __future__ import annotations

import pytest

from scitex_session._suggest import suggest

KNOWN = ["lr", "batch_size", "--data-path", "MODEL"]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("lrr", "lr"),
        ("batch-size", "batch_size"),
        ("Batch_Sice", "batch_size"),
        ("--data_paht", "--data-path"),
        ("model", "MODEL"),
        ("epochs", None),
        ("", None),
        ("batch_size" * 100_000, None),
    ],
)
def test_the_nearest_name_is_found_whatever_its_case_and_dashes(
    word: str, name: str | None
) -> None:
    assert suggest(word, KNOWN) == name


def test_nothing_is_near_where_nothing_is_known() -> None:
    assert suggest("lr", []) is None
