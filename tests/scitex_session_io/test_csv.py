"""CSV: what comes back is what was saved, to the bit, whatever is installed."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import enum
import math
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scitex_session_io import (
    InvalidValueError,
    MalformedError,
    MissingLibraryError,
    TooLargeError,
    UnsavableError,
    load,
    save,
)
from support import run_script

same_directory = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
# Text that is no number, bool or empty cell, which CSV can't tell from one.
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(lambda text: "t" + text)
columns = st.one_of(
    st.lists(st.integers() | st.none(), min_size=3, max_size=3),
    st.lists(st.floats() | st.none(), min_size=3, max_size=3),
    st.lists(st.booleans() | st.none(), min_size=3, max_size=3),
    st.lists(texts | st.none(), min_size=3, max_size=3),
)


def bits(value: object) -> object:
    """Make NaN equal to itself, and -0.0 different from 0.0."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("d", value)
    return type(value), value


@same_directory
@given(st.dictionaries(texts, columns, min_size=1, max_size=4))
def test_every_table_comes_back_to_the_bit(table: dict[str, list[Any]]) -> None:
    path = save(table, "table.csv")
    back = load(path, into="columns")
    assert list(back) == list(table)
    assert [[bits(v) for v in c] for c in back.values()] == [
        [bits(v) for v in c] for c in table.values()
    ]
    # And any other reader sees the same cells.
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file, strict=True))) == 4


@pytest.mark.parametrize(
    "table",
    [
        [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
        {"a": [1, 2], "b": ["x", None]},
        {"a": (1, 2), "b": ["x", None]},
        [["a", "b"], [1, "x"], [2, None]],
        [("a", "b"), (1, "x"), (2, None)],
        [{"a": 1, "b": "x"}, {"a": 2}],
    ],
)
def test_tables_of_all_shapes_give_the_same_file(table: object) -> None:
    path = save(table, "t.csv")
    assert path.read_bytes() == b"a,b\n1,x\n2,\n"
    assert load(path) == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert load(path, into="columns") == {"a": [1, 2], "b": ["x", None]}
    assert load(path, into="rows") == [["a", "b"], [1, "x"], [2, None]]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "2"], [1, 2]),
        (["007", "2"], ["007", "2"]),
        (["-0", "2"], [-0.0, 2.0]),
        (["+1", "2"], [1.0, 2.0]),
        (["1", "2.50"], [1.0, 2.5]),
        (["9007199254740993", "0.5"], ["9007199254740993", "0.5"]),
        (["9007199254740993", ""], [9007199254740993, None]),
        (["1_000", "2"], ["1_000", "2"]),
        ([" 1", "2"], [" 1", "2"]),
        (["nan", "-inf"], [math.nan, -math.inf]),
        (["infinity", "1"], ["infinity", "1"]),
        (["True", ""], [True, None]),
        (["True", "1"], ["True", "1"]),
        (["true", "True"], ["true", "True"]),
        (["", ""], [None, None]),
        (["1e5", "1"], [1e5, 1.0]),
        (["x", "1"], ["x", "1"]),
        (["\u0661", "1"], ["\u0661", "1"]),
    ],
)
def test_a_column_has_one_type_and_loses_nothing(cells: list[str], values: list[object]) -> None:
    Path("t.csv").write_text("a\n" + "".join(f'"{cell}"\n' for cell in cells), encoding="utf-8")
    assert [bits(v) for v in load("t.csv", into="columns")["a"]] == [bits(v) for v in values]


def test_what_stands_in_cells_is_written_as_text() -> None:
    class Colour(enum.Enum):
        RED = "red"

    row = {
        "when": dt.datetime(2026, 11, 22, 5, 9, tzinfo=dt.UTC),
        "path": Path("a/b"),
        "colour": Colour.RED,
        "exact": decimal.Decimal("0.10"),
    }
    assert save([row], "t.csv").read_text() == (
        "when,path,colour,exact\n2026-11-22T05:09:00+00:00,a/b,red,0.10\n"
    )


@pytest.mark.parametrize("empty", [[], {}])
def test_an_empty_table_is_an_empty_file(empty: object) -> None:
    assert save(empty, "t.csv").read_bytes() == (b"" if empty == [] else b"\n")
    assert load("t.csv") == []
    assert load("t.csv", into="columns") == {}
    assert load("t.csv", into="rows") == []


def test_a_table_without_rows_keeps_its_columns() -> None:
    save({"a": [], "b": []}, "t.csv")
    assert load("t.csv") == []
    assert load("t.csv", into="columns") == {"a": [], "b": []}


def test_long_cells_windows_files_and_byte_order_marks_are_read() -> None:
    limit = csv.field_size_limit()
    save({"a": ["x" * 150_000]}, "t.csv")
    assert load("t.csv") == [{"a": "x" * 150_000}]
    assert csv.field_size_limit() == limit
    Path("w.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n1,2\r\n\r\n")
    assert load("w.csv") == [{"a": 1, "b": 2}]


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (3, UnsavableError, "obj is int; CSV takes a list of dicts, a dict of equally long"),
        ({"a": 1}, UnsavableError, r"obj\['a'\] is int"),
        ({"a": "text"}, UnsavableError, r"obj\['a'\] is str"),
        ([1, 2], UnsavableError, "obj is list"),
        ({"a": [1], "b": [1, 2]}, MalformedError, "different lengths: {'a': 1, 'b': 2}"),
        ([[1, 2], [1]], MalformedError, r"obj\[1\]: 1 cells, where the first has 2"),
        ([{"a": [1]}], UnsavableError, "row 0, column 'a' is list; CSV takes None, bool"),
        ({"a": [1, b"x"]}, UnsavableError, "row 1, column 'a' is bytes"),
        ({"a": [1j]}, UnsavableError, "column 'a' is complex"),
        ({1: [1], "1": [2]}, MalformedError, "two columns are named '1'"),
        ({"a": ["\udcff"]}, UnsavableError, "lone surrogate"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(
    table: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        save(table, "t.csv")
    assert not Path("t.csv").exists()


@pytest.mark.parametrize(
    ("content", "into", "message"),
    [
        (b"a,b\n1,2\n3\n", None, r"t.csv, line 3: 1 cells, where the first line has 2"),
        (b"a,a\n1,2\n", None, "more than one column is named 'a'; into='rows' reads it"),
        (b'a\n"1\n', None, "line 2: not CSV: unexpected end of data"),
        (b"a\n\xff\n", None, "byte 2: not UTF-8"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(content: bytes, into: Any, message: str) -> None:
    Path("t.csv").write_bytes(content)
    with pytest.raises(MalformedError, match=message):
        load("t.csv", into=into)


def test_an_unknown_shape_is_refused_and_names_those_that_exist() -> None:
    with pytest.raises(InvalidValueError, match="into must be one of 'dicts', 'columns', 'rows'"):
        load("t.csv", into="polars")  # type: ignore[arg-type]


@pytest.mark.parametrize("library", ["numpy", "pandas"])
def test_a_library_that_is_not_installed_is_named(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, library, None)
    save({"a": [1]}, "t.csv")
    with pytest.raises(MissingLibraryError, match=f"into='{library}' needs {library}: pip install"):
        load("t.csv", into=library)


def test_numpy_arrays_and_numbers_come_back_to_the_bit() -> None:
    np = pytest.importorskip("numpy", reason="numpy is not installed: nothing to save")
    floats = np.array([0.1, math.pi, math.nan, -0.0, 5e-324])
    save(floats, "f.csv")
    assert load("f.csv", into="numpy")["0"].tobytes() == floats.tobytes()
    save(np.arange(6).reshape(2, 3), "2d.csv")
    assert load("2d.csv", into="rows") == [[0, 1, 2], [0, 1, 2], [3, 4, 5]]
    table = np.array([(1, 0.5, "x"), (2, 1.5, "y")], dtype=[("a", "i8"), ("b", "f8"), ("c", "U1")])
    save(table, "t.csv")
    assert (load("t.csv", into="numpy") == table).all()
    save([{"a": np.float32(0.1), "b": np.int8(3), "c": np.bool_(True)}], "s.csv")
    assert load("s.csv") == [{"a": float(np.float32(0.1)), "b": 3, "c": True}]
    save({"a": np.arange(2), "b": [None, 1]}, "m.csv")
    assert np.isnan(load("m.csv", into="numpy")["b"][0])
    with pytest.raises(UnsavableError, match="numpy array of 3 dimensions"):
        save(np.zeros((1, 1, 1)), "3d.csv")


def test_pandas_frames_come_back_with_their_types() -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed: nothing to save")
    frame = pd.DataFrame(
        {
            "i": pd.array([2**60 + 1, None], dtype="Int64"),
            "f": [0.1, math.nan],
            "s": ["x", None],
            "b": pd.array([True, None], dtype="boolean"),
        }
    )
    path = save(frame, "t.csv")
    assert path.read_text() == "i,f,s,b\n1152921504606846977,0.1,x,True\n,nan,,\n"
    back = load(path, into="pandas")
    pd.testing.assert_frame_equal(back, frame)
    named = frame.set_index("s")
    assert save(named, "n.csv").read_text().startswith("s,i,f,b\nx,")
    assert save(frame["f"], "f.csv").read_text() == "f\n0.1\nnan\n"
    when = pd.DataFrame({"t": [pd.Timestamp("2026-11-22"), pd.NaT]})
    assert save(when, "w.csv").read_text() == 't\n2026-11-22T00:00:00\n""\n'


def test_polars_frames_are_tables() -> None:
    pl = pytest.importorskip("polars", reason="polars is not installed: nothing to save")
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
    assert save(frame, "t.csv").read_text() == "a,b\n1,x\n,y\n"
    assert save(frame["a"], "s.csv").read_text() == 'a\n1\n""\n'


def test_a_table_of_very_many_columns_is_loaded() -> None:
    # With a time that grows by the square of the columns this would take minutes.
    names = [f"column_{i}" for i in range(150_000)]
    Path("wide.csv").write_text(",".join(names) + "\n" + ",".join(map(str, range(150_000))) + "\n")
    assert load("wide.csv") == [{name: i for i, name in enumerate(names)}]


def test_of_many_names_that_stand_twice_a_few_are_said() -> None:
    Path("t.csv").write_text(",".join([f"c{i}" for i in range(1000)] * 2) + "\n")
    with pytest.raises(
        MalformedError, match=r"is named 'c0', .* and 995 more; into='rows'"
    ) as error:
        load("t.csv")
    assert len(str(error.value)) < 300


def test_a_number_of_more_digits_than_python_reads_stays_text() -> None:
    Path("t.csv").write_text("a\n1\n" + "9" * 5000 + "\n")
    assert load("t.csv", into="columns") == {"a": ["1", "9" * 5000]}


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_a_file_that_does_not_fit_into_memory_is_said_in_one_sentence(suffix: str) -> None:
    with Path(f"huge{suffix}").open("wb") as file:
        file.truncate(1 << 43)  # a hole: it takes no room
    with pytest.raises(TooLargeError, match=r"huge.*: its 8796093022208 bytes do not fit into mem"):
        load(f"huge{suffix}")


@pytest.mark.skipif(sys.platform != "linux", reason="limiting memory needs Linux")
@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_where_memory_runs_out_while_loading_that_is_said_too(suffix: str) -> None:
    large = "[" + "1.5,\n" * 3_000_000 + "1]" if suffix == ".json" else "a\n" * 9_000_000
    Path(f"large{suffix}").write_text(large)
    finished = run_script(f"""
        import resource
        from scitex_session_io import TooLargeError, load
        try: load("missing{suffix}")
        except FileNotFoundError: pass
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (40 << 20),) * 2)
        try: load("large{suffix}")
        except TooLargeError as error: print(error)
    """)
    assert finished.stdout.endswith("bytes do not fit into memory\n"), finished
