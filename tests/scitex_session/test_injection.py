"""A session puts its names into the globals of its function and takes them out again."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import scitex_session as stx
import scitex_session_core
import scitex_session_plot
from scitex_session import INJECTED


def run(body: str = "pass", **names: Any) -> dict[str, Any]:
    """Run a function of that body as a session, and give its globals afterwards."""
    namespace = {"__name__": "script", "seen": None, **names}
    exec(f"def main():\n    global seen\n    {body}\n", namespace)
    stx.run(namespace["main"], capture="none")
    del namespace["main"], namespace["__builtins__"]
    return namespace


def test_what_was_not_there_is_not_there_afterwards() -> None:
    found = run("seen = CONFIG.ID, rngg.seed, COLORS.alpha, plt.__name__, logger.name", other=1)
    assert found.pop("seen")[1:] == (42, 0.9, "matplotlib.pyplot", "main")
    assert found == {"__name__": "script", "other": 1}


def test_what_was_there_is_there_again_and_that_is_said() -> None:
    with pytest.warns(scitex_session_core.SessionWarning, match="CONFIG in script is the session"):
        found = run("seen = CONFIG.ID", CONFIG="mine")
    assert found["CONFIG"] == "mine"
    assert found["seen"]


def test_a_logger_of_the_user_is_never_replaced() -> None:
    found = run("seen = logger", logger="mine")
    assert found["seen"] == found["logger"] == "mine"


def test_what_the_script_puts_into_a_name_during_the_run_stays() -> None:
    found = run('globals()["CONFIG"] = "the script\'s"; del globals()["plt"]')
    assert found == {"__name__": "script", "seen": None, "CONFIG": "the script's"}


def test_only_known_names_can_ask_to_be_injected() -> None:
    @stx.session
    def known(
        CONFIG: Any = INJECTED,
        plt: Any = INJECTED,
        COLORS: Any = INJECTED,
        rngg: Any = INJECTED,
        rng: Any = INJECTED,
        logger: Any = INJECTED,
    ) -> None: ...

    def unknown(cfg: Any = INJECTED) -> None: ...

    for door in (stx.session, stx.run):
        with pytest.raises(stx.UnsuitableFunctionError, match=r"unknown: .* 'cfg'; .* CONFIG, "):
            door(unknown)


def test_the_marker_is_one_object_also_as_a_copy() -> None:
    assert pickle.loads(pickle.dumps(INJECTED)) is INJECTED
    assert copy.deepcopy(INJECTED) is INJECTED
    assert repr(INJECTED) == "INJECTED"


def test_the_marker_used_in_a_plain_call_says_what_is_missing() -> None:
    with pytest.raises(AttributeError, match="no 'info': this parameter is filled when"):
        INJECTED.info("x")


def test_a_stand_in_that_was_imported_gives_way_without_a_word() -> None:
    stand_ins = {name: getattr(stx, name) for name in ("CONFIG", "COLORS", "logger", "plt", "rngg")}
    found = run("seen = type(CONFIG), type(rngg)", **stand_ins)
    assert issubclass(found["seen"][0], stx.DotDict)
    assert found["seen"][1] is stx.RandomStateManager
    assert all(found[name] is value for name, value in stand_ins.items())


def test_the_colours_of_the_plot_package_give_way_without_a_word() -> None:
    found = run("seen = COLORS", COLORS=scitex_session_plot.COLORS)
    assert found["COLORS"] is scitex_session_plot.COLORS
    assert found["seen"] is not scitex_session_plot.COLORS
