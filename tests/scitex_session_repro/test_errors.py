from __future__ import annotations

import pickle

import pytest

import scitex_session_repro as repro
from scitex_session_repro import ReproError

ERRORS = [
    (repro.SeedTypeError("'a'", "str"), TypeError),
    (repro.SeedRangeError(-1), ValueError),
    (repro.NameTypeError("1", "int"), TypeError),
    (repro.UnknownGeneratorError("<module 'os'>", ("random", "numpy")), ValueError),
    (repro.CountTypeError("'2'", "str"), TypeError),
    (repro.CountRangeError(-1), ValueError),
    (repro.ManagerReleasedError("RandomStateManager(seed=42)", True), RuntimeError),
    (repro.NotAWorkerError("worker_init_fn", "DataLoader(..., worker_init_fn=)"), RuntimeError),
    (repro.DeviceUnavailableError("cuda", "torch sees no such device here"), RuntimeError),
    (repro.StateError("the state has no 'seed'"), ValueError),
    (repro.CheckpointError("a.json", "it is not JSON"), ValueError),
    (repro.MissingLibraryError("get_torch_generator", "torch"), ImportError),
    (repro.NotFingerprintableError("obj[0]", "is of type set", "pass a list"), TypeError),
    (repro.NestingError("obj[0]", "contains itself"), ValueError),
    (repro.VerificationError("x", "2026", "sf1:0", "sf1:1", "it differs", {}), ValueError),
    (repro.VerificationRecordError("x.json", "x", "it is no JSON"), ValueError),
]


@pytest.mark.parametrize(("error", "builtin"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_is_its_builtin_too(error: ReproError, builtin: type[Exception]) -> None:
    assert isinstance(error, ReproError)
    assert isinstance(error, builtin)


@pytest.mark.parametrize("error", [error for error, _ in ERRORS], ids=lambda e: type(e).__name__)
def test_an_error_survives_pickling_with_its_data(error: ReproError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_every_error_of_the_package_is_tested_here() -> None:
    public = {getattr(repro, name) for name in dir(repro) if name.endswith("Error")}
    assert public == {type(error) for error, _ in ERRORS} | {ReproError}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            repro.MissingLibraryError("get_torch_generator", "torch"),
            "get_torch_generator needs torch, which is not installed: pip install torch",
        ),
        (
            repro.UnknownGeneratorError("<module 'os'>", ("random", "numpy")),
            "cannot seed <module 'os'>: the known modules are random, numpy",
        ),
        (
            repro.ManagerReleasedError("RandomStateManager(seed=42).child('a')", False),
            "RandomStateManager(seed=42).child('a') seeds global generators in a `with` block "
            "only: enter it first",
        ),
        (
            repro.VerificationError("x" * 5000, "2026", "sf1:0", "sf1:1", "it differs", {}),
            f"'{'x' * 60}'… (5000 characters) is not as recorded on 2026: it differs",
        ),
        (
            repro.DeviceUnavailableError("cuda", "torch sees no such device here"),
            "cannot make a torch generator on device 'cuda': torch sees no such device here",
        ),
        (
            repro.CountRangeError(-1),
            "n must be an integer from 0 upwards, not -1",
        ),
        (
            repro.CheckpointError("a.json", "it is not JSON"),
            "cannot restore a.json: it is not JSON",
        ),
        (
            repro.SeedRangeError(-1),
            "seed must be an integer from 0 to 2**128 - 1 or None, not -1",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_message_says_what_was_wrong_and_what_is_allowed(error: ReproError, message: str) -> None:
    assert str(error) == message


def test_a_missing_library_is_named_as_python_names_it() -> None:
    error = repro.MissingLibraryError("get_torch_generator", "torch")
    assert isinstance(error, ImportError)
    assert error.name == "torch"
