"""Finding and reading the files of ``config/``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scitex_session._config.folder import find_config_files, read_config_files
from scitex_session._errors import ConfigFileError


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
    assert read_config_files(None).values == {
        "EMPTY": {},
        "MODEL": {"lr": 0.5},
        "MODEL_SMALL_V2": {"lr": 0.1},
        "PATHS": {"data": "x"},
    }


def test_files_beside_the_script_come_before_those_in_the_working_directory() -> None:
    write("scripts/config/model.yaml", "lr: 1\n")
    write("config/model.yaml", "lr: 2\n")
    write("config/paths.yaml", "data: x\n")
    script = Path("scripts/a.py").absolute()
    assert read_config_files(script).values == {"MODEL": {"lr": 1}}


def test_a_folder_without_yaml_beside_the_script_hides_no_configuration() -> None:
    write("scripts/config/__init__.py", "")
    write("config/model.yaml", "lr: 2\n")
    assert list(find_config_files(Path("scripts/a.py").absolute())) == ["MODEL"]


def test_a_working_directory_that_is_gone_has_no_configuration() -> None:
    Path("gone").mkdir()
    os.chdir("gone")
    Path.cwd().rmdir()
    assert find_config_files(None) == {}


def test_no_folder_is_no_configuration() -> None:
    found = read_config_files(Path("script.py").absolute())
    assert (found.values, found.recorded, found.origins, found.debug) == ({}, {}, {}, False)


def test_files_are_found_without_being_read() -> None:
    path = write("config/broken.yaml", "[")
    assert find_config_files(None) == {"BROKEN": path}


def test_a_file_named_like_what_the_run_itself_tells_is_refused() -> None:
    write("config/id.yaml", "a: 1\n")
    with pytest.raises(ConfigFileError, match=r"id\.yaml: CONFIG\.ID is the run's own"):
        read_config_files(None)


@pytest.mark.parametrize("other", ["model.yml", "Model.yaml"])
def test_two_files_of_one_name_are_refused(other: str) -> None:
    write("config/model.yaml", "a: 1\n")
    write(f"config/{other}", "a: 2\n")
    with pytest.raises(ConfigFileError, match=r"CONFIG\.MODEL is .* already: rename one"):
        find_config_files(None)


@pytest.mark.parametrize(("said", "debug"), [("true", True), ("false", False)])
def test_is_debug_says_whether_it_is_a_debug_run(said: str, debug: bool) -> None:
    write("config/IS_DEBUG.yaml", f"IS_DEBUG: {said}\n")
    assert read_config_files(None).debug is debug


@pytest.mark.parametrize("text", ["", "true\n", "IS_DEBUG: yes\n", "debug: true\n", "[]\n"])
def test_is_debug_that_says_neither_is_refused(text: str) -> None:
    write("config/IS_DEBUG.yaml", text)
    with pytest.raises(ConfigFileError, match=r"IS_DEBUG\.yaml: .*true"):
        read_config_files(None)


def test_a_link_to_nothing_is_said() -> None:
    Path("config").mkdir()
    Path("config/model.yaml").symlink_to("gone.yaml")
    with pytest.raises(ConfigFileError, match=r"model\.yaml: can't be read: No such file"):
        read_config_files(None)
