"""Secrets of many kinds, planted wherever a run reads: none of them reaches the disk."""

from __future__ import annotations

import os
import subprocess
import textwrap
from pathlib import Path

import pytest

from scitex_session_core import read_record
from support import run_script, wait_until

# What is planted is unlike anything else, and each kind unlike the others, so that a leak is named.
KINDS = (
    *("option", "option_with_equals", "text_in_an_option", "address_in_an_option", "mapping"),
    *("named_tuple", "environment", "interpolated", "in_yaml", "nested_in_yaml", "address_in_yaml"),
    *("remote", "changed_code", "changed_settings", "new_code", "new_settings", "dotenv"),
    *("result", "text_in_a_result", "metric", "note", "error", "helper", "script", "private_key"),
    *("saved_tag", "default"),
)
PLANTED = {kind: f"S3cret{number:02}Xq7" for number, kind in enumerate(KINDS)}
GITHUB = "ghp_S3cretXq7abcdefghijklmnop0123456789"
AMAZON = "AKIAS3CRETXQ7ABCDEFG"

SCRIPT = """
    import os, sys, typing
    import helper
    import scitex_session as stx
    from scitex_session_core import append_event

    DB_PASSWORD = "{script}"

    class Login(typing.NamedTuple):
        user: str
        password: str

    @stx.session
    def main(
        password: str = "",
        api_key: str = "{default}",
        dsn: str = "",
        url: str = "",
        db: dict[str, str] = {{}},
        login: object = Login("me", helper.PASSWORD),
        end: str = "return",
    ):
        assert password == os.environ["EXPECTED"] and CONFIG.DB.password and api_key and url
        assert os.environ["SERVICE_TOKEN"] in CONFIG.DB.url
        append_event(CONFIG.SDIR_RUN, "note", note="try password={note}")
        stx.log(1, text="api_key={metric}")
        if end == "raise":
            raise ValueError("no access with password='{error}'")
        if end == "kill":
            os.kill(os.getpid(), 9)
        return {{"jwt_token": "{result}", "text": "secret: {text_in_a_result}"}}

    if __name__ == "__main__":
        main()
"""


def git(*words: str) -> None:
    settings = ("-c", "user.name=n", "-c", "user.email=a@b.c")
    subprocess.run(["git", *settings, *words], check=True, capture_output=True)


@pytest.fixture
def planted() -> None:
    """A repository with a secret in everything that a run looks at."""
    p = PLANTED
    git("init", "-q")
    for name in ("helper.py", "settings.ini"):
        Path(name).write_text("\n")
    git("add", "helper.py", "settings.ini")
    git("commit", "-qm", "one")
    git("remote", "add", "origin", f"https://me:{p['remote']}@{GITHUB}@github.com/x/y.git")
    code = f'PASSWORD = "{p["helper"]}"\nclient_secret: str = "{p["changed_code"]}"\n'
    Path("helper.py").write_text(code + f'key = "{AMAZON}"\n')
    Path("settings.ini").write_text(f"[db]\npassword = {p['changed_settings']}\n")
    Path("new.py").write_text(f'connect(password="{p["new_code"]}", token="{GITHUB}")\n')
    Path("new.yaml").write_text(f"db:\n  password: {p['new_settings']}\n")
    Path(".env").write_text(f"ANYTHING={p['dotenv']}\n")
    Path("notes.txt").write_text(
        f"-----BEGIN RSA PRIVATE KEY-----\n{p['private_key']}\n-----END RSA PRIVATE KEY-----\n"
    )
    Path("config").mkdir()
    Path("config/db.yaml").write_text(
        f"password: {p['in_yaml']}\n"
        f"servers: [{{name: a, api_token: {p['nested_in_yaml']}}}]\n"
        f"url: postgres://me:${{env:SERVICE_TOKEN}}@db/x\n"
        f"mirror: https://me:{p['address_in_yaml']}@mirror/x\n"
        f"from_env: {{secret: '${{env:OTHER_TOKEN}}'}}\n"
    )


def leaks(*roots: Path) -> dict[str, list[str]]:
    """Return the files below `roots` that hold a planted secret, and which."""
    found: dict[str, list[str]] = {}
    secrets = {**PLANTED, "github": GITHUB, "amazon": AMAZON}
    for path in (path for root in roots for path in root.rglob("*") if path.is_file()):
        content = path.read_bytes()
        kinds = [kind for kind, secret in secrets.items() if secret.encode() in content]
        if kinds:
            found[path.name] = kinds
    return found


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("end", ["return", "raise", "kill"])
def test_no_planted_secret_reaches_the_disk(end: str) -> None:
    p = PLANTED
    assert len(PLANTED) > 20
    finished = run_script(
        textwrap.dedent(SCRIPT).format(**PLANTED),
        *("--password", p["option"], f"--api-key={p['option_with_equals']}"),
        *("--dsn", f"host=db user=me password={p['text_in_an_option']}"),
        *("--url", f"postgres://me:{p['address_in_an_option']}@db/x", "--end", end),
        *("--db", f'{{"password": "{p["mapping"]}"}}'),
        env={
            "EXPECTED": p["option"],
            "SERVICE_TOKEN": p["environment"],
            "OTHER_TOKEN": p["interpolated"],
        },
    )
    codes = {"return": 0, "raise": 1, "kill": -9}
    assert finished.returncode == codes[end], finished
    (run_dir,) = wait_until(lambda: list(Path("script_out").glob("FINISHED_*/*")))
    wait_until(lambda: "unfinished" not in str(read_record(run_dir)["git"]), timeout=100)
    # Every place that a secret was planted for was written: nothing is clean for being missing.
    diff = (run_dir / "code" / "changes.diff").read_text()
    for line in ('+client_secret: str = "***"', "+password = ***", "+  password: ***"):
        assert line in diff
    assert "RSA" not in diff
    assert "connect(password=" in diff
    assert read_record(run_dir)["git"]["remote"] == "https://github.com/x/y.git"
    assert 'PASSWORD = "***"' in (run_dir / "code" / "helper.py").read_text()
    assert 'DB_PASSWORD = "***"' in (run_dir / "code" / "script.py").read_text()
    assert "api_key=***" in (run_dir / "metrics.jsonl").read_text()
    state = Path(os.environ["XDG_STATE_HOME"])
    assert list(state.rglob("journal/*.jsonl"))
    # The log holds what the interpreter printed of the error, and is kept as it is.
    found = leaks(Path("script_out"), state)
    assert found == ({"stderr.log": ["error"]} if end == "raise" else {})
