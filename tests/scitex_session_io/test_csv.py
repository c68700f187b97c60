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
from unittest import mock

import pytest
from hypothesis import HealthCheck, assume, given, settings
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
from scitex_session_io._files.forms import table_in_form
from support import run_script

same_directory = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
# What an instrument, a database or a person may mean as text, though it looks like something else.
hard_texts = st.sampled_from(
    [
        *("", " ", "007", "+4930901820", "3.10", "1E5", "1e999", "1.", ".5", "-0", "1_000", " 1"),
        *("nan", "NaN", "inf", "-Infinity", "True", "False", "true", "None", "NA", "0x1F", "1,5"),
        *('"', '""', "a,b", "a;b", "a\tb", "\r", "\n", "\r\n", "\ufeff", "\0", "\u0661"),
        *("2026-11-22", "1 2", "nan ", "1e5", "+1.5"),
    ]
)
texts = hard_texts | st.from_regex(r"[-+]?[0-9.,eE]{1,12}", fullmatch=True) | st.text()
columns = st.one_of(
    *(
        st.lists(cells | st.none(), min_size=3, max_size=3)
        for cells in (st.integers(), st.floats(), st.booleans(), texts)
    )
)
dialects = st.fixed_dictionaries(
    {},
    optional={
        "sep": st.sampled_from([",", ";", "\t", "|", " "]),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    },
) | st.fixed_dictionaries({"decimal": st.just(",")}, optional={"sep": st.sampled_from([";", "\t"])})


def bits(value: object) -> object:
    """Make NaN equal to itself, and -0.0 different from 0.0."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("d", value)
    return type(value), value


def bits_of(table: dict[str, list[Any]]) -> list[tuple[str, list[object]]]:
    return [(name, [bits(value) for value in column]) for name, column in table.items()]


@same_directory
@given(st.dictionaries(texts, columns, min_size=1, max_size=4), dialects)
def test_every_table_comes_back_to_the_bit_in_every_dialect(
    table: dict[str, list[Any]], dialect: dict[str, str]
) -> None:
    path = save(table, "table.csv", **dialect)
    back = load(path, into="columns", **dialect)
    assert bits_of(back) == bits_of(table)


@same_directory
@given(st.dictionaries(texts, columns, min_size=2, max_size=4))
def test_every_other_reader_sees_the_same_cells(table: dict[str, list[Any]]) -> None:
    path = save(table, "table.csv")
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    assert header == list(table)
    cells = [["" if v is None else str(v) for v in column] for column in table.values()]
    assert rows == [list(row) for row in zip(*cells, strict=True)]


@same_directory
@given(st.lists(st.one_of(texts, st.integers(), st.floats(), st.none(), st.booleans()), min_size=2))
def test_the_cells_of_a_first_row_have_each_their_own_type(row: list[Any]) -> None:
    assert [bits(v) for v in load(save([row], "t.csv"), into="rows")[0]] == [bits(v) for v in row]


@same_directory
@given(st.lists(st.integers() | st.floats() | st.booleans() | texts | st.none(), min_size=1))
def test_in_a_column_of_several_types_what_was_text_stays_text(column: list[Any]) -> None:
    back = load(save({"a": column, "b": column}, "t.csv"), into="columns")["a"]
    assert [b for a, b in zip(column, back, strict=True) if isinstance(a, str)] == [
        a for a in column if isinstance(a, str)
    ]


@same_directory
@given(st.lists(st.datetimes(timezones=st.none() | st.just(dt.UTC)), min_size=1))
def test_datetimes_are_texts_that_python_reads_back(column: list[dt.datetime]) -> None:
    back = load(save({"t": column}, "t.csv"), into="columns")["t"]
    assert [dt.datetime.fromisoformat(text) for text in back] == column


@same_directory
@given(
    st.lists(st.floats(-1e300, 1e300), min_size=1),
    st.sampled_from(["%.0f", "%.3f", "%.1e", "%.16e", "%.18e", "%+.6E", "%.17g", "%.40f"]),
)
def test_what_any_program_printed_of_floats_is_numbers(floats: list[float], how: str) -> None:
    cells = [how % value for value in floats]
    assume("." in how % 0.5 or all("." in cell or "e" in cell for cell in cells))
    Path("t.csv").write_text("a\n" + "".join(f"{cell}\n" for cell in cells))
    back = load("t.csv", into="columns")["a"]
    assert [float(b) for b in back] == [float(c) for c in cells]
    assert str not in map(type, back)


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


NUMBERS = {
    "1 2": [1, 2],
    "20.10 1.00E+05 -2.00000E-03 +1.20E+03 1e+05": [20.1, 1e5, -2e-3, 1.2e3, 1e5],
    "1 2.50": [1.0, 2.5],
    ".5 1. -.5e3": [0.5, 1.0, -500.0],
    "-0 2": [-0.0, 2.0],
    "nan -inf inf NaN": [math.nan, -math.inf, math.inf, math.nan],
    "nan 1": [math.nan, 1.0],
    "0.00 0.000e-999": [0.0, 0.0],
    "9007199254740993": [9007199254740993],
    "9007199254740992 0.5": [9007199254740992.0, 0.5],
    "5.684341886080802e-14": [2**-44],  # with as many digits, it is printed with a 1 at the end
    "0.1000000000000000055511151231257827": [0.1],
    "True False": [True, False],
}
TEXTS = [
    *("007 2", "+4930901820", "-007", "+1 2", "1E5", "1e5 1", "+1E5", "-1E5", "1e999", "1.0e999"),
    *("1.0e-400", "1_000 2", "9007199254740993 0.5", "0.1234567890123456789"),
    *("1234567890.123456789", "infinity 1", "Inf", "+inf", "NA 1", "True 1", "true True", "0x1F"),
    *("1.2.3", "1.5.", "x 1", "\u0661 1", "1,5 2", "1e+", "e+5", ".", "+.e+1", "1.0e+99999999999"),
]


@pytest.mark.parametrize(("cells", "values"), NUMBERS.items())
def test_unquoted_plain_decimals_are_numbers(cells: str, values: list[object]) -> None:
    Path("t.csv").write_text("a\tb\n" + "".join(f"{cell}\t\n" for cell in cells.split()))
    back = load("t.csv", into="columns", sep="\t")["a"]
    assert [bits(v) for v in back] == [bits(v) for v in values]
    with_gap = [*cells.split(), "", *cells.split()]
    Path("t.csv").write_text("a\tb\n" + "".join(f"{cell}\t\n" for cell in with_gap))
    back = load("t.csv", into="columns", sep="\t")["a"]
    assert [bits(v) for v in back] == [bits(v) for v in [*values, None, *values]]


@pytest.mark.parametrize("cells", TEXTS)
def test_a_column_of_anything_else_stays_text(cells: str) -> None:
    lines = ["a\tb", *(f"{cell}\t" for cell in cells.split())]
    Path("t.csv").write_text("\n".join(lines), encoding="utf-8")
    assert load("t.csv", into="columns", sep="\t")["a"] == cells.split()
    lines = ["a\tb", *(f"{cell}\t" for cell in [" 1", cells.split()[0]])]
    Path("t.csv").write_text("\n".join(lines), encoding="utf-8")
    assert load("t.csv", into="columns", sep="\t")["a"] == [" 1", cells.split()[0]]


def test_what_is_in_quotes_is_text_and_so_is_its_column() -> None:
    Path("t.csv").write_bytes(b'a,b,c,d\r\n1,"1",,"x ""y"""\r\n"2",2,"",5" pipe\r\n')
    assert load("t.csv", into="columns") == {
        "a": ["1", "2"],
        "b": ["1", "2"],
        "c": [None, ""],
        "d": ['x "y"', '5" pipe'],
    }


def test_texts_are_in_quotes_if_they_could_be_read_as_something_else() -> None:
    column = ["007", "+49", "3.10", "1e999", "nan", "True", "", None, "x", "1.2.3", "2026-11-22"]
    assert save({"a": column, "b": column}, "t.csv").read_text().split() == [
        *("a,b", '"007","007"', '"+49","+49"', '"3.10","3.10"', '"1e999","1e999"', '"nan","nan"'),
        *('"True","True"', '"",""', ",", "x,x", "1.2.3,1.2.3", "2026-11-22,2026-11-22"),
    ]


def test_in_a_single_column_nothing_and_the_empty_text_stay_apart() -> None:
    # pandas and Python's csv skip empty lines, and write `""` for None.
    assert save({"a": [1, None]}, "t.csv").read_text() == 'a\n1\n""\n'
    assert load("t.csv") == [{"a": 1}, {"a": None}]
    assert save({"a": ["x", None, ""]}, "t.csv").read_text() == '"a"\nx\n\n""\n'
    assert load("t.csv") == [{"a": "x"}, {"a": None}, {"a": ""}]
    Path("t.csv").write_text("a\n1\n\n2\n\n")
    assert load("t.csv") == [{"a": 1}, {"a": 2}]


def test_types_are_asked_for_by_name() -> None:
    Path("t.csv").write_text('t;n;q;b\n20.10;7;"0,5";True\n;08;"";False\n')
    assert load("t.csv", into="columns", sep=";", types="text") == {
        "t": ["20.10", None],
        "n": ["7", "08"],
        "q": ["0,5", ""],
        "b": ["True", "False"],
    }
    asked = {"t": str, "n": int, "q": float, "b": bool}
    assert load("t.csv", decimal=",", types=asked) == [
        {"t": "20.10", "n": 7, "q": 0.5, "b": True},
        {"t": None, "n": 8, "q": None, "b": False},
    ]
    assert load("t.csv", sep=";", types={"t": str})[1] == {
        "t": None,
        "n": "08",
        "q": "",
        "b": False,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"types": {"x": str}}, r"a name in types must be a column of .*t.csv: 'a', 'b', not 'x'"),
        ({"types": {"a": "str"}}, r"types\['a'\] must be str, int, float or bool, not 'str'"),
        ({"types": "texts"}, "types must be 'text' or a dict such as .*, not 'texts'"),
        ({"sep": "1"}, "sep must be a single character that no number has: .*, not '1'"),
        ({"sep": ";;"}, "sep must be a single character"),
        ({"sep": ",", "decimal": ","}, "sep must be a single character .* ',', not ','"),
        ({"decimal": ";"}, r"decimal must be '\.' or ',', not ';'"),
        ({"encoding": "utf-9"}, "encoding must be an encoding of text .*, not 'utf-9'"),
        ({"encoding": 8}, "encoding must be an encoding of text .*, not 8"),
        ({"encoding": "zlib"}, "encoding must be an encoding of text .*, not 'zlib'"),
    ],
)
def test_an_option_with_a_wrong_value_is_refused(options: dict[str, Any], message: str) -> None:
    Path("t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidValueError, match=message):
        load("t.csv", **options)
    if "types" not in options:
        with pytest.raises(InvalidValueError, match=message):
            save({"a": [1]}, "s.csv", **options)


def test_a_cell_that_is_not_of_the_type_asked_for_is_named() -> None:
    Path("t.csv").write_text("a,b\n1,True\n1.5,yes\n")
    with pytest.raises(MalformedError, match=r"t.csv, column 'a', row 1: '1.5' is not int"):
        load("t.csv", types={"a": int})
    with pytest.raises(MalformedError, match=r"t.csv, column 'b', row 1: 'yes' is not bool"):
        load("t.csv", types={"b": bool})


def test_files_of_german_and_old_programs_are_read() -> None:
    Path("g.csv").write_bytes("größe;n\n1.234,5;1\n".encode("cp1252"))
    with pytest.raises(MalformedError, match=r"g\.csv, byte 2: not UTF-8; encoding= says"):
        load("g.csv")
    # A point for thousands is no part of a plain decimal.
    assert load("g.csv", decimal=",", encoding="cp1252") == [{"größe": "1.234,5", "n": 1}]
    Path("g.csv").write_bytes("größe;n\n-0,50;1\n".encode("utf-16"))  # Excel's "Unicode text"
    assert load("g.csv", decimal=",") == [{"größe": -0.5, "n": 1}]
    with pytest.raises(UnsavableError, match="the row '\u03b1' is '\u03b1'; CSV takes LATIN-1"):
        save({"a": ["\u03b1"]}, "l.csv", encoding="latin-1")


def test_what_stands_in_cells_is_written_as_text() -> None:
    class Colour(enum.Enum):
        RED = "red"

    row = {
        "when": dt.datetime(2026, 11, 22, 5, 9, tzinfo=dt.UTC),
        "path": Path("a/b"),
        "colour": Colour.RED,
        "exact": decimal.Decimal("0.10"),
        "none": decimal.Decimal("sNaN"),
        "took": -dt.timedelta(hours=26, microseconds=5),
    }
    assert save([row], "t.csv").read_text() == (
        "when,path,colour,exact,none,took\n"
        "2026-11-22T05:09:00+00:00,a/b,red,0.10,nan,-P1DT2H0M0.000005S\n"
    )


@pytest.mark.parametrize("empty", [[], {}])
def test_an_empty_table_is_an_empty_file(empty: object) -> None:
    assert save(empty, "t.csv").read_bytes() == b""
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
        ({"a": ["\udcff"]}, UnsavableError, "is text with a lone surrogate; CSV takes UTF-8"),
        ({"a": [10**5000]}, UnsavableError, "column 'a' is an int of more than 4300 digits"),
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
    Path("t.csv").touch()
    with pytest.raises(InvalidValueError, match="into must be one of 'dicts', 'columns', 'rows'"):
        load("t.csv", into="polars")


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
    series = {"s": pd.Series(["x", None]), "n": pd.Series([1, pd.NA], dtype="Int64")}
    assert load(save(series, "m.csv")) == [{"s": "x", "n": 1}, {"s": None, "n": None}]


def test_the_index_of_a_frame_is_there_if_it_has_a_name_or_is_asked_for() -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed: nothing to save")
    frame = pd.DataFrame({"a": [1, 2, 3]})
    for part in (frame, frame[1:], frame[::-1]):
        assert load(save(part, "t.csv"), into="rows")[0] == ["a"]
    assert load(save(frame[2:], "t.csv", index=True)) == [{"index": 2, "a": 3}]
    assert load(save(frame.rename_axis("i"), "t.csv"), into="rows")[0] == ["i", "a"]
    assert load(save(frame.rename_axis("i"), "t.csv", index=False), into="rows")[0] == ["a"]
    two = frame.set_index(pd.MultiIndex.from_product([["x"], [1, 2, 3]], names=["k", None]))
    assert load(save(two, "t.csv"))[0] == {"k": "x", "level_1": 1, "a": 1}
    with pytest.warns(UserWarning, match="index of the frame has no name, and is not saved: index"):
        save(frame.describe(), "t.csv")
    with pytest.raises(MalformedError, match="two columns are named 'a'"):
        save(frame.rename_axis("a"), "t.csv")
    with pytest.raises(InvalidValueError, match="index must be True, False or None, not 'id'"):
        save(frame, "t.csv", index="id")


def test_times_of_numpy_and_pandas_are_iso_to_the_nanosecond() -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed: nothing to save")
    np = pytest.importorskip("numpy", reason="numpy is not installed: nothing to save")
    when = np.array(["2024-01-01", "2024-01-01T00:00:00.000000001", "NaT"], dtype="M8[ns]")
    took = np.array([0, -1_500_000_000, "NaT"], dtype="m8[ns]")
    expected = {
        "when": ["2024-01-01T00:00:00", "2024-01-01T00:00:00.000000001", None],
        "took": ["P0DT0H0M0S", "-P0DT0H0M1.5S", None],
    }
    table = {"when": when, "took": took}
    assert load(save(table, "t.csv"), into="columns") == expected
    assert load(save(pd.DataFrame(table), "t.csv"), into="columns") == expected
    rows = [{"when": a, "took": b} for a, b in zip(when, took, strict=True)]
    assert load(save(rows, "t.csv"), into="columns") == expected
    fields = np.rec.fromarrays([when, took], names="when,took")
    assert load(save(fields, "t.csv"), into="columns") == expected
    back = load("t.csv", into="pandas")
    assert (pd.to_timedelta(back["took"]).dropna() == took[:2]).all()
    years = np.array([1, -1], "m8[Y]")
    assert load(save({"a": years}, "t.csv"), into="columns") == {"a": ["P1Y", "-P1Y"]}


odd_cells = texts.map(lambda text: text.replace('"', "'")) | st.from_regex(
    r"[-+ ]{0,2}[0-9]{0,18}[.,]?[0-9]{0,18}([eE][-+]?[0-9]{1,3})?[ ]?", fullmatch=True
)
usual_cells = st.sampled_from(
    [
        st.floats().map(repr),
        st.floats(-1e20, 1e20).map(lambda value: f"{value:.3f}"),
        st.floats().map(lambda value: f"{value:.17g}"),
        st.floats(-1000, 1000).map(lambda value: f"{value:.17f}"),
        st.integers().map(str),
        st.integers(-100, 100).map(str),
        st.booleans().map(str),
        st.sampled_from(["True", "TRUE", "true", ""]),
        st.sampled_from(["x", "y z", ""]),
        st.sampled_from(["0", "0.0", "-0.0", "0.000000", "1.5e-400", "", "nan"]),
        texts.map(lambda text: '"' + text.replace('"', '""') + '"'),
        odd_cells,
    ]
)


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, str]:
    """Make a file of columns of usual cells, in which a few odd ones stand, and its dialect."""
    sep, decimal = draw(st.sampled_from([(",", "."), ("\t", "."), (";", ",")]))
    rows = draw(st.integers(1, 12))
    made = []
    for _ in range(draw(st.integers(2, 4))):
        column = draw(st.lists(draw(usual_cells), min_size=rows, max_size=rows))
        if decimal == "," and draw(st.booleans()):
            column = [cell if '"' in cell else cell.replace(".", ",") for cell in column]
        if draw(st.booleans()):
            column[draw(st.integers(0, rows - 1))] = draw(odd_cells)
        made.append(column)
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [sep.join(f"c{i}" for i in range(len(made))), *map(sep.join, zip(*made, strict=True))]
    return end.join(lines) + draw(st.sampled_from(["", end])), sep, decimal


@pytest.mark.parametrize("parser", ["Arrow", "pandas"])
@settings(same_directory, max_examples=150)
@given(files())
def test_the_answer_is_the_same_with_and_without_a_quick_parser(
    parser: str, file: tuple[str, str, str]
) -> None:
    if parser == "Arrow":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: nothing to compare")
    pd = pytest.importorskip("pandas", reason="pandas is not installed: nothing to compare")
    content, sep, decimal = file
    Path("t.csv").write_bytes(content.encode())

    def read(into: Any) -> Any:
        try:
            return load("t.csv", into=into, sep=sep, decimal=decimal)
        except MalformedError as error:
            return str(error)

    with mock.patch.dict(sys.modules, {"pandas": None}):
        plain = read("columns")
    with mock.patch.dict(sys.modules, {} if parser == "Arrow" else {"pyarrow.csv": None}):
        quick, frame = read("columns"), read("pandas")
    if isinstance(plain, str):
        assert quick == frame == plain
    else:
        assert bits_of(quick) == bits_of(plain)
        pd.testing.assert_frame_equal(frame, table_in_form([*plain], [*plain.values()], "pandas"))


def test_polars_frames_are_tables() -> None:
    pl = pytest.importorskip("polars", reason="polars is not installed: nothing to save")
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
    assert save(frame, "t.csv").read_text() == "a,b\n1,x\n,y\n"
    assert save(frame["a"], "s.csv").read_text() == 'a\n1\n""\n'
    when = pl.Series("t", [1, None]).cast(pl.Datetime("ns"))
    assert load(save(when, "t.csv")) == [{"t": "1970-01-01T00:00:00.000000001"}, {"t": None}]


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
