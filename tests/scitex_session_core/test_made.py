"""What is kept of the files that a run made."""

from __future__ import annotations

import hashlib

import pytest

from scitex_session_core._registry.journal import as_fact, is_digest, kept_of, made_by

DIGEST = hashlib.sha256(b"x").hexdigest()


def artifact(digest: object, role: str = "output") -> dict[str, object]:
    return {"path": "x", "sha256": digest, "bytes": 1, "role": role}


def test_of_a_file_that_was_made_the_beginning_of_its_digest_is_kept() -> None:
    assert made_by([artifact(DIGEST)]) == [DIGEST[:15]]


def test_the_same_content_is_kept_once() -> None:
    assert made_by([artifact(DIGEST), artifact(DIGEST)]) == [DIGEST[:15]]


def test_what_a_run_read_it_has_not_made() -> None:
    assert made_by([artifact(DIGEST, role="input")]) == []


@pytest.mark.parametrize("digest", [None, 7, "", DIGEST[:-1], DIGEST.upper(), "g" * 64])
def test_what_is_no_digest_is_passed_over(digest: object) -> None:
    assert not is_digest(digest)
    assert made_by([artifact(digest)]) == []


@pytest.mark.parametrize("artifacts", [None, {}, "text", [None, 1, "x", []]])
def test_garbage_in_the_place_of_artifacts_is_none(artifacts: object) -> None:
    assert made_by(artifacts) == []


def test_the_index_has_it_as_an_integer_that_sqlite_holds() -> None:
    assert as_fact(kept_of("f" * 64)) == 2**60 - 1


@pytest.mark.parametrize("kept", ["", "f" * 14, "f" * 16, "g" * 15, "-" + "f" * 14])
def test_garbage_is_no_fact(kept: str) -> None:
    assert as_fact(kept) is None
