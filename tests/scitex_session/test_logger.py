"""The logger of a session prints where nothing else does, and is given back."""

from __future__ import annotations

import logging
import pickle
from contextlib import contextmanager
from pprint import pformat
from typing import TYPE_CHECKING, Any

import scitex_session as stx
from support import run_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest


@contextmanager
def no_logging_set_up() -> Iterator[None]:
    """As in a script; in a test, pytest has put handlers of its own at the root."""
    found = logging.root.handlers
    logging.root.handlers = []
    try:
        yield
    finally:
        logging.root.handlers = found


def run(use: Callable[[logging.Logger], object]) -> Any:
    """Give the logger of a session to a function, while the session runs."""

    def use_logger(logger: logging.Logger = stx.INJECTED) -> object:
        return use(logger)

    with no_logging_set_up():
        return stx.run(use_logger, capture="none", out=".")


def test_info_is_printed_and_debug_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    def use(logger: logging.Logger) -> None:
        logger.info("one of %d", 2)
        logger.debug("two")

    run(use)
    assert capsys.readouterr().err == "INFO: one of 2\n"


def test_where_the_user_set_up_logging_theirs_alone_says_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[logging.LogRecord] = []

    def use(logger: logging.Logger) -> None:
        mine = logging.Handler()
        mine.emit = seen.append  # type: ignore[assignment,method-assign]
        logging.root.addHandler(mine)
        logger.info("said")

    run(use)
    assert [record.getMessage() for record in seen] == ["said"]
    assert capsys.readouterr().err == ""


def test_level_and_handlers_are_put_back() -> None:
    real = logging.getLogger("test_logger")
    real.setLevel(logging.ERROR)
    assert run(lambda logger: str(logger.level)) == str(logging.ERROR)
    assert (real.level, real.handlers) == (logging.ERROR, [])
    real.setLevel(logging.NOTSET)


def test_it_is_a_logger_whose_children_can_be_sent() -> None:
    def use(logger: logging.Logger) -> None:
        assert isinstance(logger, logging.Logger)
        child = pickle.loads(pickle.dumps(logger.getChild("x")))
        assert child is logging.getLogger("test_logger.x")

    run(use)


def test_logging_is_imported_when_something_is_logged() -> None:
    finished = run_script("""
        import sys
        import scitex_session as stx

        @stx.session
        def main():
            assert "logging" not in sys.modules
            kept.append(logger)
            assert "logging" not in sys.modules
            logger.warning("now")
            import logging
            assert isinstance(logger, logging.Logger)
            assert logging.getLogger("script").handlers

        if __name__ == "__main__":
            kept = []
            main()
            assert not sys.modules["logging"].getLogger("script").handlers
            assert kept[0].name == "script"
    """)
    assert finished == (0, "", "WARNING: now\n")


def test_success_and_fail_are_levels_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    def use(logger: Any) -> None:
        logger.success("fitted %s", "A")
        logger.fail("no fit for %s", "B")
        logger.info({"a": list(range(30)), "b": "x" * 60}, pprint=True)
        logger.warning("seen", c="red")  # a terminal shows it in red, a file has the words

    run(use)
    assert capsys.readouterr().err == (
        "SUCCESS: fitted A\nFAIL: no fit for B\n"
        "INFO: " + pformat({"a": list(range(30)), "b": "x" * 60}) + "\nWARNING: seen\n"
    )
    assert type(logging.getLogger("test_logger")) is logging.Logger


def test_a_message_knows_the_line_it_was_logged_at() -> None:
    seen: list[logging.LogRecord] = []

    def use(logger: Any) -> None:
        mine = logging.Handler()
        mine.emit = seen.append  # type: ignore[assignment,method-assign]
        logging.root.addHandler(mine)
        logger.success("said")
        logger.info("said")

    run(use)
    assert {record.filename for record in seen} == {"test_logger.py"}
    assert {record.funcName for record in seen} == {"use"}
