"""`CONFIG` and the files of ``config/``."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from scitex_session import DotDict
from scitex_session._config import as_args, read_config_files
from scitex_session._errors import ConfigFileError


def test_each_file_is_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "model.yaml").write_text("lr: 0.5\n")
    (tmp_path / "config" / "paths.yml").write_text("data: x\n")
    (tmp_path / "config" / "notes.txt").write_text("no YAML: [")
    assert read_config_files(None) == {"MODEL": {"lr": 0.5}, "PATHS": {"data": "x"}}


def test_files_beside_the_script_come_before_those_in_the_working_directory(
    tmp_path: Path,
) -> None:
    for folder, lr in ((tmp_path / "scripts", 1), (tmp_path, 2)):
        (folder / "config").mkdir(parents=True)
        (folder / "config" / "model.yaml").write_text(f"lr: {lr}\n")
    assert read_config_files(tmp_path / "scripts" / "a.py") == {"MODEL": {"lr": 1}}


def test_no_folder_is_no_configuration() -> None:
    assert read_config_files(Path("script.py").absolute()) == {}


def test_a_file_named_like_what_the_run_itself_tells_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "id.yaml").write_text("a: 1\n")
    with pytest.raises(ConfigFileError, match=r"id\.yaml: CONFIG\.ID is the run's own"):
        read_config_files(None)


def test_yaml_can_not_run_code(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "bad.yaml").write_text("x: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ConfigFileError, match=r"bad\.yaml: line 1: "):
        read_config_files(None)


def test_arguments_with_names_become_a_mapping() -> None:
    assert as_args(argparse.Namespace(a=1)) == DotDict(a=1)
    assert as_args({"a": 1}).a == 1
    assert as_args([1, 2]) == [1, 2]
    assert as_args(None) is None
