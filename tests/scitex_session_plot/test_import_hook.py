from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from scitex_session_plot._import_hook import Hook

NAME = "waited_for"
WriteModule = Callable[[str], Path]


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteModule]:
    """Give a function that writes the module `waited_for`, importable in this test only."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(source: str) -> Path:
        path = tmp_path / f"{NAME}.py"
        path.write_text(source, encoding="utf-8")
        importlib.invalidate_caches()
        return path

    write("value = 1\n")
    yield write
    sys.modules.pop(NAME, None)


@pytest.fixture
def calls() -> list[ModuleType]:
    return []


@pytest.fixture
def hook(calls: list[ModuleType]) -> Iterator[Hook]:
    hook = Hook(NAME, calls.append)
    yield hook
    hook.cancel()


def is_on_the_path() -> bool:
    return any(type(finder).__module__ == Hook.__module__ for finder in sys.meta_path)


@pytest.mark.parametrize(
    "statement",
    [
        "import waited_for",
        "import waited_for as other",
        "from waited_for import value",
        "from waited_for import *",
        "__import__('waited_for')",
        "import importlib; importlib.import_module('waited_for')",
    ],
)
def test_every_form_of_import_makes_the_call_once(
    statement: str, write_module: WriteModule, hook: Hook, calls: list[ModuleType]
) -> None:
    exec(statement, {})
    exec(statement, {})
    assert calls == [sys.modules[NAME]]
    assert calls[0].value == 1
    assert not is_on_the_path()


def test_the_call_comes_before_the_importing_statement_goes_on(write_module: WriteModule) -> None:
    Hook(NAME, lambda module: setattr(module, "value", 2))
    found: dict[str, object] = {}
    exec("from waited_for import value", found)
    assert found["value"] == 2


def test_a_module_that_is_there_gets_its_call_at_once(write_module: WriteModule) -> None:
    calls: list[ModuleType] = []
    module = importlib.import_module(NAME)
    Hook(NAME, calls.append)
    assert calls == [module]
    assert not is_on_the_path()


def test_looking_for_the_module_makes_no_call(
    write_module: WriteModule, hook: Hook, calls: list[ModuleType]
) -> None:
    assert importlib.util.find_spec(NAME) is not None
    assert not calls
    importlib.import_module(NAME)
    assert len(calls) == 1


def test_a_failed_import_makes_no_call_and_leaves_the_hook_waiting(
    write_module: WriteModule, hook: Hook, calls: list[ModuleType]
) -> None:
    path = write_module("raise RuntimeError('not today')\n")
    with pytest.raises(RuntimeError, match="not today"):
        importlib.import_module(NAME)
    assert not calls
    path.unlink()
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(NAME)
    write_module("value = 'better now'\n")
    importlib.import_module(NAME)
    assert [module.value for module in calls] == ["better now"]


def test_a_cancelled_hook_makes_no_call(
    write_module: WriteModule, hook: Hook, calls: list[ModuleType]
) -> None:
    assert hook.cancel()
    assert not hook.cancel()
    assert not is_on_the_path()
    importlib.import_module(NAME)
    assert not calls


def test_a_hook_cancelled_while_its_module_runs_makes_no_call(
    write_module: WriteModule, hook: Hook, calls: list[ModuleType]
) -> None:
    write_module("import sys\nsys.waited_for_hook.cancel()\n")
    sys.waited_for_hook = hook  # type: ignore[attr-defined]
    try:
        importlib.import_module(NAME)
    finally:
        del sys.waited_for_hook  # type: ignore[attr-defined]
    assert not calls


def test_hooks_for_one_module_are_called_in_the_order_in_which_they_were_made(
    write_module: WriteModule,
) -> None:
    order: list[str] = []
    for name in ("first", "second", "third"):
        Hook(NAME, lambda _, name=name: order.append(name))  # type: ignore[misc]
    importlib.import_module(NAME)
    assert order == ["first", "second", "third"]


def test_however_many_hooks_wait_there_is_one_finder_until_the_last_is_gone() -> None:
    before = list(sys.meta_path)
    hooks = [Hook(name, lambda _: None) for name in (NAME, NAME, "waited_for_too")]
    assert len(sys.meta_path) == len(before) + 1
    for hook in hooks:
        assert is_on_the_path()
        hook.cancel()
    assert sys.meta_path == before


@pytest.mark.parametrize("as_error", [False, True])
def test_a_call_that_fails_is_a_warning_and_the_import_goes_on(
    write_module: WriteModule, as_error: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(module: ModuleType) -> None:
        raise ModuleNotFoundError("replaced while it ran")

    calls: list[ModuleType] = []
    Hook(NAME, fail)
    Hook(NAME, calls.append)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error" if as_error else "always")
        module = importlib.import_module(NAME)
    assert calls == [module]
    said = capsys.readouterr().err if as_error else str(caught[0].message)
    assert "waited_for" in said
    assert "ModuleNotFoundError: replaced while it ran" in said


def test_the_module_keeps_its_own_loader(write_module: WriteModule, hook: Hook) -> None:
    module = importlib.import_module(NAME)
    other = importlib.util.find_spec("json")
    assert other is not None
    assert module.__spec__ is not None
    assert type(module.__loader__) is type(module.__spec__.loader) is type(other.loader)


def test_a_lazily_loaded_module_makes_the_call_when_its_code_has_run(
    write_module: WriteModule, hook: Hook, calls: list[ModuleType]
) -> None:
    spec = importlib.util.find_spec(NAME)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules[NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not calls
    assert module.value == 1
    assert len(calls) == 1


def test_threads_that_import_at_once_all_meet_the_called_module(
    write_module: WriteModule, hook: Hook, calls: list[ModuleType]
) -> None:
    write_module("import time\ntime.sleep(0.05)\nvalue = 1\n")
    start = threading.Barrier(8)
    seen: list[int] = []

    def work() -> None:
        start.wait()
        importlib.import_module(NAME)
        seen.append(len(calls))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8


def test_a_hook_made_while_another_thread_imports_waits_for_the_whole_module(
    write_module: WriteModule,
) -> None:
    write_module("import sys, time\nsys.waited_for_begun.set()\ntime.sleep(0.2)\nvalue = 1\n")
    begun = threading.Event()
    sys.waited_for_begun = begun  # type: ignore[attr-defined]
    thread = threading.Thread(target=importlib.import_module, args=(NAME,))
    values: list[int] = []
    try:
        thread.start()
        assert begun.wait(10)
        Hook(NAME, lambda module: values.append(module.value))
        assert values == [1]
    finally:
        thread.join()
        del sys.waited_for_begun  # type: ignore[attr-defined]
