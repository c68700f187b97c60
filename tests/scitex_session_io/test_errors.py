"""Errors are of the builtin kind that a caller expects, and travel between processes."""

from __future__ import annotations

import pickle

import pytest

import scitex_session_io as io

ERRORS = [
    (io.InvalidValueError("mode", "x", "one of 'fd'"), ValueError),
    (io.InvalidTypeError("stdout", "None", "a path"), TypeError),
    (io.UnknownFormatError("a.xyz", (".csv", ".json")), ValueError),
    (io.UnknownFormatError("a.pdf", (".png",), "saved"), ValueError),
    (io.UnsafeFileError("a.pkl", "a pickle"), ValueError),
    (io.UnsavableError("JSON", "obj[0]", "object", "numbers"), TypeError),
    (io.MalformedError("t.csv, line 3", "too short"), ValueError),
    (io.TooLargeError("t.csv", 1 << 50), MemoryError),
    (io.MissingFileError("r.json", ["/a/r.json", "/b/r.json"]), FileNotFoundError),
    (io.UsedCaptureError(("o.log", "e.log")), RuntimeError),
    (io.MissingLibraryError("pandas", "into='pandas'"), ImportError),
]


@pytest.mark.parametrize(("error", "kind"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_is_of_a_builtin_kind_and_survives_pickling(
    error: io.IoError, kind: type[Exception]
) -> None:
    assert isinstance(error, kind)
    assert isinstance(error, io.IoError)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert vars(back) == vars(error)
    assert str(back) == str(error)


@pytest.mark.parametrize(("error", "_kind"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_is_made_anew_as_other_libraries_do(error: io.IoError, _kind: object) -> None:
    kind = type(error)
    assert type(kind.__new__(kind)) is kind  # tblib, and with it Dask


def test_a_missing_file_has_what_the_system_s_own_error_has() -> None:
    error = io.MissingFileError("r.json", [])
    assert (error.errno, error.filename) == (2, "r.json")
