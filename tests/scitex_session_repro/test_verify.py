from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scitex_session_repro import (
    InvalidTypeError,
    NotFingerprintableError,
    RandomStateManager,
    VerificationError,
    VerificationRecordError,
)
from support import run_script, start_script, wait_until, write_script


@pytest.fixture
def rng() -> Iterator[RandomStateManager]:
    with RandomStateManager(1) as manager:
        yield manager


def records(directory: str = "fingerprints") -> list[Path]:
    return sorted(Path(directory).glob("*.fingerprint.json"))


SCRIPT = """
    import sys
    from scitex_session_repro import RandomStateManager
    rng = RandomStateManager(int(sys.argv[1]))
    rng.verify(rng("data").random(5), "data")
"""


def test_a_run_is_compared_with_the_run_before() -> None:
    first, second, third = (run_script(SCRIPT, seed) for seed in ("1", "1", "2"))
    assert first.stdout == "scitex-session-repro: recorded 'data' in fingerprints\n"
    assert "'data' is as recorded on 20" in second.stdout
    assert third.returncode == 1
    assert "VerificationError: 'data' is not as recorded on 20" in third.stderr
    assert "5 of 5 elements differ" in third.stderr
    assert "the seed was 1 and is 2" in third.stderr


def test_a_difference_raises_or_gives_false_as_asked(
    rng: RandomStateManager, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rng.verify(1.0, "x", verbose=False) is True
    assert rng.verify(1.0, "x", False) is True
    assert rng.verify(2.0, "x", False) is False
    assert capsys.readouterr().out == ""
    assert rng.verify(2.0, "x", raises=False) is False
    assert "the value was 1.0 and is 2.0" in capsys.readouterr().out
    with pytest.raises(VerificationError):
        rng.verify(2.0, "x")
    with pytest.raises(VerificationError) as caught:
        rng.verify(2.0, "x", verbose=False, raises=True)
    assert caught.value.name == "x"
    assert caught.value.details == {"value": ("1.0", "2.0")}
    assert caught.value.recorded == rng.fingerprint(1.0)
    assert caught.value.found == rng.fingerprint(2.0)


def test_a_difference_does_not_replace_the_record(rng: RandomStateManager) -> None:
    rng.verify([1], "x", verbose=False)
    assert [rng.verify([n], "x", verbose=False) for n in (2, 1, 2)] == [False, True, False]


def test_the_store_is_what_is_given_or_set(rng: RandomStateManager, tmp_path: Path) -> None:
    rng.verify(1, "x", False)
    rng.verify(1, "x", False, directory=tmp_path / "given" / "deep")
    rng.verify_directory = tmp_path / "owners"
    rng.verify(1, "x", False)
    assert [len(records(where)) for where in ("fingerprints", "given/deep", "owners")] == [1, 1, 1]
    assert RandomStateManager.verify_directory == "fingerprints"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(st.characters()), unique_by=lambda name: name, max_size=5))
def test_any_string_is_a_name_of_its_own(rng: RandomStateManager, names: list[str]) -> None:
    rng.clear_cache()
    names = list({normalize("NFC", name): name for name in names})
    for number, name in enumerate(names):
        assert rng.verify(number, name, verbose=False)
    assert len(records()) == len(names)
    for number, name in enumerate(names):
        assert rng.verify(number, name, verbose=False)
        assert not rng.verify(-1, name, verbose=False)
    assert rng.clear_cache() == len(names)


@pytest.mark.parametrize(
    "name", ["../../evil", "a/b", "C:\\x", "con", "", ".", "x" * 1000, "Data", "data", "n\0n", "*"]
)
def test_no_name_leaves_the_directory(rng: RandomStateManager, name: str) -> None:
    rng.verify(np.arange(3), name, verbose=False)
    assert [path.name for path in Path.cwd().iterdir()] == ["fingerprints"]
    assert len(list(Path("fingerprints").iterdir())) == 2  # the record, and the array


def test_a_name_must_be_a_string(rng: RandomStateManager) -> None:
    with pytest.raises(
        InvalidTypeError, match="name of a value to verify must be a str, not 3 of type int"
    ):
        rng.verify(1, 3)  # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match="not 3 of type int"):
        rng.clear_cache(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match="not 4 of type int"):
        rng.clear_cache(["a", 4])  # type: ignore[list-item]


def test_what_has_no_fingerprint_leaves_no_record(rng: RandomStateManager) -> None:
    with pytest.raises(
        NotFingerprintableError, match=r"obj\['loss'\], which is the function print"
    ):
        rng.verify({"loss": print}, "x")
    assert not Path("fingerprints").exists()


def test_clearing_forgets_what_matches_and_says_how_many(rng: RandomStateManager) -> None:
    def record_all() -> None:
        for name in ("train/x", "train/y", "test/x", "a[1]"):
            rng.verify(np.arange(3), name, verbose=False)

    for patterns, expected in [
        ("train/*", 2),
        (["train/x", "test/?"], 2),
        ("a[1]", 1),
        ("*", 4),
        (None, 4),
        ("nothing", 0),
        ([], 0),
        (("*/x", "train/*"), 3),
    ]:
        record_all()
        assert rng.clear_cache(patterns) == expected, patterns
        assert len(records()) == 4 - expected
        assert len(list(Path("fingerprints").glob("*.npy"))) == 4 - expected
    assert rng.clear_cache(directory="nowhere") == 0


def test_clearing_leaves_other_files_alone(rng: RandomStateManager) -> None:
    rng.verify(1, "x", verbose=False)
    for name in ("notes.json", "x.npy", "results.csv"):
        Path("fingerprints", name).write_text("mine", encoding="utf-8")
    assert rng.clear_cache() == 1
    assert len(list(Path("fingerprints").iterdir())) == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no JSON"),
        ("{", "it is no JSON"),
        ("[]", "it is no JSON object"),
        ('{"name": "x"}', "its 'fingerprint' is missing"),
        ('{"name": "x", "recorded": "", "fingerprint": "md5:0"}', "of scheme 'md5', not 'sf1'"),
        (
            '{"name": "x", "recorded": "", "fingerprint": "sf1:0", "array": "../x.npy"}',
            "its 'array' is no name of a file beside it",
        ),
        (
            '{"name": "x", "recorded": "", "fingerprint": "sf1:0", "parts": 3}',
            "its 'parts' is no JSON object",
        ),
    ],
)
def test_a_damaged_record_is_said_and_can_be_cleared(
    rng: RandomStateManager, text: str, why: str
) -> None:
    rng.verify(1, "x", verbose=False)
    records()[0].write_text(text, encoding="utf-8")
    with pytest.raises(VerificationRecordError) as caught:
        rng.verify(1, "x", verbose=False)
    assert why in str(caught.value)
    assert str(records()[0]) in str(caught.value)
    assert rng.clear_cache("y*") == 0
    assert rng.clear_cache("x") == 1
    assert rng.verify(1, "x", verbose=False)


def test_a_store_that_can_not_be_written_warns_and_the_run_goes_on(
    rng: RandomStateManager, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(NotADirectoryError):
        rng.verify(1, "x", directory=blocked)
    with pytest.warns(RuntimeWarning, match="could not record 'x', so nothing is verified") as said:
        assert rng.verify(1, "x", directory="/proc/nowhere")
    assert said[0].filename == __file__


RACE = """
    import sys, time
    from pathlib import Path
    import numpy as np
    from scitex_session_repro import RandomStateManager
    rng = RandomStateManager(1)
    Path(f"ready-{sys.argv[1]}").touch()
    while not Path("go").exists():
        time.sleep(0.001)
    same = [rng.verify(np.full(9, int(sys.argv[1])), f"n{n}", verbose=False) for n in range(20)]
    print(*map(int, same))
"""


def test_of_processes_at_once_one_records_and_the_others_compare() -> None:
    script = write_script(RACE)
    with ExitStack() as stack:
        processes = [stack.enter_context(start_script(script, number)) for number in "123"]
        wait_until(lambda: all(Path(f"ready-{number}").exists() for number in "123"), timeout=30)
        Path("go").touch()
        outputs = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [row.count("1") for row in zip(*outputs, strict=True)] == [1] * 20
    assert len(records()) == 20
    assert len(list(Path("fingerprints").iterdir())) == 40  # no array of a loser, nothing half made


def test_where_there_are_no_hard_links_it_is_recorded_all_the_same(
    rng: RandomStateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: Any) -> None:
        raise OSError(1, "Operation not permitted")  # as exFAT answers

    monkeypatch.setattr("os.link", link)
    assert rng.verify(1, "x", verbose=False)
    assert rng.verify(1, "x", verbose=False)
    assert not rng.verify(2, "x", verbose=False)
    assert len(list(Path("fingerprints").iterdir())) == 1


def test_without_a_name_the_place_of_the_call_is_the_name() -> None:
    source = """
        import sys
        from scitex_session_repro import RandomStateManager
        with RandomStateManager(42) as rng:
            for step in range(3):
                rng.verify(step)
            rng.verify(float(sys.argv[1]))
    """
    first, same, other = (run_script(source, value) for value in ("1", "1", "2"))
    (script,) = {line.split("'")[1].partition(":")[0] for line in first.stdout.splitlines()}
    names = [f"{script}:6", f"{script}:6 (2)", f"{script}:6 (3)", f"{script}:7"]
    assert [line.split("'")[1] for line in first.stdout.splitlines()] == names
    assert same.stdout.count("is as recorded") == 4
    assert f"'{script}:7' is not as recorded" in other.stderr
