"""A session as a block: `with`, `async with`, errors, exits and misuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from support import read_json, run_script


def the_record() -> dict[str, Any]:
    (path,) = Path("script_out").glob("FINISHED*/*/session.json")
    found: dict[str, Any] = read_json(path)
    return found


def test_the_names_of_the_session_are_its_attributes() -> None:
    finished = run_script("""
        import scitex_session as stx

        with stx.Session(seed=7, note="by hand") as s:
            assert stx.CONFIG.ID == s.CONFIG.ID and s.rngg.seed == 7
            s.logger.info("fitting")
            s.plt.plot([1, 2], color=s.COLORS.blue)
            s.plt.savefig(s.CONFIG.SDIR_RUN / "fit.png")
            s.results["acc"] = 0.5
            print("within")
        print("after", s.CONFIG.EXIT_STATUS)
    """)
    assert finished == (0, "within\nafter 0\n", "INFO: fitting\n")
    record = the_record()
    assert (record["seed"], record["note"], record["results"]) == (7, "by hand", {"acc": 0.5})
    assert [a["path"] for a in record["artifacts"]] == ["fit.png"]


@pytest.mark.parametrize(
    ("ends", "exit_status", "kind"),
    [("1 / 0", 1, "exception"), ("raise SystemExit(3)", 3, "exit"), ("sys.exit()", 0, "exit")],
)
def test_what_leaves_the_block_ends_the_session_and_goes_on(
    ends: str, exit_status: int, kind: str
) -> None:
    finished = run_script(f"""
        import sys
        import scitex_session as stx

        with stx.Session():
            {ends}
        print("never")
    """)
    assert (finished.returncode, finished.stdout) == (exit_status, "")
    record = the_record()
    assert (record["exit_status"], record["reason"]["kind"]) == (exit_status, kind)


def test_async_with_does_the_same() -> None:
    finished = run_script("""
        import asyncio
        import scitex_session as stx

        async def main():
            async with stx.Session(tags=["async"]) as s:
                await asyncio.sleep(0)
                s.results["n"] = 1

        asyncio.run(main())
    """)
    assert finished == (0, "", "")
    assert (the_record()["tags"], the_record()["results"]) == (["async"], {"n": 1})


def test_a_session_that_is_never_left_is_closed_at_the_end_of_the_process() -> None:
    finished = run_script("""
        import scitex_session as stx
        s = stx.Session().__enter__()
        print("within")
    """)
    assert finished == (0, "within\n", "")
    assert the_record()["reason"] == {"kind": "never_closed"}


def test_one_within_another_is_refused_and_the_outer_one_goes_on(tmp_path: Path) -> None:
    with stx.Session(out=tmp_path, capture="none") as outer:
        with pytest.raises(stx.NestedSessionError), stx.Session():
            pass
        assert stx.CONFIG.ID == outer.CONFIG.ID


def test_a_mistyped_option_is_refused_before_anything_starts() -> None:
    with pytest.raises(stx.UnknownOptionError, match="did you mean 'seed'"):
        stx.Session(sede=1)  # type: ignore[call-arg]


def test_it_can_be_entered_again(tmp_path: Path) -> None:
    session = stx.Session(out=tmp_path, capture="none")
    seen = []
    for _ in range(2):
        with session as s:
            seen.append(s.CONFIG.ID)
    assert len(set(seen)) == 2
