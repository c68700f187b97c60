"""The files of ``config/`` are found, named and read into `CONFIG`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from support.configured import read


def write(path: str, text: str) -> Path:
    file = Path(path).absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_each_file_is_under_its_name() -> None:
    write("config/model.yaml", "lr: 0.5\n")
    write("config/paths.yml", "data: x\n")
    write("config/model-small.v2.yaml", "lr: 0.1\n")
    write("config/empty.yaml", "# nothing yet\n")
    write("config/notes.txt", "no YAML: [")
    write("config/.hidden.yaml", "no YAML: [")
    write("config/folder.yaml/inner.yaml", "no YAML: [")
    assert read().values == {
        "EMPTY": {},
        "MODEL": {"lr": 0.5},
        "MODEL_SMALL_V2": {"lr": 0.1},
        "PATHS": {"data": "x"},
    }


def test_files_beside_the_script_come_before_those_in_the_working_directory() -> None:
    script = write("scripts/a.py", "")
    write("scripts/config/model.yaml", "lr: 1\n")
    write("config/model.yaml", "lr: 2\n")
    write("config/paths.yaml", "data: x\n")
    assert read(str(script)).values == {"MODEL": {"lr": 1}}


def test_a_folder_without_yaml_beside_the_script_hides_no_configuration() -> None:
    script = write("scripts/a.py", "")
    write("scripts/config/__init__.py", "")
    write("config/model.yaml", "lr: 2\n")
    assert read(str(script)).values == {"MODEL": {"lr": 2}}


def test_no_folder_is_no_configuration() -> None:
    assert read()[:2] == ({}, {})


def test_a_file_named_like_what_the_run_itself_tells_is_refused() -> None:
    write("config/id.yaml", "a: 1\n")
    with pytest.raises(ValueError, match=r"id\.yaml: CONFIG\.ID is the run's own"):
        read()


@pytest.mark.parametrize("other", ["model.yml", "Model.yaml"])
def test_two_files_of_one_name_are_refused(other: str) -> None:
    write("config/model.yaml", "a: 1\n")
    write(f"config/{other}", "a: 2\n")
    with pytest.raises(ValueError, match=r"CONFIG\.MODEL is .* already"):
        read()


@pytest.mark.parametrize(("said", "debug"), [("true", True), ("false", False)])
def test_is_debug_says_whether_it_is_a_debug_run(said: str, debug: bool) -> None:
    assert read(IS_DEBUG=f"IS_DEBUG: {said}\n").debug is debug


DEBUGGED = "n: 1000\nDEBUG_n: 3\nlayers: [{w: 64, DEBUG_w: 2}]\ntwice: ${n}\nDEBUG_only: x\n"


def test_in_a_debug_run_the_debug_values_take_the_place_of_the_others() -> None:
    values = read(MODEL=DEBUGGED, IS_DEBUG="IS_DEBUG: true\n").values["MODEL"]
    assert (values["n"], values["layers"][0]["w"], values["twice"]) == (3, 2, 3)
    assert (values["DEBUG_n"], values["only"]) == (3, "x")


def test_otherwise_they_do_not() -> None:
    values = read(MODEL=DEBUGGED, IS_DEBUG="IS_DEBUG: false\n").values["MODEL"]
    assert (values["n"], values["layers"][0]["w"], values["twice"]) == (1000, 64, 1000)
    assert "only" not in values


def test_debug_values_serve_a_run_that_an_option_marks_as_one() -> None:
    write("config/model.yaml", DEBUGGED)
    config, *_ = stx.start(debug=True, file="script.py", out=".", verbose=False)
    stx.close(config, verbose=False)
    assert config.MODEL.n == 3
    assert "model.yaml:2" in (config.SDIR_RUN / "CONFIGS" / "CONFIG.yaml").read_text()


@pytest.mark.parametrize("text", ["", "true\n", "IS_DEBUG: yes\n", "debug: true\n", "[]\n"])
def test_is_debug_that_says_neither_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"IS_DEBUG\.yaml: .*true"):
        read(IS_DEBUG=text)


def test_a_link_to_nothing_is_said() -> None:
    Path("config").mkdir()
    Path("config/model.yaml").symlink_to("gone.yaml")
    with pytest.raises(ValueError, match=r"model\.yaml: .*No such file") as caught:
        read()
    assert caught.value.path == str(Path("config/model.yaml").absolute())  # type: ignore[attr-defined]


def test_what_is_wrong_starts_nothing() -> None:
    with pytest.raises(ValueError, match="line 2: the key 'a' is in line 1 already"):
        read(model="a: 1\na: 2\n")
    assert os.listdir() == ["config"]


def test_keys_keep_their_types_up_to_the_written_configuration() -> None:
    text = "0: {1: a, '1': b, null: c, 0.5: d, !!timestamp 2026-11-22: e}\nx: [{0: f}]\n"
    values = read(a=text).values["A"]
    assert {type(key).__name__ for key in values[0]} == {"int", "str", "NoneType", "float", "date"}
    assert (values[0][1], values[0]["1"]) == ("a", "b")
    assert values["x"] == [{0: "f"}]


def doubled(first: str, line: str) -> str:
    return "\n".join([first, *(line.format(n, n - 1) for n in range(1, 200))])


LONG = "x" * 1_000_000
MANY = "more than 100,000 values"
DEEP = "more than 100 "
HOSTILE = {
    "doubling aliases": (doubled("a0: &a0 [x, x]", "a{0}: &a{0} [*a{1}, *a{1}]"), MANY),
    "doubling maps": (doubled("a0: &a0 {x: 1}", "a{0}: &a{0} {{p: *a{1}, q: *a{1}}}"), MANY),
    "doubling merges": (doubled("a0: &a0 {x: 1}", "a{0}: &a{0} {{<<: [*a{1}, *a{1}]}}"), MANY),
    "doubling references": (doubled("a0: [x, x]", "a{0}: ['${{a{1}}}', '${{a{1}}}']"), MANY),
    "doubling texts": (doubled(f"a0: {LONG}", "a{0}: '${{a{1}}}${{a{1}}}'"), MANY),
    "aliases of a long text": (f"a: &a {LONG}\nb: [" + "*a, " * 1000 + "]", MANY),
    "aliases of a long key": (f"a: &a\n  ? {LONG}\n  : 1\nb: [" + "*a, " * 1000 + "]", MANY),
    "references to a long text": (f"a: {LONG}\nb:\n" + " - ${a}\n" * 1000, MANY),
    "many values": ("[" + "1, " * 200_000 + "]", MANY),
    "aliases within aliases": (doubled("a0: &a0 [x]", "a{0}: &a{0} [*a{1}]"), DEEP),
    "references through references": (
        "x: ${a0.k}\n" + "".join(f"a{n}: ${{a{n + 1}}}\n" for n in range(1000)) + "a1000: {k: 1}",
        DEEP,
    ),
    "references to references": (
        "".join(f"a{n}: ${{a{n + 1}}}\n" for n in range(1000)) + "a1000: 1",
        DEEP,
    ),
    "brackets": ("[" * 500_000, DEEP),
    "dashes": ("- " * 500_000, DEEP),
    "levels": ("\n".join(" " * n + "a:" for n in range(1000)), DEEP),
    "an alias within itself": ("a: &a [1, *a]", "an alias lies within what it names"),
    "a merge of itself": ("a: &a {<<: *a}", "an alias lies within what it names"),
    "too large": ("#" * 10_000_001, "larger than 10 MB"),
    "digits": ("a: " + "9" * 1_000_000, "is no int"),
    "hexadecimal digits": ("a: 0x" + "f" * 1_000_000, "is no int"),
    "digits of a variable": ("a: ${env:DIGITS}", "DIGITS is too long a number"),
    "a long tag": (f"a: !{LONG} 1", "there is no tag"),
    "a long key twice": (f"? {LONG}\n: 1\n? {LONG}\n: 2", "is in line 1 already"),
    "a long reference": (f"a: ${{{LONG}}}", "there is no"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_in_time_and_in_a_sentence(case: str) -> None:
    os.environ["DIGITS"] = "9" * 5000
    text, said = HOSTILE[case]
    began = time.process_time()
    with pytest.raises(ValueError, match=r"config.a\.yaml: ") as caught:
        read(a=text)
    assert time.process_time() - began < 5
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert "\n" not in str(caught.value)


def started_in(namespace: dict[str, Any]) -> Any:
    exec("config, *_ = stx.start(sdir='run', verbose=False)", namespace)
    stx.close(namespace["config"], verbose=False)
    return namespace["config"]["FILE"]


def test_the_script_is_the_file_of_the_globals(tmp_path: Path) -> None:
    Path("a.py").touch()
    assert started_in({"stx": stx, "__file__": "a.py"}) == tmp_path / "a.py"


@pytest.mark.parametrize("file", [{}, {"__file__": None}, {"__file__": "<stdin>"}])
def test_globals_without_a_file_have_no_script(file: dict[str, object]) -> None:
    assert started_in({"stx": stx, **file}) is None
