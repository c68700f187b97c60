from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scitex_session_repro._import_hook import Pending, on_import
from support import run_script

WriteModule = Callable[..., str]


class Waiter:
    """Asks for calls, notes those that come, and cancels the rest."""

    def __init__(self) -> None:
        self.calls: list[ModuleType] = []
        self.pending: list[Pending] = []

    def wait_for(self, name: str, call: Callable[[ModuleType], None] | None = None) -> Pending:
        self.pending.append(on_import(name, call or self.calls.append))
        return self.pending[-1]


@pytest.fixture
def waiter() -> Iterator[Waiter]:
    waiter = Waiter()
    yield waiter
    for pending in waiter.pending:
        pending.cancel()


def load_lazily(name: str) -> None:
    """Import as `importlib.util.LazyLoader` documents it: the code runs at the first attribute."""
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    assert module.value == 1


@pytest.mark.parametrize(
    "statement",
    [
        "import {name}",
        "import {name} as other",
        "from {name} import value",
        "from {name} import *",
        "import sys, {name}",
        "__import__('{name}')",
        "import importlib; importlib.import_module('{name}')",
        "load_lazily('{name}')",
    ],
)
def test_every_form_of_import_calls_once(
    statement: str, waiter: Waiter, write_module: WriteModule
) -> None:
    name = write_module()
    waiter.wait_for(name)
    for _ in range(2):
        exec(statement.format(name=name), {"load_lazily": load_lazily})
        assert waiter.calls == [sys.modules[name]]


def test_the_call_comes_before_the_statement_after_the_import(
    waiter: Waiter, write_module: WriteModule
) -> None:
    name = write_module("value = 'as written'\n")
    waiter.wait_for(name, lambda module: setattr(module, "value", "as called"))
    scope: dict[str, Any] = {}
    exec(f"from {name} import value", scope)
    assert scope["value"] == "as called"


def test_a_submodule_is_waited_for_by_its_full_name(
    waiter: Waiter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "hooked_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "part.py").write_text("value = 1\n")
    (package / "door.py").write_text("from . import part\n")
    monkeypatch.syspath_prepend(tmp_path)
    waiter.wait_for("hooked_package.part")
    importlib.import_module("hooked_package")
    assert waiter.calls == []
    importlib.import_module("hooked_package.door")
    assert waiter.calls == [sys.modules["hooked_package.part"]]


def test_an_imported_module_calls_at_once(waiter: Waiter, write_module: WriteModule) -> None:
    module = importlib.import_module(write_module())
    waiter.wait_for(module.__name__)
    assert waiter.calls == [module]


def test_calls_come_in_the_order_asked_for(waiter: Waiter, write_module: WriteModule) -> None:
    name = write_module()
    order: list[int] = []
    waiter.wait_for(name, lambda _: order.append(1))
    cancelled = waiter.wait_for(name, lambda _: order.append(2))
    waiter.wait_for(name, lambda _: order.append(3))
    cancelled.cancel()
    cancelled.cancel()
    importlib.import_module(name)
    assert order == [1, 3]


def test_a_call_may_import_the_module_and_others_that_are_waited_for(
    waiter: Waiter, write_module: WriteModule
) -> None:
    name, other = write_module(), write_module()
    waiter.wait_for(other)

    def import_both(module: ModuleType) -> None:
        assert importlib.import_module(name) is module
        importlib.import_module(other)
        waiter.calls.append(module)

    waiter.wait_for(name, import_both)
    importlib.import_module(name)
    assert waiter.calls == [sys.modules[other], sys.modules[name]]


def test_looking_for_a_module_calls_nothing(waiter: Waiter, write_module: WriteModule) -> None:
    name = write_module()
    waiter.wait_for(name)
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader.get_source(name) == "value = 1\n"  # type: ignore[union-attr]
    assert waiter.calls == []
    importlib.import_module(name)
    assert waiter.calls == [sys.modules[name]]


def test_a_failed_import_leaves_the_module_waited_for(
    waiter: Waiter, write_module: WriteModule, tmp_path: Path
) -> None:
    name = write_module("raise OSError('no such library')\n")
    waiter.wait_for(name)
    for _ in range(2):
        with pytest.raises(OSError, match="no such library"):
            importlib.import_module(name)
    assert waiter.calls == []
    (tmp_path / f"{name}.py").write_text("value = 'the size differs, so it is compiled again'\n")
    importlib.import_module(name)
    assert waiter.calls == [sys.modules[name]]


def test_a_module_that_is_not_there_is_still_not_there(waiter: Waiter) -> None:
    waiter.wait_for("no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        importlib.import_module("no_such_module")
    assert waiter.calls == []


def test_a_module_that_is_blocked_stays_blocked(
    waiter: Waiter, write_module: WriteModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_module()
    monkeypatch.setitem(sys.modules, name, None)
    waiter.wait_for(name)
    with pytest.raises(ModuleNotFoundError, match="halted"):
        importlib.import_module(name)
    assert waiter.calls == []


def test_the_module_and_its_readers_meet_its_own_loader(
    waiter: Waiter, write_module: WriteModule
) -> None:
    name = write_module("met = [__loader__, __spec__.loader]\n")
    waiter.wait_for(name)
    module = importlib.import_module(name)
    assert module.__spec__ is not None
    for loader in [*module.met, module.__loader__, module.__spec__.loader]:
        assert type(loader) is SourceFileLoader


def test_a_module_in_a_zip_archive_calls(
    waiter: Waiter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("hooked_zipped.py", "value = 1\n")
        archive.writestr("hooked_beside.py", "value = 2\n")
    monkeypatch.syspath_prepend(tmp_path / "archive.zip")
    waiter.wait_for("hooked_zipped")
    importlib.import_module("hooked_beside")
    assert waiter.calls == []
    importlib.import_module("hooked_zipped")
    assert waiter.calls == [sys.modules["hooked_zipped"]]


def test_a_built_in_module_calls() -> None:
    done = run_script("""
        import sys
        from scitex_session_repro._import_hook import on_import

        assert "_symtable" in sys.builtin_module_names and "_symtable" not in sys.modules
        on_import("_symtable", print)
        import _symtable
    """)
    assert done == (0, "<module '_symtable' (built-in)>\n", "")


def test_nothing_stands_on_the_path_when_nobody_waits(
    waiter: Waiter, write_module: WriteModule
) -> None:
    before = list(sys.meta_path)
    name, other = write_module(), write_module()
    pending = waiter.wait_for(name)
    waiter.wait_for(name)
    waiter.wait_for(other)
    assert len(sys.meta_path) == len(before) + 1
    importlib.import_module(other)
    pending.cancel()
    assert len(sys.meta_path) == len(before) + 1
    importlib.import_module(name)
    assert sys.meta_path == before


def test_leaving_the_path_makes_no_import_under_way_miss_a_finder(
    waiter: Waiter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hooked_victim.py").write_text("value = 1\n")
    pending = waiter.wait_for("no_such_module")

    class Leaving:
        """Stands for another thread, in which the wait ends just now."""

        @staticmethod
        def find_spec(*_: Any) -> None:
            pending.cancel()

    class Last:
        @staticmethod
        def find_spec(fullname: str, *_: Any) -> ModuleSpec | None:
            path = tmp_path / f"{fullname}.py"
            return importlib.util.spec_from_file_location(fullname, path) if path.exists() else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Leaving, Last])
    assert importlib.import_module("hooked_victim").value == 1
    assert waiter.pending[0] is pending


@pytest.mark.parametrize("place", [0, 1], ids=["before ours", "behind ours"])
def test_another_hook_that_asks_all_finders_goes_well_with_ours(
    place: int, waiter: Waiter, write_module: WriteModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AskingAll:
        asking = False

        def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
            if self.asking:
                return None
            self.asking = True
            try:
                return importlib.util.find_spec(fullname)
            finally:
                self.asking = False

    name = write_module()
    waiter.wait_for(name)
    finders = list(sys.meta_path)
    finders.insert(place, AskingAll())
    monkeypatch.setattr(sys, "meta_path", finders)
    importlib.import_module(name)
    assert waiter.calls == [sys.modules[name]]


def test_many_threads_that_import_at_once_call_once(
    waiter: Waiter, write_module: WriteModule
) -> None:
    name = write_module("import time\ntime.sleep(0.05)\nvalue = 1\n")
    waiter.wait_for(name)
    barrier = threading.Barrier(8)
    seen: list[tuple[int, int]] = []

    def import_it() -> None:
        barrier.wait()
        module = importlib.import_module(name)
        seen.append((module.value, len(waiter.calls)))

    threads = [threading.Thread(target=import_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [(1, 1)] * 8


class Gate(ModuleType):
    """A module by which a module that is being imported holds still."""

    def __init__(self) -> None:
        super().__init__("hooked_gate")
        self.started = threading.Event()
        self.go = threading.Event()
        self.fails = False


GATED = """
import hooked_gate as gate
gate.started.set()
assert gate.go.wait(30)
if gate.fails:
    raise OSError("no such library")
value = 1
"""


@pytest.mark.parametrize("fails", [False, True])
def test_a_module_that_another_thread_is_importing_is_awaited(
    fails: bool, waiter: Waiter, write_module: WriteModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    gate.fails = fails
    monkeypatch.setitem(sys.modules, gate.__name__, gate)
    name = write_module(GATED)
    raised: list[OSError] = []
    whole: list[bool] = []

    def import_it() -> None:
        try:
            importlib.import_module(name)
        except OSError as error:
            raised.append(error)

    importing = threading.Thread(target=import_it)
    importing.start()
    assert gate.started.wait(30)
    asking = threading.Thread(
        target=waiter.wait_for, args=(name, lambda module: whole.append(hasattr(module, "value")))
    )
    asking.start()
    asking.join(0.1)
    assert whole == []
    gate.go.set()
    importing.join()
    asking.join()
    assert len(raised) == fails
    assert whole == [True] * (not fails)
    gate.fails = False
    importlib.import_module(name)
    assert whole == [True]
