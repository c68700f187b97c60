"""Globals are put in and taken out."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import scitex_session_core
import scitex_session_plot
from scitex_session import INJECTED
from scitex_session._errors import UnsuitableFunctionError
from scitex_session._names.injection import check_injected, inject_globals


def test_what_was_not_there_is_not_there_afterwards() -> None:
    namespace: dict[str, Any] = {"other": 1}
    restore = inject_globals(namespace, {"CONFIG": "ours", "rngg": "ours"})
    assert namespace == {"other": 1, "CONFIG": "ours", "rngg": "ours"}
    restore()
    assert namespace == {"other": 1}


def test_what_was_there_is_there_again_and_that_is_said() -> None:
    namespace: dict[str, Any] = {"CONFIG": "mine", "__name__": "script"}
    with pytest.warns(scitex_session_core.SessionWarning, match="CONFIG in script is the session"):
        restore = inject_globals(namespace, {"CONFIG": "ours"})
    assert namespace["CONFIG"] == "ours"
    restore()
    assert namespace["CONFIG"] == "mine"


def test_a_logger_of_the_user_is_never_replaced() -> None:
    namespace: dict[str, Any] = {"logger": "mine"}
    restore = inject_globals(namespace, {"logger": "ours"})
    assert namespace["logger"] == "mine"
    restore()
    assert namespace["logger"] == "mine"


def test_what_the_script_puts_into_a_name_during_the_run_stays() -> None:
    namespace: dict[str, Any] = {}
    restore = inject_globals(namespace, {"CONFIG": "ours", "plt": "ours"})
    namespace["CONFIG"] = "the script's"
    del namespace["plt"]
    restore()
    assert namespace == {"CONFIG": "the script's"}


def test_only_known_names_can_ask_to_be_injected() -> None:
    check_injected("main", ["CONFIG", "plt", "COLORS", "rngg", "rng", "logger"])
    with pytest.raises(
        UnsuitableFunctionError, match="main: nothing is injected as 'cfg'; what is:"
    ):
        check_injected("main", ["cfg"])


def test_the_marker_is_one_object_also_as_a_copy() -> None:
    assert pickle.loads(pickle.dumps(INJECTED)) is INJECTED
    assert copy.deepcopy(INJECTED) is INJECTED
    assert repr(INJECTED) == "INJECTED"


def test_the_marker_used_in_a_plain_call_says_what_is_missing() -> None:
    with pytest.raises(AttributeError, match="no 'info': this parameter is filled when"):
        INJECTED.info("x")


def test_a_stand_in_that_was_imported_gives_way_without_a_word() -> None:
    from scitex_session import COLORS, CONFIG, logger, plt, rngg

    namespace = {"CONFIG": CONFIG, "COLORS": COLORS, "logger": logger, "plt": plt, "rngg": rngg}
    found = dict(namespace)
    values = {name: f"the run's {name}" for name in namespace} | {"plt": plt}
    restore = inject_globals(namespace, values)
    assert namespace == values
    restore()
    assert all(namespace[name] is value for name, value in found.items())


def test_the_colours_of_the_plot_package_give_way_without_a_word() -> None:
    namespace: dict[str, Any] = {"COLORS": scitex_session_plot.COLORS}
    restore = inject_globals(namespace, {"COLORS": "ours"})
    assert namespace["COLORS"] == "ours"
    restore()
    assert namespace["COLORS"] is scitex_session_plot.COLORS
