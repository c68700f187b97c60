"""`CONFIG`: the keys that describe the run can only be read, the user's can be changed."""

from __future__ import annotations

import argparse
import copy
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scitex_session as stx
from scitex_session import DotDict, ReadOnlyKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROTECTED = (
    *("ID", "PID", "START_DATETIME", "END_DATETIME", "RUN_DURATION", "FILE", "SDIR_RUN", "SDIR"),
    *("SDIR_OUT", "EXIT_STATUS", "DEBUG"),
)


def started(args: object) -> DotDict:
    return stx.start(sdir="run", args=args, file="script.py", verbose=False)[0]


@pytest.fixture
def config() -> Iterator[Any]:
    Path("config").mkdir()
    Path("config/model.yaml").write_text("a: {b: 2}")
    config = started({"lr": 1})
    yield config
    stx.close(config, verbose=False)


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
def test_what_describes_the_run_cant_be_changed(config: Any, change: str) -> None:
    before = {key: config[key] for key in PROTECTED}
    with pytest.raises(ReadOnlyKeyError, match=r"^CONFIG\.\w+ is the run's own and can't be"):
        CHANGES[change](config)
    assert {key: config[key] for key in PROTECTED} == before


def test_names_may_be_in_another_case_than_their_keys(config: Any) -> None:
    assert config.MODEL.A.B == config.model.a.b == 2
    config.MODEL.A = 5  # a key of its own from here on
    assert (config.MODEL.A, config.MODEL.a) == (5, {"b": 2})
    config.MODEL["lr"], config.MODEL["Lr"] = 1, 2
    with pytest.raises(AttributeError, match="no key 'LR'; the keys are: a, A, lr, Lr"):
        _ = config.MODEL.LR
    assert (config.MODEL.Lr, hasattr(config.MODEL, "missing")) == (2, False)


def test_times_without_a_zone_can_be_compared_with_its_times(config: Any) -> None:
    naive = datetime.now()  # noqa: DTZ005  # as scripts write it
    assert timedelta(0) <= naive - config.START_DATETIME < timedelta(minutes=1)
    assert config.START_DATETIME - naive == -(naive - config.START_DATETIME)
    assert naive >= config.START_DATETIME
    assert naive >= config.START_DATETIME
    assert datetime.now(UTC) - config.START_DATETIME >= timedelta(0)
    assert config.START_DATETIME - timedelta(1) < config.START_DATETIME
    assert config.START_DATETIME.tzinfo is not None
    assert pickle.loads(pickle.dumps(config.START_DATETIME)) == config.START_DATETIME


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
    config: Any, copied: Callable[[Any], DotDict]
) -> None:
    made = copied(config)
    assert made == config
    assert type(made) is DotDict
    made.ID = "mine"
    assert config.ID != "mine"


def test_the_run_sets_its_keys_in_config_and_in_the_copy_it_is_given(config: Any) -> None:
    mine = dict(config)
    assert stx.running2finished(mine, exit_status=0) is mine
    assert mine["EXIT_STATUS"] == config.EXIT_STATUS == 0
    assert mine["RUN_DURATION"] == config.END_DATETIME - config.START_DATETIME


def test_it_is_a_dict_with_attributes(config: Any) -> None:
    assert isinstance(config, DotDict)
    assert config["ID"] == config.ID
    assert config.MODEL.a.b == 2


@pytest.mark.parametrize(
    ("given", "args"),
    [
        (argparse.Namespace(a=1), DotDict(a=1)),
        ({"a": 1}, DotDict(a=1)),
        ([1, 2], [1, 2]),
        (None, {}),
    ],
)
def test_arguments_with_names_become_a_mapping(given: object, args: object) -> None:
    config = started(given)
    try:
        assert args == config.ARGS
        assert type(config.ARGS) is type(args) or not args
    finally:
        stx.close(config, verbose=False)
