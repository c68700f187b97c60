from __future__ import annotations

import pickle
import sys
from typing import Any

import pytest

import scitex_session_repro as repro
from scitex_session_repro import RandomStateManager, ReproError, fingerprint

# What causes each, and the builtin that a caller would catch it by.
CAUSES: dict[str, tuple[type[Exception], type[Exception], Any]] = {
    "seed type": (repro.InvalidTypeError, TypeError, lambda rng, _: RandomStateManager("1")),  # type: ignore[arg-type]
    "seed range": (repro.InvalidValueError, ValueError, lambda rng, _: rng.temporary_seed(-1)),
    "name": (repro.InvalidTypeError, TypeError, lambda rng, _: rng(1)),
    "count": (repro.InvalidTypeError, TypeError, lambda rng, _: rng.spawn(2.0)),
    "negative count": (repro.InvalidValueError, ValueError, lambda rng, _: rng.spawn(-1)),
    "module": (repro.InvalidValueError, ValueError, lambda rng, _: rng.seed_modules(sys)),
    "not entered": (
        repro.ManagerReleasedError,
        RuntimeError,
        lambda rng, _: rng.child("a").seed_modules(),
    ),
    "no worker": (repro.NotAWorkerError, RuntimeError, lambda rng, _: rng.worker_init_fn(0)),
    "state": (repro.StateError, ValueError, lambda rng, _: rng.load_state_dict({})),
    "checkpoint": (
        repro.CheckpointError,
        ValueError,
        lambda rng, path: rng.restore(path / "spoilt.json"),
    ),
    "function": (repro.NotFingerprintableError, TypeError, lambda rng, _: fingerprint([print])),
    "verification": (repro.VerificationError, ValueError, lambda rng, _: rng.verify(2, "x")),
    "record": (repro.VerificationRecordError, ValueError, lambda rng, _: rng.verify(2, "spoilt")),
    "library": (repro.MissingLibraryError, ImportError, lambda rng, _: rng.get_jax_key("a")),
}


def caused(name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The error that is raised."""
    kind, _, cause = CAUSES[name]
    monkeypatch.setitem(sys.modules, "jax", None)  # Python's own way to say: not there
    (tmp_path / "spoilt.json").write_text("{")
    with RandomStateManager(42) as rng:
        rng.clear_cache()
        for recorded in ("x", "spoilt"):
            rng.verify(1, recorded, verbose=False)
        for path in (tmp_path / "fingerprints").glob("spoilt*"):
            path.write_text("{")
        with pytest.raises(kind) as raised:
            cause(rng, tmp_path)
    return raised.value


@pytest.mark.parametrize("name", CAUSES)
def test_an_error_is_its_builtin_and_survives_pickling_with_its_data(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = caused(name, tmp_path, monkeypatch)
    assert isinstance(error, ReproError)
    assert isinstance(error, CAUSES[name][1])
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
    documented = {
        name for kind in type(error).__mro__ for name in vars(kind).get("__annotations__", ())
    }
    assert all(hasattr(copy, attribute) for attribute in documented)


def test_every_error_of_the_package_is_caused_here_or_needs_torch() -> None:
    public = {getattr(repro, name) for name in dir(repro) if name.endswith("Error")}
    caused = {kind for kind, _, _ in CAUSES.values()}
    assert public == caused | {ReproError, repro.DeviceUnavailableError}


def test_a_damaged_file_is_a_damaged_state_too() -> None:
    assert issubclass(repro.CheckpointError, repro.StateError)


def test_a_message_says_what_was_wrong_and_what_is_allowed(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {
        "seed range": ["seed", "0 to 2**128 - 1", "-1"],
        "name": ["name of a stream", "str", "1 of type int"],
        "module": ["<module 'sys'", "random, numpy, torch, tensorflow"],
        "not entered": ["RandomStateManager(seed=42).child('a')", "`with` block"],
        "library": ["get_jax_key", "pip install jax"],
        "function": ["obj[0]", "print", "pass"],
        "record": ["spoilt", "clear_cache('spoilt')"],
        "checkpoint": ["spoilt.json", "JSON"],
    }
    for name, words in said.items():
        message = str(caused(name, tmp_path, monkeypatch))
        assert all(word in message for word in words), message


def test_a_missing_library_is_named_as_python_names_it(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert caused("library", tmp_path, monkeypatch).name == "jax"
