"""No secret that a run is given reaches a file of its record, however it is given."""

from __future__ import annotations

import os
from pathlib import Path

from support import read_json, run_script, wait_until

PLANTED = "S3cretX9"
SCRIPT = """
    import os, sys, typing
    import attrs
    import scitex_session as stx

    class Login(typing.NamedTuple):
        user: str
        password: str

    @attrs.define
    class Account:
        name: str
        openai_key: str

    @stx.session(verbose=True)
    def main(
        password: str = "",
        passwords: list[str] = ["a"],
        db: dict[str, str] = {},
        dsn: str = "",
        note: str = "",
        n: int = 3,
        login: object = Login("me", "S3cretX9"),
        account: object = Account("me", "S3cretX9"),
    ):
        assert CONFIG.DB.password == "S3cretX9", CONFIG.DB
        assert CONFIG.DB.url == "postgres://me:S3cretX9@db/x"
        open(CONFIG.SDIR_RUN / "events.jsonl", "a").close()
        from scitex_session_core import append_event
        append_event(CONFIG.SDIR_RUN, "note", note="try password=S3cretX9")
        append_event(CONFIG.SDIR_RUN, "result", results={"jwt_token": "S3cretX9", "pass@1": 0.5})
        if n == 4:
            raise ValueError(f"no access with password={password!r}, api_key: {password}")
        print("login with password:", password, flush=True)
        os.kill(os.getpid(), 9)

    if __name__ == "__main__":
        main()
"""
ARGV = (
    *("-p", PLANTED, "--passwords", "a", PLANTED, "--db", f'{{"password": "{PLANTED}"}}'),
    *("--dsn", f"host=db user=me password={PLANTED}", "--note", f"Authorization: Basic {PLANTED}"),
)


def leaks() -> list[str]:
    """Give the files that hold the secret, but for the script and what it printed itself."""
    state = Path(os.environ["XDG_STATE_HOME"])
    files = [path for root in (Path("script_out"), state) for path in root.rglob("*")]
    own = {"stdout.log", "stderr.log", "script.py"}
    files = [path for path in files if path.is_file() and path.name not in own]
    assert any(path.name == "CONFIG.yaml" for path in files)
    assert any(path.suffix == ".jsonl" and path.parent.name == "journal" for path in files)
    return [str(path) for path in files if PLANTED.encode() in path.read_bytes()]


def configure() -> None:
    Path("config").mkdir()
    Path("config/db.yaml").write_text(
        f"password: ${{env:DB_PASSWORD:-{PLANTED}}}\n"
        f"url: postgres://me:${{env:DB_PASSWORD:-{PLANTED}}}@db/x\n"
        f"user_pwd: {PLANTED}\nheader: bearer abc.{PLANTED}.def\nkey_dim: 64\ntokens: [1, 2]\n"
    )


def test_a_run_that_fails_keeps_its_secrets() -> None:
    configure()
    finished = run_script(SCRIPT, *ARGV, "-n", "4")
    assert f"no access with password='{PLANTED}'" in finished.stderr, finished
    assert leaks() == []
    (run_dir,) = Path("script_out/FINISHED_ERROR").iterdir()
    record = read_json(run_dir / "session.json")
    assert record["reason"]["message"] == "no access with password='***', api_key: ***"
    assert record["results"] == {"jwt_token": "***", "pass@1": 0.5}
    assert record["config"]["DB"]["key_dim"] == 64
    assert record["config"]["DB"]["tokens"] == [1, 2]
    assert record["arguments"]["n"] == 4
    assert record["argv"][1:3] == ["-p", "***"]
    # The lines of a verbose session are ours, and go to the log.
    assert PLANTED not in (run_dir / "logs" / "stdout.log").read_text()


def test_a_run_that_is_killed_keeps_its_secrets() -> None:
    configure()
    finished = run_script(SCRIPT, *ARGV)
    assert finished.returncode == -9, finished
    wait_until(lambda: list(Path("script_out").glob("FINISHED_ERROR/*")))
    (run_dir,) = Path("script_out/FINISHED_ERROR").iterdir()
    assert leaks() == []
    last = read_json(run_dir / "session.json")["reason"]["last_output"]
    assert last["stdout"] == "login with password: ***"


def test_a_secret_that_an_error_repeats_without_its_name_is_masked() -> None:
    finished = run_script(
        """
        import scitex_session as stx

        @stx.session
        def main(password: str):
            raise RuntimeError(f"login('me', {password!r}) failed")

        if __name__ == "__main__":
            main()
        """,
        "--password",
        "correct-horse-battery",
    )
    assert "login('me', 'correct-horse-battery') failed" in finished.stderr  # as without us
    (run,) = Path("script_out", "FINISHED_ERROR").iterdir()
    record = read_json(run / "session.json")
    assert record["reason"]["message"] == "login('me', '***') failed"
