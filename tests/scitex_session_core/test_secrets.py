"""Secrets never reach a record; innocent names and texts stay readable."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import attrs
import numpy as np
import pytest

from scitex_session_core import is_secret_name, jsonable, new_record, source_without_secrets

GITHUB = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    "name",
    [
        *("password", "db_password", "DB-PASSWORD", "dbPassword", "passwd", "passwords", "secret"),
        *("api_key", "apiKey", "OPENAI_API_KEY", "api-keys", "apikey", "private_key", "ssh.key"),
        *("token", "hf_token", "access_token", "authToken", "credentials", "aws_credential"),
        *("client_secret", "bearer", "passphrase", "pwd", "pass", "pw", "db_pass", "dbpassword"),
        *("openai_key", "OpenAIKey", "jwt_token", "db_pw", "PGPASSWORD", "userPwd", "dbpass"),
        *("hf_hub_token", "accessTokens", "aws_secret_access_key", "password2", "passwd_old"),
        *("stripeKey", "smtp_pass", "Authorization", "cookie", "my_secret_value", "contraseña"),
        *("HUGGING_FACE_HUB_TOKEN", "GITHUB_PAT", "db_creds", "creds", "FERNET_KEY", "K8S_TOKEN"),
        *("MLFLOW_TRACKING_TOKEN", "CI_JOB_TOKEN", "password_confirmation", "webhook_token"),
        *("auth_pass", "authorization_header", "AZURE_SAS_TOKEN", "wachtwoord", "пароль", "密码"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("tokenizer", "max_tokens", "pad_token", "eos_token", "token_count", "key", "keys"),
        *("monkey", "primary_key", "passes", "compass", "password_length", "secretary", "lr", ""),
        *("pass@1", "pass@10", "pass@k", "pass_rate", "key_dim", "tokens", "token_ids", "token_1"),
        *("first_pass", "low_pass", "highpass", "bandpass", "n_pass", "forward_pass", "passband"),
        *("turkey", "keyboard", "keypoints", "sort_key", "batch_key", "label_key", "public_key"),
        *("author", "authority", "use_auth", "password_file", "key_file", "credentials_path"),
        *("pwm", "power", "keywords", "api", "access", "s3_key", "key_padding_mask", "passenger"),
        *("num_key_value_heads", "tokens_per_second", "image_token", "cookiecutter", "slack"),
        *(
            "pat",
            "patience",
            "incredible",
            "credits",
            "session_id",
            "user_id",
            "github_repo",
            "psk",
        ),
        *(
            "prng_key",
            "rng_key",
            "foreign_key",
            "vision_token",
            "token_dropout",
            "sk_model",
            "auth",
        ),
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


PLANTED = "S3cretX9"
# How a password, a key or a token stands in texts: addresses, messages, commands, source, headers.
FORMS = [
    *(
        "postgresql://me:{}@db:5432/x",
        "postgres://me:hun/{}@db/x",
        "mysql+pymysql://root:p@{}@h/db",
    ),
    *("mongodb+srv://me:{}@cluster0.x.net/?w=1", "redis://:{}@h:6379", "amqp://me:{}@rabbit//"),
    *("host=db password={} dbname=x", "Server=db;Id=sa;Password={};Encrypt=yes", "Uid=sa;Pwd={}"),
    *("jdbc:mysql://db/x?user=me&password={}", "me:{}@db.example.org:5432/x", "me:{}@tcp(db)/x"),
    *("could not log in with password={}", "no password='{}', n=1", "login failed (password: {})"),
    *('wrong password "{}" for me', "error: password=my{}, n=1", "KeyError: {{'password': '{}'}}"),
    *(
        '{{"password": "{}"}}',
        "{{'user': 'me', 'pass': '{}'}}",
        '{{"a": "{{\\"pwd\\": \\"{}\\"}}"}}',
    ),
    *("Config(user='me', password='{}', n=3)", "Config(api_key={})", "passwords=['a', '{}']"),
    *("Authorization: Basic {}", "authorization: bearer {}", "('Authorization', 'Token {}')"),
    *("curl -H 'Authorization: Bearer {}' x", "curl -H 'X-Api-Key: {}' x", "Set-Cookie: sid={}; x"),
    *("Command '['mysql', '--password', '{}', 'x']' failed", "x --password {} y", "x --token={}"),
    *("export OPENAI_API_KEY={}", 'OPENAI_API_KEY="{}"', "PWD={}", "secret => {}", "db_pass={}"),
    *('password: str = "{}"', "api_key: str | None = '{}'", "self.password == '{}'"),
    *("<password>{}</password>", "dbpassword={}", "openai_key: {}", "jwt_token={}"),
    *("https://x.org/d?key={}&a=1", "https://x.org/d?sig={}", "bearer abc.{}.def"),
    *("aws_secret_access_key = {}", "AccountKey={}==;EndpointSuffix=core", "SharedAccessKey={}"),
    "${{env:DB_PASSWORD:-{}}}",
    *("setenv DB_PASSWORD {}", "java -storepass {} x", "machine h login me password {}"),
    *("curl -u me:{} https://x", "['curl', '--user', 'me:{}']", "sshpass -p '{}' ssh h"),
    *("Cookie: a=b; sid={}", "{{'Cookie': 'a=b; sid={}'}}", "invalid API key: {}", "API key {} x"),
    *("the password is '{}'", "Your password is: {}", "wrong password {} for me", "db_creds={}"),
    *("get(u, auth=('me', '{}'))", "HTTPBasicAuth('me', '{}')", "https://x.org/#access_token={}"),
    *('<add key="Password" value="{}"/>', '[{{"name": "DB_PASSWORD", "value": "{}"}}]'),
    *("https://discord.com/api/webhooks/123/{}", "https://x.webhook.office.com/webhookb2/{}"),
    *("password%3D{}%26a", "password='it\\'s {}'", 'password="a\\"b {}"', 'password="""a\n{}"""'),
    *("password='{}", 'api_key="' + "a" * 5000 + '{}"', "user: me\npassword: correct horse {}"),
    *("password: |\n  {}\nn: 1", "secrets:\n  db: {}\n  n: 1", "passwords:\n- a\n- {}"),
    *(
        "db:\n  password: &pw {}\n  n: 1",
        "- password: !vault {}",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----{}",
    ),
]


@pytest.mark.parametrize("form", FORMS)
def test_no_text_gives_a_secret_away(form: str) -> None:
    text = form.format(PLANTED)
    assert PLANTED in text
    written = jsonable({"note": text})["note"]
    assert PLANTED not in written
    assert "***" in written


@pytest.mark.parametrize(
    "token",
    [
        *("sk_live_" + "a1B2" * 6, "rk_test_" + "a1B2" * 6, "AIzaSy" + "a1B2_" * 7),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gF",
        *("Bearer abcdef1234567890", "bearer abcdef1234567890", "Basic dXNlcjpwYXNzd29yZA=="),
        *("sk-proj-" + "aB3_" * 12, "sk-ant-api03-" + "aB3-" * 20, "xoxb-123456789012-abcdefABC"),
        *("glpat-" + "x1" * 10, "123456789:AA" + "x" * 33, "npm_" + "a1B" * 12, "hf_" + "aB" * 17),
        *("hvs." + "aB1_" * 8, "gsk_" + "a1" * 20, "SG." + "a1" * 11 + "." + "b2" * 21),
        *(
            "https://api.telegram.org/bot123456789:AA" + "x" * 33,
            "glsa_" + "aB1" * 11 + "_0a1b2c3d",
        ),
        *("GOCSPX-" + "aB3-" * 7, "pscale_tkn_aB3-" + "xY-9" * 8, "lin_api_" + "a1" * 20),
        *("SK" + "0a" * 16, "key-" + "0a" * 16, "0a" * 16 + "-us12", "ATATT3" + "aB3" * 60),
        *("xyz8Q~" + "aB3" * 11, "sha256~" + "aB3" * 14 + "x", "dop_v1_" + "0a" * 32),
    ],
)
def test_tokens_are_known_by_their_form(token: str) -> None:
    assert token[-8:] not in jsonable(f"use {token} now")


@pytest.mark.parametrize("host", ["github.com/me/repo.git", "o1.ingest.sentry.io/1"])
def test_a_token_in_the_place_of_a_user_is_masked(host: str) -> None:
    assert jsonable(f"clone https://{'a1b2' * 8}@{host}") == f"clone https://***@{host}"


class Login(NamedTuple):
    """A named tuple that holds a password."""

    user: str
    password: str


@attrs.define
class Account:
    """A class of attrs that holds a key."""

    name: str
    api_key: str
    pin: int


@pytest.mark.parametrize(
    "value",
    [
        [("password", PLANTED)],
        {"headers": [["X-Api-Key", PLANTED], ["Accept", "*"]]},
        {"db": {"password": PLANTED}.items()},
        {"env": [{"name": "DB_PASSWORD", "value": PLANTED}]},
        {"key": "api_key", "value": PLANTED},
        {"command": ["mysql", "--password", PLANTED]},
        {"command": ["mysql", f"--password={PLANTED}"]},
        {"auth": ("me", PLANTED)},
    ],
    ids=str,
)
def test_structures_that_name_a_value_beside_it_keep_it(value: object) -> None:
    assert PLANTED in repr(value)
    assert PLANTED not in str(jsonable({"x": value}))


def test_a_frame_that_names_a_column_of_secrets_keeps_it() -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame({"user": ["me"], "password": [PLANTED]})
    assert PLANTED in repr(frame)
    assert PLANTED not in str(jsonable({"x": frame}))


@pytest.mark.parametrize(
    "value",
    [
        *([["a", "b"], ["c", "d"]], {"auth": "none"}, {"columns": ["user", "password"]}),
        *({"key": "acc", "value": "high"}, {"name": "lr", "value": "x"}, [], [[]], {"keys": ["a"]}),
        *(["--lr", "0.1", "--name", "x"], {"auth": ["a", "b", "c"]}, {"tokens": ["a", "b"]}),
    ],
    ids=str,
)
def test_innocent_structures_stay(value: object) -> None:
    assert jsonable(value) == value


def test_fields_are_masked_by_their_names() -> None:
    assert jsonable(Login("me", PLANTED)) == ["me", "***"]
    assert jsonable(Account("me", PLANTED, 1)) == {"name": "me", "api_key": "***", "pin": 1}


@pytest.mark.parametrize(
    "number",
    [
        *(0, 7, -1.5, True, None, math.inf, 2**3000, Decimal("1.5"), Fraction(1, 3), np.int64(3)),
        *(np.float32(0.5), [1, 2], {"n": 3, "of": [4.5, None]}),
    ],
)
def test_numbers_are_never_masked(number: object) -> None:
    assert jsonable({"password": number}) == {"password": jsonable(number)}
    assert "***" not in str(jsonable({"password": number}))


@pytest.mark.parametrize(
    "text",
    [
        *("pass: ok", "5 pass, 3 fail", "monkey: banana", "the passwords are stored elsewhere"),
        *("author: Jane", "key: value", "tokens: 15", "max_tokens=4096", "token=5", "pass@1=0.5"),
        *("pad_token='<pad>'", "mailto:me@x.org", "git@github.com:org/repo.git", "batch_key=a"),
        *("docker.io/x:1.0@sha256:abcd", "http://localhost:8080/a@b", "C:\\Users\\me", "lr: 0.1"),
        *("a secret is told", "basic understanding", "Basic information", "password=None"),
        *("use_token: true", "passenger: 1", "tokenizer=bert", "secret: None", "keys=['a', 'b']"),
        *("Enter password:", "Enter password:\nok", "wrong password", "basic training: 3 epochs"),
        *("KeyError: 'password'", "password must have 8 characters", "OPENAI_API_KEY is not set"),
        *(
            "def login(user, password): ...",
            "columns: ['user', 'password', 'email']",
            "auth='basic'",
        ),
        *("the token abc12345 is new", "commit 9625f90a2b3c4d5e6f708192a3b4c5d6e7f80912", "key: a"),
        *("features_0123456789abcdef0123456789abcdef.npy", "550e8400-e29b-41d4-a716-446655440000"),
        *("cache-key-0123456789abcdef0123456789abcdef", "fw_baseline_transformer_large_2024"),
        *("pul-requests-of-2024-with-long-names", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NM"),
        *("https://first-last@x.org/a", "primary key: id", "curl: (7) Failed to connect to x:80"),
        *(
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ me@host",
            "100%3D",
            '{"key": "acc", "value": "a"}',
        ),
    ],
)
def test_innocent_texts_stay(text: str) -> None:
    assert jsonable(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("password " * 40_000, "pw='" * 80_000, "a:b@" * 80_000, "://a:" * 80_000),
        *("eyJa." * 80_000, "curl -u a " * 50_000, "auth=('" * 50_000, "://a1" * 80_000),
        *("password:\n" + "  x\n" * 100_000, "API key " * 50_000, 'password="\\' * 50_000),
        *("name='password' value='" * 20_000, "pul-" + "a-" * 100_000, "password was " * 40_000),
    ],
)
def test_no_text_takes_long(text: str) -> None:
    # Quadratic, each of these would take minutes, and the test's time run out.
    assert jsonable(text)


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
        (
            ["x.py", "--passwords", "a", "b", "--n", "1"],
            ["x.py", "--passwords", "***", "***", "--n", "1"],
        ),
        (["x.py", "--db", '{"password": "abc"}'], ["x.py", "--db", '{"password": "***"}']),
        (["x.py", "--no-password", "--n", "1"], ["x.py", "--no-password", "--n", "1"]),
        ([], []),
    ],
)
def test_command_lines(argv: list[str], masked: list[str]) -> None:
    assert new_record("x", argv=argv)["argv"] == masked


@pytest.mark.parametrize("argv", [["-p", PLANTED], ["-p" + PLANTED], ["-p=" + PLANTED], [PLANTED]])
def test_a_value_is_masked_under_whatever_name_the_command_line_gives_it(argv: list[str]) -> None:
    arguments = {"db": {"password": PLANTED}, "data": "a.csv"}
    record = new_record("x", argv=["a.py", *argv, "-d", "a.csv"], arguments=arguments)
    assert PLANTED not in str(record["argv"])
    assert record["argv"][-2:] == ["-d", "a.csv"]


def test_a_short_value_is_masked_only_where_it_stands_alone() -> None:
    argv = ["a.py", "-p", "a", "-pa", "-d", "data.csv"]
    record = new_record("x", argv=argv, arguments={"password": "a"})
    assert record["argv"] == ["a.py", "-p", "***", "-p***", "-d", "data.csv"]


@pytest.mark.parametrize(
    ("code", "masked"),
    [
        ("token = tokenizer.encode(text)", None),
        ("password = getpass()", None),
        ("def login(user: str, password: str) -> None:", None),
        ("for key, value in pairs: pass", None),
        ('names = ["password", "email", "token"]', None),
        ('print(f"token={token}, {password!r}")', None),
        ('cookie = jar.get("session")', None),
        ('return {"token": bool(api_token), "password": None}', None),
        ('self.headers["Cookie"] = cookie_header', None),
        ('headers = {"Authorization": f"Bearer {token}"}', None),
        ("@decorated\nclass A:\n    password: str = None", None),
        ("password = 'hunter2'", "password = '***'"),
        ("+    password='hunter2',", "+    password='***',"),
        ('API_KEY: str = "x1y2"  # mine', 'API_KEY: str = "***"  # mine'),
        ('os.environ["DB_PASSWORD"] = "x y"', 'os.environ["DB_PASSWORD"] = "***"'),
        ('connect(user="me", password="a")', 'connect(user="me", password="***")'),
        ('password = """\nabc\n"""\nx = 1', 'password = """***"""\nx = 1'),
        ('dsn = "host=db password=abc"', 'dsn = "host=db password=***"'),
        ('url = "postgres://me:abc@db/x"', 'url = "postgres://me:***@db/x"'),
        ('run(["x", "--password", "abc"])', 'run(["x", "--password", "***"])'),
        ('headers = {"Authorization": "abc"}', 'headers = {"Authorization": "***"}'),
        ("x = '\udcff'\npassword = 'ü'", "x = '\udcff'\npassword = '***'"),
        ("# İ\npassword = 'abc'", "# İ\npassword = '***'"),
    ],
)
def test_in_code_only_what_is_quoted_is_a_secret(code: str, masked: str | None) -> None:
    source = code.encode("utf-8", "surrogateescape")
    shown = source_without_secrets(source).decode("utf-8", "surrogateescape")
    assert shown == (code if masked is None else masked)


@pytest.mark.parametrize(
    "text",
    [
        'def main(size: int = 3, api_key: str = ""):\n    return size',
        "login(password='', user='me')",
        '{"password": "", "user": "me"}',
        'password=b"" or None',
    ],
)
def test_an_empty_text_hides_nothing(text: str) -> None:
    assert jsonable(text) == text
    assert source_without_secrets(text.encode()) == text.encode()
