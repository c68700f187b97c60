"""Makes any value fit to be written: plain JSON, with passwords, tokens and keys masked.

Everything that is written of a run goes through `dumps`, `jsonable` or `without_secrets`. Secrets
are found by the name of a value, within a text, and on a command line. Names are looked up in
tables. Texts are searched with patterns, each of which is compiled only where one of its words
occurs: compiling costs a run more than all else here, and nearly no run has a secret. The forms of
tokens are those that detect-secrets and the makers of the tokens publish.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Any

    Container = Mapping[Any, Any] | list[Any] | tuple[Any, ...] | AbstractSet[Any]

MASK = "***"

# A name without any of these is innocent.
_NAME_WORDS = (
    *("pass", "pw", "secret", "token", "key", "credential", "bearer", "auth", "cookie", "jwt"),
    *("kennwort", "contrase"),
)
# Whatever ends so is secret, also without a boundary before it: `dbpassword`.
_PASSWORDS = (
    *("password", "passwords", "passwd", "passphrase", "passphrases", "passcode", "pwd"),
    *("secret", "secrets", "credential", "credentials", "passwort", "kennwort"),
    *("contraseña", "contrasena"),
)
_SECRET_ALONE = {"bearer", "authorization", "cookie", "cookies", "jwt"}
# What may follow: `password_2`, `secret_value`.
_TAILS = {"value", "text", "str", "string", "plain", "old", "new", "hash", "b64", "base64"}
# A pass that is no password.
_OTHER_PASSES = {
    *("all", "backward", "band", "by", "double", "each", "final", "first", "forward", "high"),
    *("last", "low", "max", "min", "multi", "n", "no", "num", "one", "second", "single", "test"),
    *("third", "two", "will"),
}
# `dbpass`, `userpw`.
_OWNERS = {
    *("admin", "database", "db", "ftp", "http", "imap", "key", "ldap", "login", "mail", "my"),
    *("mysql", "pg", "postgres", "proxy", "redis", "root", "smtp", "sql", "ssh", "sudo", "user"),
}
# What makes a key or a token a secret one: `primary_key`, `pad_token` and `max_tokens` are none.
_OF_ACCESS = {
    *("access", "api", "auth", "bearer", "client", "deploy", "oauth", "personal", "private"),
    *("refresh", "secret", "service"),
}
_OF_KEYS = {
    *("account", "admin", "aes", "app", "consumer", "database", "db", "encryption", "gpg", "hmac"),
    *("license", "master", "pgp", "priv", "rsa", "sas", "shared", "signing", "ssh", "storage"),
    *("subscription",),
}
_OF_TOKENS = {
    *("bot", "csrf", "device", "id", "jwt", "login", "pat", "push", "security", "session", "user"),
    *("xsrf",),
}
_VENDORS = {
    *("algolia", "anthropic", "aws", "azure", "clearml", "cloudflare", "cohere", "comet"),
    *("databricks", "datadog", "deepseek", "discord", "docker", "dropbox", "elevenlabs"),
    *("elsevier", "firebase", "gcp", "gemini", "gh", "github", "gitlab", "google", "groq"),
    *("heroku", "hf", "huggingface", "jina", "kaggle", "langchain", "langsmith", "mailgun"),
    *("mistral", "ncbi", "neptune", "ngc", "notion", "npm", "nvidia", "openai", "openrouter"),
    *("perplexity", "pinecone", "pypi", "replicate", "sendgrid", "sentry", "serpapi", "slack"),
    *("stripe", "supabase", "tavily", "telegram", "twilio", "twitter", "vault", "voyage"),
    *("wandb", "xai", "zenodo", "zotero"),
}

# A name and what stands between it and its value: `name=`, `"name": `, `--name `, `<name>`.
_NAMED = (
    r"(?<![\w.\-])([\w.\-]{1,64}+)"
    r"(\\*[\"'\]]{0,2}(?:[ \t]{0,4}(?:=>|:=|={1,3}|:(?!//)|>(?=[^<>\s]{1,200}</))[ \t]{0,4}"
    r"|,?[ \t]{1,2}))"
)
# The type of a parameter in source code, which stands before its default.
_ANNOTATION = r"[A-Za-z_][\w.]*(?:\[[\w., ]{0,40}\])?(?: \| [\w.]+){0,4}[ \t]+=[ \t]+"
# Within quotes, within brackets, or up to a blank, a separator or a closing bracket.
_VALUE = (
    r"[bBrRuUfF]{0,2}(\\*[\"']).{1,4000}?\1|\{[^}\n]{1,4000}\}|\[[^\]\n]{1,4000}\]"
    r"|\([^)\n]{1,4000}\)"
    r"|(?:[^\s;&\"'<>,)\]}\\]|[,)\]}](?![\s,;)\]}]|\Z|\w{1,40}=)|\\(?![\"'n]))+"
)
_NO_SECRETS = {"None", "True", "False", "null", "true", "false", "str", "bytes", "int"}
_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"

# The value of a header, with its scheme; and a scheme with a value alone.
_HEADER = (
    r"(?i)\b(authorization\\*[\"']?\s{0,3}[:=,]\s{0,3}\\*[\"']?"
    r"(?:(?:basic|bearer|token|digest|negotiate|apikey)\s{1,3})?)[^\s\"',}\\]+"
)
_SCHEME = (
    r"\b((?i:bearer|basic)[ \t]{1,3})"
    r"(?:(?=[A-Za-z]{0,200}[^A-Za-z\s])[\w.~+/\-]{8,}={0,2}|[A-Za-z]{16,})(?![\w.~+/=-])"
)
# A password in a URL, up to the last "@": after the colon of a port there is none.
_ADDRESS = r"(?<=://)([^/\s:@\"']{0,200}):(?!\d+/)[^\s\"'<>]{1,1000}(?=@)"
_QUERY = (
    r"(?i)(?<=[?&])((?:[\w.-]{0,60}[_.-])?(?:token|key|secret|password|signature|sig|apikey)=)"
    r"[^&\s#\"'*]+"
)
# user:password@host without a scheme.
_USER = (
    r"(?<![\w/@:.+\-])((?!(?:mailto|sips?|xmpp|acct|ssh|git|urn|cid|mid):)[\w.+\-]{0,63}[A-Za-z]"
    r"[\w.+\-]{0,63}):[^\s:@/\"']{1,128}@(?=(?!sha\d|md5)[\w\-]{1,63}[.:(/]|localhost)"
)
# Tokens with a beginning of their own, and private keys: words that occur in them, and their forms.
_ISSUED = (
    (("PRIVATE KEY-----",), r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*"),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    (("github_pat_",), r"\bgithub_pat_\w{20,}"),
    (
        (
            *("glpat-", "gldt-", "glft-", "glsoat-", "glrt-", "glcbt-", "glimt-", "glptt-"),
            *("glagent-", "gloas-"),
        ),
        r"\bgl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-[\w\-]{16,}",
    ),
    (("hf_",), r"\bhf_[A-Za-z0-9]{20,}"),
    (
        ("sk-",),  # OpenAI, Anthropic and others
        r"\bsk-(?:(?:ant|proj|svcacct|admin|or|lf)-[\w\-]{16,}|(?:\w{1,40}-){0,4}\w{20,}[\w\-]*)",
    ),
    (("k_live_", "k_test_"), r"\b[srp]k_(?:live|test)_\w{10,}"),  # Stripe
    (("whsec_",), r"\bwhsec_[\w+/=]{16,}"),
    (("xox",), r"\bxox[a-z](?:\.xox[a-z])?-[\w\-]{10,}"),  # Slack
    (("xapp-",), r"\bxapp-[\w\-]{20,}"),
    (("hooks.slack.com/",), r"(?<=hooks\.slack\.com/)[\w/]{10,}"),
    (("AKIA", "ASIA"), r"\bA[KS]IA[0-9A-Z]{16}"),  # Amazon
    (("AIza", "ya29."), r"\b(?:AIza|ya29\.)[\w\-]{20,}"),  # Google
    (("pypi-",), r"\bpypi-[\w\-]{40,}"),
    (("npm_",), r"\bnpm_[A-Za-z0-9]{30,}"),
    (("eyJ",), r"\beyJ[\w\-=]{8,}\.[\w\-=]{8,}(?:\.[\w\-.+/=]*)?"),  # JSON Web Tokens
    (("SG.",), r"\bSG\.[\w\-]{16,}\.[\w\-]{16,}"),  # SendGrid
    (("sq0",), r"\bsq0(?:csp|atp|idp)-[\w\-]{22,}"),  # Square
    (("dop_v1_", "shpat_"), r"\b(?:dop_v1|shpat)_[0-9a-fA-F]{32,}"),  # DigitalOcean, Shopify
    (("dckr_pat_", "tskey-"), r"\b(?:dckr_pat_|tskey-)[\w\-]{16,}"),  # Docker, Tailscale
    (("r8_", "gsk_"), r"\b(?:r8|gsk)_[A-Za-z0-9]{30,}"),  # Replicate, Groq
    (("pplx-", "xai-", "nvapi-"), r"\b(?:pplx|xai|nvapi)-[\w\-]{30,}"),  # Perplexity, xAI, NVIDIA
    (("lsv2_",), r"\blsv2_[a-z]{2}_\w{20,}"),  # LangSmith
    (("hvs.",), r"\bhvs\.[\w\-]{20,}"),  # Vault
    (("dapi",), r"\bdapi[0-9a-f]{32}"),  # Databricks
    (("AGE-SECRET-KEY-",), r"\bAGE-SECRET-KEY-[0-9A-Z]{40,}"),
    ((":AA",), r"\b\d{8,10}:AA[\w\-]{32,}"),  # Telegram
)
_ISSUED_WORDS = tuple(word for words, _ in _ISSUED for word in words)
_SHORTEST_TOKEN = 15
# A value on a command line that is shorter is masked only where it stands alone.
_SHORTEST_PART = 4

_DEEPEST = 32
_LONGEST_REPR = 1000
_MOST_ITEMS = 100_000
# Python refuses to convert longer integers to or from decimal (4300 digits by default, or fewer).
_MOST_BITS = 2000


def is_secret_name(name: str) -> bool:
    """Tell whether a value of this name is a password, a token or a key."""
    lower = name.lower()
    if not any(word in lower for word in _NAME_WORDS):
        return False
    words = _words(name)
    return bool(words) and (_is_password(words) or _is_pass(words) or _is_key_or_token(words))


def _words(name: str) -> list[str]:
    """Return the words of a name, in lower case: `dbPassword`, `OPENAI_API_KEY`, `ssh.key`."""
    spaced = []
    before = " "
    for at, character in enumerate(name):
        if character.isupper() and (
            before.islower()
            or before.isdigit()
            or (before.isupper() and name[at + 1 : at + 2].islower())
        ):
            spaced.append(" ")
        spaced.append(character if character.isalnum() else " ")
        before = character
    return "".join(spaced).lower().split()


def _is_password(words: list[str]) -> bool:
    last = next((w for w in reversed(words) if w not in _TAILS and not w.isdigit()), "")
    return last.rstrip("0123456789").endswith(_PASSWORDS)


def _is_pass(words: list[str]) -> bool:
    *before, last = words
    for short in ("pass", "pw"):
        if last == short:
            return not before or before[-1] not in _OTHER_PASSES
        if last.endswith(short) and last.removesuffix(short) in _OWNERS:
            return True
    return False


def _is_key_or_token(words: list[str]) -> bool:
    while len(words) > 1 and (words[-1] in _TAILS or words[-1].isdigit()):
        if words[-2] == "token":  # the second token of a text
            return False
        words = words[:-1]
    *before, last = words
    if last in _SECRET_ALONE or (last == "token" and not before):
        return True
    vendor = not _VENDORS.isdisjoint([*before, "".join(before[-2:])])  # OpenAI is two words
    if last == "auth":
        return bool(before) and (vendor or before[-1] in ("basic", "http", "proxy"))
    for end, owners in (("key", _OF_KEYS), ("token", _OF_TOKENS)):
        kind = last.rstrip("0123456789").removesuffix("s")
        if not kind.endswith(end):
            continue
        owner = kind.removesuffix(end) or (before[-1] if before else "")
        if vendor or owner in _OF_ACCESS or owner in _VENDORS:
            return True
        return owner in owners and (end == "key" or last == "token" or kind != end)
    return False


def without_secrets(text: str, *, code: bool = False) -> str:
    """Return `text` with everything masked that looks like a secret.

    Parameters
    ----------
    text : str
        The text.
    code : bool
        Whether it is Python. There, what a secret name is given is a secret only where it is
        quoted: ``token = tokenizer.encode(text)`` stays as it is.
    """
    if len(text) >= _SHORTEST_TOKEN and any(word in text for word in _ISSUED_WORDS):
        for words, pattern in _ISSUED:
            if any(word in text for word in words):
                text = re.sub(pattern, MASK, text)
    if ":" in text and _follows_a_word("@", text):
        if "://" in text:
            text = re.sub(_ADDRESS, rf"\1:{MASK}", text)
        text = re.sub(_USER, rf"\1:{MASK}@", text)
    if "://" in text and "=" in text and ("?" in text or "&" in text):
        text = re.sub(_QUERY, rf"\1{MASK}", text)
    if not ("=" in text or ":" in text or " " in text or ">" in text):
        return text
    lower = text.lower()
    if "authorization" in lower:
        text = re.sub(_HEADER, rf"\1{MASK}", text)
    if "bearer " in lower or "basic " in lower:
        text = re.sub(_SCHEME, rf"\1{MASK}", text)
    if code and not _names_a_secret(text, lower):
        return text
    return _without_named(text, code) if any(word in lower for word in _NAME_WORDS) else text


def source_without_secrets(source: bytes) -> bytes:
    """Return Python source with the secrets in it masked, whatever its encoding."""
    text = source.decode("utf-8", "surrogateescape")
    masked = without_secrets(text, code=True)
    return source if masked == text else masked.encode("utf-8", "surrogateescape")


def _follows_a_word(sign: str, text: str) -> bool:
    """Tell whether a sign stands right behind something else than a blank: not in `@decorated`."""
    at = text.find(sign)
    while at >= 0:
        if at and not text[at - 1].isspace():
            return True
        at = text.find(sign, at + 1)
    return False


def _names_a_secret(code: str, lower: str) -> bool:
    """Tell whether a line of `code` has both a secret name and a quote.

    Words such as `pass` and `key` are in nearly all code, and the patterns take a run 3 ms.
    """
    if len(lower) != len(code):  # a few letters become two in lower case
        return True
    seen = set()
    for word in _NAME_WORDS:
        at = lower.find(word)
        while at >= 0:
            start, end = at, at + len(word)
            while start and (code[start - 1].isalnum() or code[start - 1] in "_-."):
                start -= 1
            while end < len(code) and (code[end].isalnum() or code[end] in "_-."):
                end += 1
            stop = code.find("\n", end)
            line = code[code.rfind("\n", 0, at) + 1 : stop if stop >= 0 else len(code)]
            name = code[start:end]
            if name not in seen and ("'" in line or '"' in line):
                if is_secret_name(name):
                    return True
                seen.add(name)
            at = lower.find(word, end)
    return False


def _without_named(text: str, code: bool) -> str:
    """Mask what a text gives a secret name: `password=X`, `"api_key": "X"`, `--token X`."""
    parts = []
    end = 0
    for found in re.finditer(_NAMED, text):
        name, between = found.groups()
        start = found.end()
        if found.start() < end or not is_secret_name(name):
            continue
        if ":" in between and (annotation := re.compile(_ANNOTATION).match(text, start)):
            start = annotation.end()
        value = re.compile(_VALUE).match(text, start)
        if value is None or not _is_given(name, between, value) or (code and value[1] is None):
            continue
        quote = value[1] or ""
        inner = value[0].find(quote) + len(quote) if quote else 0
        parts += [text[end : start + inner], MASK, quote]
        end = value.end()
    return "".join(parts) + text[end:]


def _is_given(name: str, between: str, value: re.Match[str]) -> bool:
    """Tell whether a text gives a secret name this value."""
    words, shown = _words(name), value[0]
    if words[-1] == "authorization" or shown in _NO_SECRETS or shown.strip("\\\"'") in ("", MASK):
        return False
    if not any(sign in between for sign in "=:>"):
        # Prose has blanks behind all its words: `--password X`, and `the password "X"`.
        if name.startswith("--"):
            return not shown.startswith("-")
        return _is_password(words) and bool(value[1]) and "," not in between
    if value[1] is None and ":" in between and "=" not in between and words[-1] == "pass":
        return False  # `pass: ok` of a test
    return _is_password(words) or re.fullmatch(_NUMBER, shown) is None


def argv_without_secrets(argv: Iterable[str], hidden: Collection[str] = ()) -> list[str]:
    """Mask the values of secret names on a command line, and the values `hidden` wherever they are.

    ``--api-key VALUE``, ``--api-key=VALUE``, ``api_key=VALUE``, and ``--passwords VALUE VALUE``.
    Where a name is shortened (``-p VALUE``), only who has parsed the line knows what is secret.
    """
    masked: list[str] = []
    hide_next = hide_rest = False
    for token in argv:
        name, equals, _ = token.partition("=")
        if (hide_next and not token.startswith("--")) or (hide_rest and not token.startswith("-")):
            masked.append(MASK)  # a password may begin with one dash
        elif equals and is_secret_name(name.lstrip("-")):
            masked.append(f"{name}={MASK}")
        elif masked:
            masked.append(_without_hidden(without_secrets(token), hidden))
        else:
            masked.append(without_secrets(token))
        if token.startswith("-") and not (hide_next and not token.startswith("--")):
            hide_next = not equals and is_secret_name(token.lstrip("-"))
            hide_rest = hide_next and token.endswith("s")
        else:
            hide_next = False
    return masked


def _without_hidden(token: str, hidden: Collection[str]) -> str:
    for value in sorted(hidden, key=len, reverse=True):
        if token == value:
            return MASK
        if len(value) >= _SHORTEST_PART:
            token = token.replace(value, MASK)
        elif value and token.startswith("-") and token.endswith(value):
            name = token.removesuffix(value)
            if name.endswith("=") or len(name) == len("-p"):
                token = name + MASK
    return token


def dumps(value: Any, *, indent: int | None = None, names: Collection[str] = ()) -> bytes:
    """Encode `value` as UTF-8 JSON, with secrets masked and without ``NaN`` or ``Infinity``.

    The values of the keys `names` are not masked: they name something (an ID, a path), and masked
    they would name something else.
    """
    plain = jsonable(value)
    for name in names:
        if isinstance(named := value.get(name), (str, os.PathLike)):
            plain[name] = os.fspath(named)
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=indent)
    # A lone surrogate (an undecodable byte of a file name in argv) has no UTF-8. Within a JSON
    # string, its Python escape is its JSON escape.
    return text.encode("utf-8", "backslashreplace")


def jsonable(value: object, *, also: Collection[type] = ()) -> Any:
    """Convert `value` to the types of JSON, with secrets masked.

    Parameters
    ----------
    value : object
        Any value.
    also : collection of type
        Types that the format has beside those of JSON. Values and keys of exactly these types stay
        as they are. With `float`, floats that are not finite stay too; with `set`, sets of
        hashable items stay sets.

    Returns
    -------
    object

    Notes
    -----
    Paths, enumerations, dates, sets, dataclasses, classes of attrs and numpy scalars become what a
    reader would write for them. Keys and fields tell by their names what is masked, those of named
    tuples too; numbers, booleans and None never are. Floats that are not finite become ``"nan"``,
    ``"inf"``, ``"-inf"``, which strict JSON lacks. Integers of more than 2000 bits become
    hexadecimal text, and all else its `repr`, shortened. No value is refused: a record that is
    missing because of an odd argument would be worse than one that only describes it. Containers
    that hold themselves, lie deeper than 32 levels, or bring the total to more than 100,000 items
    are described.
    """
    return _Converter(also).convert(value)


def secrets_in(value: object) -> set[str]:
    """Return the texts that are masked in `value` because of their names."""
    converter = _Converter()
    converter.convert(value)
    return converter.hidden


class _Converter:
    """One conversion, with the containers it is inside of and the number of items so far.

    Attributes
    ----------
    hidden : set of str
        The texts that it masked because of their names.
    """

    __slots__ = ("_also", "_inside", "_taken", "hidden")

    def __init__(self, also: Collection[type] = ()) -> None:
        self.hidden: set[str] = set()
        self._also = also
        self._inside: list[object] = []
        self._taken = 0

    def convert(self, value: object) -> Any:
        try:
            return self._convert(value)
        except Exception:  # noqa: BLE001  # a user's property, method or container may do anything
            return _described(value)

    def _convert(self, value: object) -> Any:
        # Call the methods of the base: subclasses (numpy.float64, numpy.str_) have others.
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Enum):
            return value.name
        if isinstance(value, str):
            return without_secrets(str.__str__(value))
        if isinstance(value, int):
            whole = int.__int__(value)
            return whole if whole.bit_length() <= _MOST_BITS else hex(whole)
        if isinstance(value, float):
            number = float.__float__(value)
            return number if math.isfinite(number) or float in self._also else str(number)
        if isinstance(value, (Mapping, list, tuple, AbstractSet)):
            return self._container(value)
        if type(value) in self._also:
            return value
        if isinstance(value, os.PathLike):
            return without_secrets(os.fsdecode(value))
        if isinstance(value, (date, time)):
            return value.isoformat()
        if isinstance(value, timedelta):
            return str(value)
        if (names := _fields(type(value))) is not None:
            return self._container({name: getattr(value, name) for name in names})
        return self._array_scalar(value)

    def _container(self, value: Container) -> Any:
        if any(value is outer for outer in self._inside):
            return f"<the {type(value).__name__} that holds this>"
        self._taken += len(value)
        if len(self._inside) >= _DEEPEST or self._taken > _MOST_ITEMS:
            return f"<{type(value).__name__} of {len(value)} items>"
        self._inside.append(value)
        try:
            if isinstance(value, Mapping):
                return self._mapping(value)
            if isinstance(value, tuple) and len(names := _names(value)) == len(value):
                return [self._named(name, v) for name, v in zip(names, value, strict=True)]
            items = [self.convert(item) for item in value]
            if not isinstance(value, AbstractSet):
                return items
            if set in self._also and all(isinstance(item, Hashable) for item in items):
                return set(items)
            return sorted(items, key=repr)
        finally:
            self._inside.pop()

    def _mapping(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        plain: dict[Any, Any] = {}
        for key, item in value.items():
            name = without_secrets(key.name if isinstance(key, Enum) else str(key))
            shown = self._named(name, item)
            while name in plain:  # 1 and "1": neither may hide the other
                name += "'"
            plain[key if type(key) in self._also else name] = shown
        return plain

    def _named(self, name: str, value: object) -> Any:
        plain = self.convert(value)
        if not is_secret_name(name) or _is_number(value) or _only_numbers(plain):
            return plain
        self.hidden.update(_texts(value, plain))
        return MASK

    def _array_scalar(self, value: Any) -> Any:
        # Look at the type: a lazy module would load itself when asked for an attribute.
        kind = type(value)
        if hasattr(kind, "ndim") and hasattr(kind, "item") and value.ndim == 0:
            item = value.item()
            if kind.__name__ in ("datetime64", "timedelta64") and isinstance(item, int):
                return str(value)  # a number alone would not say that it counts nanoseconds
            if type(item) is not kind:  # numpy.longdouble is its own item
                return self.convert(item)
        return _described(value)


def _fields(kind: type) -> list[str] | None:
    """Return the names of the fields of a dataclass, or of a class of attrs."""
    if (fields := getattr(kind, "__dataclass_fields__", None)) is not None:
        return list(fields)
    fields = getattr(kind, "__attrs_attrs__", None)
    return None if fields is None else [field.name for field in fields]


def _names(value: object) -> tuple[str, ...]:
    """Return the names of the items of a named tuple."""
    names = getattr(type(value), "_fields", ())
    return names if isinstance(names, tuple) and all(isinstance(n, str) for n in names) else ()


def _is_number(value: object) -> bool:
    # Of a Decimal or a Fraction, and of floats that are not finite, only a text is written.
    if isinstance(value, (str, bytes, bytearray)):
        return False
    kind = type(value)
    return isinstance(value, (int, float, complex)) or (
        hasattr(kind, "__float__") and not hasattr(kind, "__array__")
    )


def _only_numbers(plain: object) -> bool:
    if isinstance(plain, dict):
        return all(map(_only_numbers, plain.values()))
    if isinstance(plain, list):
        return all(map(_only_numbers, plain))
    return plain is None or isinstance(plain, (bool, int, float))


def _texts(value: object, plain: object) -> Iterator[str]:
    """Yield the texts in a value that is masked as a whole."""
    if isinstance(plain, (list, tuple)):
        for item in plain:
            yield from _texts(item, item)
    elif isinstance(plain, dict):
        for item in plain.values():
            yield from _texts(item, item)
    elif hasattr(type(value), "get_secret_value"):  # of pydantic
        yield str(value.get_secret_value())  # type: ignore[attr-defined]
    elif isinstance(plain, str):
        yield str.__str__(value) if isinstance(value, str) else plain


def _described(value: object) -> str:
    try:
        if isinstance(value, (bytes, bytearray)) and len(value) > _LONGEST_REPR:
            return f"<{type(value).__name__} of {len(value)} bytes>"
        text = repr(value)
    except Exception as broken:  # noqa: BLE001  # a user's __repr__ may do anything
        text = f"<{type(value).__name__}: its repr raised {type(broken).__name__}>"
    text = without_secrets(text)
    return text if len(text) <= _LONGEST_REPR else f"{text[:_LONGEST_REPR]}…"
