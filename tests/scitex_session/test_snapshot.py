"""``CONFIGS/CONFIG.yaml`` is read back equal, and says what stands in it for something else."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import tempfile
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scitex_session import DotDict
from scitex_session._config.folder import ConfigFiles
from scitex_session._config.yaml import read_yaml
from scitex_session._lifecycle.artifacts import save_script
from scitex_session._lifecycle.options import Options
from scitex_session._lifecycle.written_config import to_yaml, write_config
from scitex_session_core import is_secret_name

NOTHING = ConfigFiles({}, {}, {}, debug=False)


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Model:
    lr: float
    layers: tuple[int, ...]


def written(values: dict[str, Any], files: ConfigFiles = NOTHING, **origins: str) -> str:
    run_dir = Path(tempfile.mkdtemp(dir=Path.cwd()))
    write_config(run_dir, DotDict(values), files, Options({}, origins=origins))
    return (run_dir / "CONFIGS" / "CONFIG.yaml").read_text(encoding="utf-8")


def read_back(text: str) -> list[Any]:
    """What readers of YAML 1.1 (PyYAML) and of 1.2 (ours) make of it."""
    path = Path("read.yaml")
    path.write_text(text, encoding="utf-8")
    return [yaml.safe_load(text) or {}, read_yaml(path).bare()]


OFFSETS = st.integers(-23 * 60, 23 * 60).map(
    lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes))
)
# A name that is that of a secret has its value masked.
KEYS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="kKtTsSpPbBcC:/")
).filter(lambda key: not is_secret_name(key))  # in other scripts, too
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**1999), 2**1999)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters=":-_ "), max_size=15)
    | st.dates()
    | st.datetimes(timezones=st.none() | OFFSETS)
    | st.floats(allow_nan=False, width=32).map(np.float32)
    | st.integers(-(2**63), 2**63 - 1).map(np.int64)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS | st.integers() | st.booleans() | st.dates(), inner, max_size=4)
        | st.sets(st.integers() | st.dates() | st.sampled_from(["a", "on", "1"]), max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(KEYS.filter(lambda key: key not in ("FILE", "ARGS")), VALUES))
def test_what_yaml_can_say_is_read_back_equal(values: dict[str, Any]) -> None:
    assert read_back(written(values)) == [values, values]


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        (Path("/data/x"), "/data/x", "Path"),
        (PurePosixPath("x"), "x", "Path"),
        (Colour.RED, "RED", "Colour"),
        (Decimal("1.5"), "Decimal('1.5')", "Decimal"),
        (datetime.timedelta(1), "1 day, 0:00:00", "timedelta"),
        (datetime.time(5, 9), "05:09:00", "time"),
        (b"raw", "b'raw'", "bytes"),
        (2**2001, hex(2**2001), "int"),
        (
            np.datetime64("2026-11-22T05:09:48.5", "ns"),
            "2026-11-22T05:09:48.500000000",
            "datetime64",
        ),
        ((1, 2), [1, 2], "tuple"),
        ([Path("a"), Colour.RED, 1], ["a", "RED", 1], "list of Colour and Path"),
        ({(1, 2)}, [[1, 2]], "set"),
        (Model(0.5, (1,)), {"lr": 0.5, "layers": [1]}, "Model"),
    ],
)
def test_what_yaml_has_no_form_for_is_written_as_text_and_said(
    value: object, text: object, kind: str
) -> None:
    document = written({"X": {"y": value}})
    assert read_back(document) == [{"X": {"y": text}}] * 2
    assert f"  # {kind}\n" in document


@pytest.mark.parametrize(
    "value",
    [1, 0.5, "text", None, True, [1, "a"], {"a"}, np.float64(0.5), np.int8(3), frozenset({1})],
)
def test_what_is_read_back_as_it_was_has_no_remark(value: object) -> None:
    assert "#" not in written({"X": value})


@pytest.mark.parametrize("key", ["yes", "No", "null", "ON", "1", "", "a b", "a: b", "- x", "#"])
def test_keys_that_yaml_would_read_as_something_else_are_quoted(key: str) -> None:
    assert read_back(to_yaml({key: 1})) == [{key: 1}, {key: 1}]


@pytest.mark.parametrize("text", ["k" * 5000, "é" * 900 + " x"], ids=["plain", "quoted"])
def test_a_key_longer_than_yaml_allows_without_a_mark_is_read_back(text: str) -> None:
    values = {"long": {text: {"a": 1}, text + "2": [2]}}
    assert read_back(to_yaml(values)) == [values] * 2


def test_a_text_that_is_no_unicode_leaves_the_file_readable() -> None:
    assert read_back(to_yaml({"file": "a\udc80b"})) == [{"file": r"a\udc80b"}] * 2


def test_an_origin_with_control_characters_leaves_the_file_readable() -> None:
    text = written({"ARGS": {"a": 1}}, a="config/a\x07b\x85.yaml:1")
    assert read_back(text) == [{"ARGS": {"a": 1}}] * 2


@pytest.mark.parametrize("number", [1e-05, 1e22, -3e-12, 0.1, 1.0])
def test_floats_stay_floats(number: float) -> None:
    for found in read_back(to_yaml({"x": number})):
        assert type(found["x"]) is float
        assert found["x"] == number


def test_numbers_that_are_not_finite_stay_numbers() -> None:
    for found in read_back(written({"X": [float("inf"), float("-inf"), float("nan")]})):
        assert found["X"][:2] == [float("inf"), float("-inf")]
        assert found["X"][2] != found["X"][2]


def test_a_moment_whose_offset_has_seconds_is_a_text() -> None:
    zone = datetime.timezone(datetime.timedelta(seconds=1))
    moment = datetime.datetime(2026, 1, 1, tzinfo=zone)
    assert read_back(written({"X": moment})) == [{"X": moment.isoformat()}] * 2


def test_each_value_has_its_origin_behind_it() -> None:
    files = ConfigFiles(
        {"MODEL": {"lr": 1, "key": "used"}},
        {"MODEL": {"lr": 1, "key": "***"}},
        {("MODEL", "lr"): "config/model.yaml:1", ("MODEL", "key"): "config/model.yaml:2, ${env:K}"},
        debug=False,
    )
    config = {"SDIR": Path("run"), "ARGS": DotDict(n=1, out=Path("x")), **files.values}
    assert written(config, files, n="command line", out="default") == (
        'SDIR: "run"  # while it runs; Path\n'
        "ARGS:\n"
        '  "n": 1  # command line\n'
        '  out: "x"  # default; Path\n'
        "MODEL:\n"
        "  lr: 1  # config/model.yaml:1\n"
        '  key: "***"  # config/model.yaml:2, ${env:K}\n'
    )


def test_what_looks_like_a_secret_is_masked() -> None:
    assert "hunter2" not in written({"ARGS": {"password": "hunter2", "a": {"api_key": "hunter2"}}})


def test_the_script_is_kept_and_never_copied_over_itself() -> None:
    script = Path("code/a.py").absolute()
    script.parent.mkdir()
    script.write_text("pass\n")
    save_script(Path.cwd(), script)
    save_script(Path.cwd(), None)
    assert [path.name for path in Path.cwd().rglob("*.py")] == ["a.py"]
    Path("run").mkdir()
    save_script(Path("run"), script)
    assert Path("run/code/a.py").read_text() == "pass\n"


def test_what_was_asked_from_outside_the_script_stands_at_the_top_with_its_origin() -> None:
    run_dir = Path(tempfile.mkdtemp(dir=Path.cwd()))
    asked = {"seed": (7, "$SCITEX_SESSION_SEED"), "note": ("two\nlines", "command line")}
    write_config(run_dir, DotDict(ID="x"), NOTHING, Options({}, asked))
    text = (run_dir / "CONFIGS" / "CONFIG.yaml").read_text(encoding="utf-8")
    assert text.splitlines() == [
        "# session: seed: 7  # $SCITEX_SESSION_SEED",
        '# session: note: "two\\nlines"  # command line',
        'ID: "x"',
    ]
