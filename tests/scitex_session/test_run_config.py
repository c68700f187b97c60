"""`CONFIG`: the run's own keys can only be read, the user's are theirs."""

from __future__ import annotations

import argparse
import copy
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session import DotDict
from scitex_session._config.folder import PROTECTED
from scitex_session._errors import ReadOnlyKeyError
from scitex_session._names.config_object import Config, as_args, make_config, tell
from scitex_session_core import make_run_dir

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def config() -> Config:
    run_dir = make_run_dir(sdir="run")
    return make_config(run_dir, None, DotDict(lr=1), {"MODEL": {"a": {"b": 2}}}, debug=False)


CHANGES: dict[str, Callable[[Any], object]] = {
    "an attribute": lambda config: setattr(config, "ID", "mine"),
    "an item": lambda config: config.__setitem__("ID", "mine"),
    "update": lambda config: config.update(ID="mine"),
    "|=": lambda config: config.__ior__({"ID": "mine"}),
    "del": lambda config: config.__delitem__("ID"),
    "delattr": lambda config: delattr(config, "ID"),
    "pop": lambda config: config.pop("ID"),
    "popitem": lambda config: [config.popitem() for _ in range(99)],
    "clear": lambda config: config.clear(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_protects_the_run_cant_be_changed(config: Config, change: str) -> None:
    before = {key: config[key] for key in PROTECTED}
    with pytest.raises(ReadOnlyKeyError, match=r"^CONFIG\.\w+ is the run's own and can't be"):
        CHANGES[change](config)
    assert {key: config[key] for key in PROTECTED} == before


def test_the_error_is_one_that_attributes_and_items_raise_and_can_be_sent() -> None:
    error = pickle.loads(pickle.dumps(ReadOnlyKeyError("ID")))
    assert isinstance(error, AttributeError)
    assert isinstance(error, TypeError)
    assert str(error).startswith("CONFIG.ID is the run's own")


def test_what_the_user_configures_can_be_changed(config: Any) -> None:
    config.MODEL.a.b = 3
    config.ARGS.lr = 2
    config.MODEL.a = {"c": {"d": 1}}
    config["NEW"] = {"x": 1}
    assert config.MODEL.a.c.d == config.NEW.x == 1
    config.ARGS = None
    assert config.pop("NEW") == {"x": 1}
    assert config.pop("NEW", "gone") == "gone"
    assert config.setdefault("ID", "mine") != "mine"
    del config.MODEL
    assert set(config) == {*PROTECTED, "ARGS"}


@pytest.mark.parametrize(
    "copied",
    [
        lambda config: config.copy(),
        copy.copy,
        copy.deepcopy,
        lambda config: pickle.loads(pickle.dumps(config)),
        lambda config: config | {},
        lambda config: {} | config,
        lambda config: {"ID": "other"} | config,
        DotDict,
    ],
)
def test_a_copy_is_equal_and_all_of_it_can_be_changed(
    config: Config, copied: Callable[[Config], DotDict]
) -> None:
    made = copied(config)
    assert made == config
    assert type(made) is DotDict
    made.ID = "mine"
    assert config.ID != "mine"


def test_the_run_itself_tells(config: Config) -> None:
    tell(config, EXIT_STATUS=0)
    assert config.EXIT_STATUS == 0
    plain: dict[str, Any] = {"ID": "x"}
    tell(plain, SDIR=Path("here"))
    assert plain == {"ID": "x", "SDIR": Path("here")}


def test_it_is_a_dict_with_attributes(config: Config) -> None:
    assert isinstance(config, DotDict)
    assert config["ID"] == config.ID
    assert config.MODEL.a.b == 2


def test_arguments_with_names_become_a_mapping() -> None:
    assert as_args(argparse.Namespace(a=1)) == DotDict(a=1)
    assert as_args({"a": 1}).a == 1
    assert as_args([1, 2]) == [1, 2]
    assert as_args(None) is None
