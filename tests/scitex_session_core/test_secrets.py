"""Secrets never reach a record; innocent names and texts stay readable."""

from __future__ import annotations

import pytest

from scitex_session_core import is_secret_name, jsonable, new_record

GITHUB = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    "name",
    [
        *("password", "db_password", "DB-PASSWORD", "dbPassword", "passwd", "passwords", "secret"),
        *("api_key", "apiKey", "OPENAI_API_KEY", "api-keys", "apikey", "private_key", "ssh.key"),
        *("token", "hf_token", "access_token", "authToken", "credentials", "aws_credential"),
        *("client_secret", "bearer", "passphrase"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("tokenizer", "max_tokens", "pad_token", "eos_token", "token_count", "key", "keys"),
        *("monkey", "primary_key", "passes", "compass", "password_length", "secretary", "lr", ""),
    ],
)
def test_names_that_only_resemble_them(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgres://me:hunter2@db/x", "postgres://me:***@db/x"),
        ("postgres://me:hun@ter2@db/x", "postgres://me:***@db/x"),
        ("redis://:hunter2@host:6379", "redis://:***@host:6379"),
        ("https://x.org/d.csv?api_key=abc&n=1", "https://x.org/d.csv?api_key=***&n=1"),
        ("https://x.org/d?n=1&X-Amz-Signature=abc#t", "https://x.org/d?n=1&X-Amz-Signature=***#t"),
        (f"clone {GITHUB} now", "clone *** now"),
        ("sk-" + "a" * 30, "***"),
        ("AKIA" + "A1" * 8, "***"),
        ("Authorization: Bearer " + "x" * 20, "Authorization: Bearer ***"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END", "***"),
    ],
)
def test_secrets_inside_a_text(text: str, masked: str) -> None:
    assert jsonable(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        *("https://x.org/a?monkey=1&n=2", "https://me@x.org:80/a", "http://x.org:80/@home"),
        *("task-" + "a" * 30, "a plain text", "sk-short", "10:30 me@x.org", "Bearer of news"),
    ],
)
def test_harmless_texts_stay(text: str) -> None:
    assert jsonable(text) == text


@pytest.mark.parametrize(
    ("argv", "masked"),
    [
        (["x.py", "--api-key", "abc", "1"], ["x.py", "--api-key", "***", "1"]),
        (["x.py", "--password", "-abc"], ["x.py", "--password", "***"]),
        (["x.py", "--password", "--verbose"], ["x.py", "--password", "--verbose"]),
        (["x.py", "--password=a=b"], ["x.py", "--password=***"]),
        (["x.py", "db.password=abc", "lr=1"], ["x.py", "db.password=***", "lr=1"]),
        (["x.py", "--data", "s3://a:b@c"], ["x.py", "--data", "s3://a:***@c"]),
        (["x.py", "password", "abc"], ["x.py", "password", "abc"]),
        ([], []),
    ],
)
def test_command_lines(argv: list[str], masked: list[str]) -> None:
    assert new_record("x", argv=argv)["argv"] == masked
