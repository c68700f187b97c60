"""The logger of a session prints where nothing else does, and is given back."""

from __future__ import annotations

import logging
import pickle
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from scitex_session._names.logger import SessionLogger
from support import run_script

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def no_logging_set_up() -> Iterator[None]:
    """As in a script; in a test, pytest has put handlers of its own at the root."""
    found = logging.root.handlers
    logging.root.handlers = []
    try:
        yield
    finally:
        logging.root.handlers = found


def test_info_is_printed_and_debug_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    handle = SessionLogger("a.run")
    logger = handle.ready()
    with no_logging_set_up():
        logger.info("one of %d", 2)
        logger.debug("two")
    handle.restore()
    assert capsys.readouterr().err == "INFO: one of 2\n"


def test_where_the_user_set_up_logging_theirs_alone_says_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handle = SessionLogger("a.run")
    logger = handle.ready()
    seen: list[logging.LogRecord] = []
    mine = logging.Handler()
    mine.emit = seen.append  # type: ignore[assignment,method-assign]
    with no_logging_set_up():
        logging.root.addHandler(mine)
        logger.info("said")
    handle.restore()
    assert [record.getMessage() for record in seen] == ["said"]
    assert capsys.readouterr().err == ""


def test_level_and_handlers_are_put_back() -> None:
    real = logging.getLogger("a.run")
    real.setLevel(logging.ERROR)
    handle = SessionLogger("a.run")
    logger = handle.ready()
    assert logger.level == logging.ERROR
    handle.restore()
    assert (real.level, real.handlers) == (logging.ERROR, [])
    real.setLevel(logging.NOTSET)


def test_what_stands_for_the_logger_is_one() -> None:
    logger = SessionLogger("a.run")
    assert isinstance(logger, logging.Logger)
    assert pickle.loads(pickle.dumps(logger.getChild("x"))) is logging.getLogger("a.run.x")
    logger.restore()


def test_logging_is_imported_when_something_is_logged() -> None:
    finished = run_script("""
        import sys
        from scitex_session._names.logger import SessionLogger
        handle = SessionLogger("run")
        logger = handle.ready()
        assert "logging" not in sys.modules
        logger.warning("now")
        assert "logging" in sys.modules
        handle.restore()
    """)
    assert finished == (0, "", "WARNING: now\n")
