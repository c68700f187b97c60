"""What `diff` finds and tells of two runs, from their records and files."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scitex_session as stx
from scitex_session.__main__ import main
from scitex_session_core import make_run_dir, new_record, write_record

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
TREES = st.recursive(
    LEAVES | st.floats(allow_nan=False, allow_infinity=False),  # texts, on record
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.text(max_size=3), TREES, max_size=4)
ARTIFACT = {"path": TREES, "sha256": TREES, "bytes": TREES}
ENDED = {"git": None, "status": "success", "exit_status": 0, "script": "/home/u/fit.py"}
few = settings(max_examples=10)


def recorded(files: dict[str, bytes] | None = None, **fields: Any) -> Path:
    """Give the directory of a run that has these fields on record, and made these files."""
    place = make_run_dir(Path("fit.py").absolute())
    artifacts = []
    for name, data in (files or {}).items():
        place.path.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        place.path.joinpath(name).write_bytes(data)
        if not name.startswith("code/"):
            artifacts.append(artifact(name, data))
    record = {
        **new_record(place.id),
        **ENDED,
        "artifacts": artifacts,
        **fields,
    }
    write_record(place.path, record)
    return place.path


def artifact(name: str, data: bytes, role: str = "output", **more: str) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    return {"path": name, "sha256": digest, "bytes": len(data), "role": role, **more}


def saved(value: Any, name: str, **options: Any) -> bytes:
    """Give the bytes of a value in the format of a suffix."""
    return stx.io.save(value, Path.cwd() / name, **options).read_bytes()


def compared(first: bytes, second: bytes, name: str) -> Any:
    """Give what differs between two files, as artifacts of two runs; None if nothing."""
    found = stx.diff(recorded({name: first}), recorded({name: second}))
    assert set(found) <= {"artifacts"}
    return found.get("artifacts", {}).get(name)


@few
@given(MAPPINGS, MAPPINGS)
def test_nothing_differs_from_itself(arguments: Any, config: Any) -> None:
    fields = {"arguments": arguments, "config": config, "results": {"x": math.nan}}
    assert stx.diff(recorded(**fields), recorded(**fields)) == {}


@few
@given(
    st.dictionaries(
        st.sampled_from([*ENDED, "artifacts", "arguments", "config", "machine", "environment"]),
        TREES | st.lists(st.fixed_dictionaries({"role": st.just("output")}, optional=ARTIFACT)),
    )
)
def test_any_record_can_be_compared(fields: Any) -> None:
    place = recorded()
    record = place / "session.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), **fields}))
    assert stx.diff(place, place, place) == {}
    found = stx.diff(place, recorded())
    assert json.loads(json.dumps(found)) == found


@few
@given(MAPPINGS, MAPPINGS)
def test_what_differs_is_the_same_from_the_other_side(a: Any, b: Any) -> None:
    first, second = recorded(arguments=a), recorded(arguments=b)
    there, back = (
        stx.diff(x, y).get("arguments", {}) for x, y in ((first, second), (second, first))
    )
    assert {n: repr(row) for n, row in there.items()} == {
        n: repr(row[::-1]) for n, row in back.items()
    }
    assert bool(there) == (json.dumps(a, sort_keys=True) != json.dumps(b, sort_keys=True))


def test_only_what_differs_is_told_by_dotted_names() -> None:
    first = recorded(seed=1, arguments={"model": {"lr": 0.1, "n": 3}, "x": 1}, results={"acc": 0.5})
    second = recorded(seed=2, arguments={"model": {"lr": 0.2, "n": 3}}, results={"acc": 0.5})
    assert stx.diff(first, second) == {
        "arguments": {"model.lr": [0.1, 0.2], "x": [1, None]},
        "seed": [1, 2],
    }


@pytest.mark.parametrize(
    ("a", "b"), [(1, 1.0), (1, True), (0.0, -0.0), ("1", 1), (None, "none"), ([1], [1.0])]
)
def test_values_that_code_may_tell_apart_differ_and_look_different(
    a: Any, b: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = recorded(results={"x": a}), recorded(results={"x": b})
    assert stx.diff(first, second)["results"]["x"] == [a, b]
    assert main(["diff", str(first), str(second)]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("  x: "))
    shown = line.removeprefix("  x: ").partition(" (")[0].split(" -> ")
    assert shown[0] != shown[1]


def test_a_value_and_none_and_no_value_are_three_things() -> None:
    none, nothing = recorded(arguments={"x": None}), recorded(arguments={})
    assert stx.diff(none, nothing) == {"arguments": {"x": [None, None]}}


def test_code_is_told_as_a_unified_diff() -> None:
    changes = (
        "diff --git a/{0} b/{0}\nindex 1a..2b 100644\n--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-1\n+2\n"
    )
    first = recorded({"code/fit.py": b"x = 1\ny = 1\n"}, git={"commit": "a" * 40})
    second = recorded(
        {
            "code/fit.py": b"x = 1\ny = 2\n",
            "code/changes.diff": (changes.format("u/fit.py") + changes.format("p.yaml")).encode(),
        },
        git={"commit": "b" * 40},
    )
    code = stx.diff(first, second)["code"]
    assert code["commit"] == ["a" * 40, "b" * 40]
    assert code["files"]["fit.py"]["diff"].splitlines()[2:] == [
        "@@ -1,2 +1,2 @@",
        " x = 1",
        "-y = 1",
        "+y = 2",
    ]
    assert list(code["changes"]) == ["p.yaml"]  # fit.py is told by its copy
    assert code["changes"]["p.yaml"]["versions"] == [None, 1]
    assert code["changes"]["p.yaml"]["diff"].splitlines()[-2:] == ["-1", "+2"]


def test_packages_are_told_by_their_versions() -> None:
    runs = []
    for digest, packages in (("aa", "numpy==2.1\nold==1\n"), ("bb", "numpy==2.2\nnew==1\n")):
        runs.append(recorded(environment=f"sha256:{digest}", python="3.12.1"))
        folder = runs[-1].parent.parent / ".environments"
        folder.mkdir(exist_ok=True)
        folder.joinpath(f"{digest}.txt").write_text(packages)
    assert stx.diff(*runs) == {
        "environment": {"new": [None, "1"], "numpy": ["2.1", "2.2"], "old": ["1", None]}
    }
    folder.joinpath("bb.txt").unlink()
    assert stx.diff(*runs) == {"environment": {"packages": ["sha256:aa", "sha256:bb"]}}


def test_inputs_are_compared_by_content_wherever_they_were_read() -> None:
    def read(path: str, data: bytes, **more: str) -> Path:
        return recorded(artifacts=[artifact(path, data, "input", **more)])

    assert stx.diff(read("/a/in.csv", b"1"), read("/b/in.csv", b"1")) == {}
    assert stx.diff(read("t.csv", b"1", run="R1"), read("t.csv", b"1", run="R2")) == {}
    found = stx.diff(read("/a/in.csv", b"1"), read("/a/in.csv", b"22"))["inputs"]
    assert list(found) == ["/a/in.csv"]
    assert found["/a/in.csv"]["bytes"] == [1, 2]
    unknown = {**artifact("/a/big", b"", "input"), "sha256": None}
    assert list(stx.diff(recorded(artifacts=[unknown]), recorded())["inputs"]) == ["/a/big"]


def test_an_ending_is_told_with_its_reason() -> None:
    first = recorded(reason={"kind": "returned"})
    second = recorded(status="failed", exit_status=3, reason={"kind": "exit", "code": 3})
    assert stx.diff(first, second)["ending"] == {
        "status": ["success", "failed"],
        "exit_status": [0, 3],
        "reason.kind": ["returned", "exit"],
        "reason.code": [None, 3],
    }


# -- Artifacts -----------------------------------------------------------------------------------


def test_images_are_compared_by_pixels() -> None:
    image = np.zeros((40, 50, 3), np.uint8)
    other = image.copy()
    other[7, 9, 1] = 200
    same = saved(image, "a.png", pil_kwargs={"compress_level": 1})
    assert same != saved(image, "a.png")
    assert compared(saved(image, "a.png"), same, "a.png") is None
    found = compared(saved(image, "a.png"), saved(other, "a.png"), "a.png")
    assert (found["how"], found["share"], found["largest"]) == ("pixels", 1 / 2000, 200)
    assert found["index"] == [7, 9]
    found = compared(saved(image, "a.png"), saved(image[:30], "a.png"), "a.png")
    assert found["says"].startswith("40 by 50 by 3 of uint8 and 30 by 50 by 3 of uint8 (rows")


@pytest.mark.parametrize(
    "suffix", ["csv", "csv.gz", "json", "xlsx", "parquet", "feather", "npz", "h5"]
)
def test_tables_are_compared_by_the_largest_difference_and_where_it_is(suffix: str) -> None:
    for library in {"xlsx": ["openpyxl"], "h5": ["h5py"]}.get(suffix, []):
        pytest.importorskip(library)
    if suffix in ("parquet", "feather"):
        pytest.importorskip("pyarrow")
    names = ["a", "b", "c"]
    table = {"x": [0.5, math.nan, 2.0], "y": [1.0, 2.0, 3.0]}
    if suffix not in ("npz", "h5"):
        table["name"] = names  # type: ignore[assignment]
    if suffix == "xlsx":
        table["x"][1] = 1.0  # Excel has no NaN
    other = {**table, "x": [0.5, table["x"][1], 2.25], "y": [1.0, 2.5, 7.0]}
    name = f"t.{suffix}"
    found = compared(saved(table, name), saved(other, name), name)
    assert found["how"] == "values"
    told = {d["where"].rpartition(".")[2]: d for d in found["differences"]}
    assert set(told) == {"x", "y"}
    assert told["y"]["values"] == [3.0, 7.0]
    assert (told["y"]["index"], told["y"]["largest"]) == ([2], 4.0)
    assert (told["y"]["differing"], told["y"]["of"]) == (2, 3)
    assert (told["x"]["index"], told["x"]["largest"]) == ([2], 0.25)


def test_arrays_differ_by_type_shape_and_bit() -> None:
    def difference(a: Any, b: Any) -> Any:
        found = compared(saved(np.asarray(a), "a.npy"), saved(np.asarray(b), "a.npy"), "a.npy")
        assert len(found["differences"]) == 1
        return found["differences"][0]

    assert difference([1, 2], [1.0, 2.0])["dtypes"] == ["int64", "float64"]
    assert difference([[1, 2]], [[1], [2]])["shapes"] == [[1, 2], [2, 1]]
    assert difference([0.0, 1], [-0.0, 1])["index"] == [0]
    limits = difference([-(2**63)], [2**63 - 1])
    assert limits["largest"] == 2**64 - 1
    assert difference([np.nan, 1], [np.nan, 2])["differing"] == 1
    assert difference(["a", "b"], ["a", "c"])["values"] == ["b", "c"]


@few
@given(TREES, TREES)
def test_json_files_are_the_same_if_their_values_are(a: Any, b: Any) -> None:
    first, second = (json.dumps(value, indent=indent) for value, indent in ((a, None), (b, 2)))
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert (compared(first.encode(), second.encode(), "a.json") is None) == same


def test_texts_are_compared_by_lines_and_bounded() -> None:
    found = compared(b"a\nb\n", b"a\nc\n", "notes.tex")
    assert found["how"] == "text"
    assert found["diff"].splitlines()[-3:] == [" a", "-b", "+c"]
    numbers = ["\n".join(map(str, range(n, n + 3000))).encode() for n in (0, 5000)]
    found = compared(numbers[0], numbers[1], "numbers.txt")
    assert found["diff"].splitlines()[-1].endswith("more lines")
    assert len(found["diff"].splitlines()) == 1001
    found = compared(b"a\nb\n", b"a\r\nb\r\n", "notes.tex")
    assert found["diff"] == "… only the ends of lines differ"
    found = compared(b"a\n" * 10_001, b"a\n", "notes.tex")
    assert found["diff"] == "… texts of more than 10,000 lines are not compared"
    assert compared(b"\xff\x00a", b"\xff\x00b", "notes.tex")["how"] == "bytes"


def test_packed_files_are_compared_by_what_is_in_them() -> None:
    first, second = (gzip.compress(b"\0same", mtime=time) for time in (1, 2))
    assert compared(first, second, "a.bin.gz") is None
    assert compared(first, gzip.compress(b"\0other"), "a.bin.gz")["how"] == "bytes"
    assert compared(b"no gzip", first, "a.bin.gz")["how"] == "bytes"


def test_a_drawing_is_the_same_without_stamp_date_and_generated_ids() -> None:
    pdf = (
        b"%%PDF-1.4\n1 0 obj\n<< /Creator (m)\n/CreationDate (D:2026%d)\n"
        b'/Keywords ({"scitex-session":1,"id":"R%d"}) >>\nendobj\n%s\nxref\n0 2\n'
        b"0000000000 65535 f \n00000000%d 00000 n \ntrailer\n<< /Size 2 >>\nstartxref\n%d\n%%%%EOF"
    )
    assert (
        compared(pdf % (1, 1, b"line", 16, 99), pdf % (22, 22, b"line", 18, 101), "a.pdf") is None
    )
    found = compared(pdf % (1, 1, b"line", 16, 99), pdf % (1, 1, b"lime", 16, 99), "a.pdf")
    assert found["how"] == "drawing"
    svg = b'<svg><dc:date>%d</dc:date><path id="p%s"/><use href="#p%s" x="%d"/></svg>'
    first, second = svg % (1, b"0" * 10, b"0" * 10, 5), svg % (2, b"a" * 10, b"a" * 10, 5)
    assert compared(first, second, "a.svg") is None
    assert compared(first, svg % (1, b"0" * 10, b"0" * 10, 6), "a.svg")["how"] == "drawing"


class Trap:
    """Leaves a file where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("sprung").absolute(),)


@pytest.mark.parametrize("name", ["a.pkl", "a.joblib", "a.pt", "a.npy"])
def test_no_pickle_is_opened(name: str) -> None:
    data = pickle.dumps([Trap()])
    if name == "a.npy":
        data = saved(np.array([Trap()], dtype=object), name, allow_pickle=True)
    found = compared(data, data + b".", name)
    assert found["how"] == "bytes"
    assert not Path("sprung").exists()


def test_a_malformed_file_is_compared_by_its_bytes() -> None:
    for name in ("a.csv", "a.json", "a.png", "a.npy", "a.h5", "a.xlsx", "a.npz"):
        found = compared(b'"\0{', b'"\0}', name)
        assert (found["how"], found["says"].partition(";")[0]) == ("bytes", "the bytes differ")
    deep = b"[" * 100_000
    assert compared(deep, deep + b"1", "a.json")["how"] == "bytes"


def test_what_is_gone_or_changed_since_or_too_large_is_said() -> None:
    first, second = recorded({"a.csv": b"x\n1\n"}), recorded({"a.csv": b"x\n2\n"})
    second.joinpath("a.csv").write_bytes(b"x\n1\n")
    found = stx.diff(first, second)["artifacts"]["a.csv"]
    assert "the file of the second run has changed since the run" in found["says"]
    first.joinpath("a.csv").unlink()
    found = stx.diff(first, second)["artifacts"]["a.csv"]
    assert "the file of the first run is gone" in found["says"]
    for place, size in ((first, 65), (second, 66)):
        with place.joinpath("a.csv").open("wb") as file:
            file.truncate(size << 20)
    assert "more than 64 MiB" in stx.diff(first, second)["artifacts"]["a.csv"]["says"]


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("h5py")
    first, second = (saved({"x": np.arange(n)}, "a.h5") for n in (3, 4))
    assert compared(first, second, "a.h5")["differences"][0]["shapes"] == [[3], [4]]
    monkeypatch.setitem(sys.modules, "h5py", None)
    found = compared(first, second, "a.h5")
    assert found["how"] == "bytes"
    assert found["says"].startswith("the bytes differ; not compared further: ")
    assert "h5py" in found["says"]


def test_a_file_without_a_hash_on_record_is_read_or_may_differ() -> None:
    def run(data: bytes, size: int) -> Path:
        return recorded({"a.bin": data}, artifacts=[{**artifact("a.bin", b""), **unknown(size)}])

    def unknown(size: int) -> dict[str, Any]:
        return {"sha256": None, "bytes": size}

    assert stx.diff(run(b"1", 1), run(b"1", 1)) == {}
    runs = run(b"1", 1), run(b"2", 1)
    assert stx.diff(*runs)["artifacts"]["a.bin"]["says"] == "the texts differ"
    runs[0].joinpath("a.bin").unlink()
    found = stx.diff(*runs)["artifacts"]["a.bin"]
    assert found["says"] == "the bytes may differ; the file of the first run is gone"


def test_the_largest_of_many_differences_is_never_left_out() -> None:
    table = [{"x": n} for n in range(100)]
    other = [{"x": n + 1 + 7 * (n == 90)} for n in range(100)]
    found = compared(saved(table, "a.json"), saved(other, "a.json"), "a.json")
    assert (len(found["differences"]), found["omitted"]) == (50, 50)
    assert found["differences"][-1] == {"where": "[90].x", "values": [90, 98], "largest": 8}
    assert found["says"].startswith("[90].x: 90 and 98, by 8; also [0].x, ")
    infinite = compared(saved([1.0, 1.0], "a.npy"), saved([2.0, math.inf], "a.npy"), "a.npy")
    assert infinite["differences"][0]["values"] == [1.0, "Infinity"]


def test_a_file_that_one_run_made_and_names_with_its_id() -> None:
    first, second = recorded({"a.csv": b"1", "b.csv": b"1"}), recorded({"a.csv": b"1"})
    found = stx.diff(first, second)["artifacts"]
    assert list(found) == ["b.csv"]
    assert (found["b.csv"]["versions"], found["b.csv"]["how"]) == ([1, None], "names")
    places = [recorded(), recorded()]
    for place in places:
        write_record(
            place,
            {
                **new_record(place.name),
                **ENDED,
                "artifacts": [artifact(f"fit_{place.name}.csv", b"1")],
            },
        )
    assert stx.diff(*places) == {}


# -- The command ---------------------------------------------------------------------------------


def test_exit_status_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    first = recorded(arguments={"lr": 0.1, "x": math.nan})
    second = recorded(arguments={"lr": 0.2, "x": 1.0})
    record = first / "session.json"  # as another writer may have it
    record.write_text(record.read_text().replace('"nan"', "NaN"))
    assert main(["diff", str(first), str(second), "--json"]) == 1
    shown = capsys.readouterr().out
    found = json.loads(shown, parse_constant=pytest.fail)
    assert found == {"arguments": {"lr": [0.1, 0.2], "x": ["NaN", 1.0]}}
    assert main(["diff", str(first), str(first), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {}
    assert main(["diff", str(first), str(first)]) == 0
    assert capsys.readouterr().out.startswith("the same, as far as is on record: arguments, ")


@pytest.mark.parametrize("names", [[], ["latest"], ["nothing", "nothing"], ["--jso"]])
def test_a_mistake_is_a_sentence_and_status_2(
    names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", *names]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("scitex-session: error: ")
    assert err.count("\n") == 1


def test_more_than_two_runs_are_a_table_of_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [
        recorded({"a.json": data, "b.txt": b"1"}, arguments={"lr": lr, "n": 1}, seed=1)
        for lr, data in ((0.1, b"[1]"), (0.2, b"[2]"), (0.1, b"[ 1]"))
    ]
    assert main(["diff", *map(str, runs)]) == 1
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["part", "name", *(run.name for run in runs)],
        ["arguments", "lr", "0.1", "0.2", "0.1"],
        ["artifacts", "a.json", "#1", "#2", "#1"],
    ]
    found = stx.diff(*runs)
    assert found["arguments"] == {"lr": [0.1, 0.2, 0.1]}
    assert found["artifacts"]["a.json"]["versions"] == [1, 2, 1]


def test_nothing_that_commands_a_terminal_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = "\x1b]0;x\x07\r\x9b2J"
    runs = [
        recorded(
            {"code/fit.py": f"{evil}{n}".encode(), f"{evil}.txt": f"{evil}{n}".encode()},
            arguments={evil: f"{evil}{n}"},
            results={"x": f"{evil}{n}"},
            script=evil,
        )
        for n in range(3)
    ]
    names = [str(run) for run in runs]
    for given_names in (names[:2], names):
        assert main(["diff", *given_names]) == 1
        assert not {"\x1b", "\x07", "\r", "\x9b"} & set(capsys.readouterr().out)
    pytest.importorskip("rich")
    monkeypatch.setenv("FORCE_COLOR", "1")
    for given_names in (names[:2], names):
        assert main(["diff", *given_names]) == 1
        shown = capsys.readouterr().out
        assert "\x1b[" in shown
        assert not {"\x07", "\r", "\x9b"} & set(shown)
        assert "\x1b]" not in shown


def test_long_values_leave_room_for_the_names_and_for_all_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rich")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    runs = [recorded({}, arguments={"text": str(n) * 500, "lr": n}) for n in range(3)]
    assert main(["diff", *map(str, runs)]) == 1
    shown = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
    head, _, text, lr, *_ = shown.splitlines()
    assert head.split() == [run.name.rpartition("_")[2] for run in runs]
    assert [word[:4] for word in text.split()] == ["text", "0000", "1111", "2222"]
    assert lr.split() == ["lr", "0", "1", "2"]
