"""Make any value fit to be written: plain JSON, with passwords, tokens and keys masked.

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
from functools import lru_cache
from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Any, TypeGuard

    Container = Mapping[Any, Any] | list[Any] | tuple[Any, ...] | AbstractSet[Any]

MASK = "***"

# A name without any of these is innocent.
_NAME_WORDS = (
    *("pass", "pw", "secret", "token", "key", "cred", "bearer", "auth", "cookie", "jwt", "pswd"),
    *("_pat", "kennwort", "contrase", "senha", "wachtwoord"),
    *("парол", "密码", "パスワード", "비밀번호"),
)
# Whatever ends so is secret, also without a boundary before it: `dbpassword`.
_PASSWORDS = (
    *("password", "passwords", "passwd", "passphrase", "passphrases", "passcode", "pwd"),
    *("secret", "secrets", "credential", "credentials", "creds", "passwort", "kennwort"),
    *("passwrd", "pswd", "contraseña", "contrasena", "senha", "motdepasse"),
    *("wachtwoord", "пароль", "密码", "パスワード", "비밀번호"),
)
_SECRET_ALONE = {"bearer", "authorization", "cookie", "cookies", "jwt"}
# What may follow: `password_2`, `secret_value`.
_TAILS = {
    *("value", "text", "str", "string", "plain", "old", "new", "hash", "b64", "base64", "json"),
    *("again", "confirm", "confirmation", "default", "header", "repeat"),
}
# A pass that is no password.
_OTHER_PASSES = {
    *("all", "backward", "band", "by", "double", "each", "final", "first", "forward", "high"),
    *("last", "low", "max", "min", "multi", "n", "no", "num", "one", "second", "single", "test"),
    *("third", "two", "will"),
}
# `dbpass`, `userpw`.
_OWNERS = {
    *("admin", "auth", "database", "db", "ftp", "http", "imap", "key", "ldap", "login", "mail"),
    *("my", "mysql", "pg", "postgres", "proxy", "redis", "root", "smtp", "sql", "ssh", "store"),
    *("sudo", "user"),
}
# What makes a key or a token a secret one: `primary_key`, `pad_token` and `max_tokens` are none.
_OF_ACCESS = {
    *("access", "api", "auth", "bearer", "client", "deploy", "oauth", "personal", "private"),
    *("refresh", "secret", "service"),
}
_OF_KEYS = {
    *("account", "activation", "admin", "aes", "app", "application", "consumer", "database", "db"),
    *("encryption", "fernet", "gpg", "hmac", "license", "master", "pgp", "priv", "recovery", "rsa"),
    *("sas", "shared", "signing", "ssh", "storage", "subscription"),
}
_OF_TOKENS = {
    *("bot", "csrf", "device", "download", "fcm", "id", "invite", "job", "jwt", "login", "pat"),
    *("push", "registration", "reset", "sas", "security", "session", "upload", "user"),
    *("verification", "webhook", "xsrf"),
}
_VENDORS = {
    *("airtable", "algolia", "anthropic", "asana", "aws", "azure", "bitbucket", "cdsapi"),
    *("clearml", "cloudflare", "codecov", "cohere", "comet", "consul", "databricks", "datadog"),
    *("dataverse", "deepseek", "digitalocean", "discord", "docker", "dockerhub", "dropbox"),
    *("elevenlabs", "elsevier", "figshare", "firebase", "gcp", "gemini", "gh", "github"),
    *("gitlab", "google", "grafana", "groq", "heroku", "hf", "huggingface", "jina", "jira"),
    *("k8s", "kaggle", "kube", "kubernetes", "langchain", "langsmith", "mailgun", "mapbox"),
    *("mistral", "mlflow", "ncbi", "neptune", "ngc", "nomad", "notion", "npm", "nvidia"),
    *("openai", "openrouter", "osf", "perplexity", "pinecone", "pypi", "quay", "replicate"),
    *("sendgrid", "sentry", "serpapi", "slack", "snyk", "stripe", "supabase", "tavily"),
    *("telegram", "twilio", "twitter", "vault", "voyage", "wandb", "xai", "zenodo", "zotero"),
}

# A name and what stands between it and its value: `name=`, `"name": `, `--name `, `<name>`.
_NAMED = (
    r"(?<![\w.\-])([\w.\-]{1,64}+)"
    r"(\\*[\"'\]]{0,2}(?: (?:is|was|provided))?"
    r"(?:[ \t]{0,4}(?:=>|:=|={1,3}|:(?!//)|%3[AD]|>(?=[^<>\s]{1,200}</))[ \t]{0,4}|,?[ \t]{1,2}))"
)
# The type of a parameter in source code, which stands before its default.
_ANNOTATION = r"[A-Za-z_][\w.]*(?:\[[\w., ]{0,40}\])?(?: \| [\w.]+){0,4}[ \t]+=[ \t]+"
# Within quotes (also with escapes, and where the text ends before the quotes do), within brackets,
# or up to a blank, a separator or a closing bracket.
_VALUE = (
    r"[bBrRuUfF]{0,2}(?:(\"{3}|'{3})[\s\S]{1,4000}?\1|([\"'])(?:(?!\2)[^\\\n]|\\[^\n]){1,4000}\2"
    r"|(\\+[\"']).{1,4000}?(?<!\\)\3|([\"']).{1,4000}?\4|(\\*[\"'])[^\n]+)"
    r"|\{[^}\n]{1,4000}\}|\[[^\]\n]{1,4000}\]|\([^)\n]{1,4000}\)"
    r"|(?:[^\s;&\"'<>,)\]}\\]|[,)\]}](?![\s,;)\]}]|\Z|\w{1,40}=)|\\(?![\"'n]))+"
)
_EMPTY = r"[bBrRuUfF]{0,2}(?:\"\"(?!\")|''(?!'))"  # a text of no characters, which hides nothing
# What stands on the line of a name whose value is below it.
_BLOCK = r"(?:[|>][-+\d]{0,2})?"
_NAME_ALONE = r"[\w.\- ]{1,64}"
_NO_SECRETS = {"None", "True", "False", "null", "true", "false", "str", "bytes", "int"}
_RANDOM = r"(?=\S*\d)(?=\S*[A-Za-z])[^\s\"'()]{8,}"  # letters and digits
_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"

# Other forms, each with a word that occurs in it, in lower case: headers, schemes, addresses,
# commands, calls, and pairs of a name and a value.
_AROUND = r"[\"',=\s]{1,4}"
_FORMS = (
    (
        "authorization",
        r"(?i)\b(authorization\\*[\"']?\s{0,3}[:=,]\s{0,3}\\*[\"']?"
        r"(?:(?:basic|bearer|token|digest|negotiate|apikey)\s{1,3})?)[^\s\"',}\\]+",
    ),
    ("cookie", r"(?i)\b(cookie\\*[\"']?[ \t]{0,3}[:=][ \t]{0,3}\\*[\"']?)[^\n\"'}\\]+"),
    *(
        (
            f"{scheme} ",
            rf"\b((?i:{scheme})[ \t]{{1,3}})"
            r"(?:(?=[A-Za-z.\-/]{0,200}[\d=_~+])[\w.~+/\-]{8,}={0,2}|[A-Za-z]{16,})(?![\w.~+/=-])",
        )
        for scheme in ("bearer", "basic")
    ),
    # A token that stands in place of a user: https://TOKEN@github.com
    ("://", r"(://)(?=[a-z_\-]{0,99}\d)(?=[\d_\-]{0,99}[a-z])[\w\-]{16,200}(?=@[\w\-])"),
    ("webhook", r"((?i:discord(?:app)?|office)\.com/(?:api/)?webhook(?:s|b2)?/)[^\s\"'<>]+"),
    ("machine ", r"(?i)(\bmachine\s{1,9}\S+\s{1,9}login\s{1,9}\S+\s{1,9}password\s{1,9})\S+"),
    (
        "curl",
        rf"(\bcurl\b[^\n]{{0,400}}?(?:-u|--user|--proxy-user){_AROUND}[^\s:\"']{{1,99}}:)[^\s\"']+",
    ),
    ("sshpass", rf"(\bsshpass{_AROUND}-p{_AROUND}?)[^\s\"']+"),
    (
        "auth",
        r"((?:(?i:\bauth\\*[\"']?\s?[=:]\s?)|Auth)[(\[](?=\\*[\"']))[^)\],\n]{1,400},[^)\]\n]{1,400}",
    ),
)
# Of these, code has only what is quoted.
_HEADERS = {"authorization", "cookie"}
# A password in a URL, up to the last "@": after the colon of a port there is none.
_ADDRESS = r"(?<=://)([^/\s:@\"']{0,200}):(?!\d+/)[^\s\"'<>]{1,1000}(?=@)"
_QUERY = (
    r"(?i)(?<=[?&#])((?:[\w.-]{0,60}[_.-])?(?:token|key|secret|password|signature|sig|apikey)=)"
    r"[^&\s#\"'*]+"
)
# user:password@host without a scheme.
_USER = (
    r"(?<![\w/@:.+\-])((?!(?:mailto|sips?|xmpp|acct|ssh|git|urn|cid|mid):)[\w.+\-]{0,63}[A-Za-z]"
    r"[\w.+\-]{0,63}):[^\s:@/\"']{1,128}@(?=(?!sha\d|md5)[\w\-]{1,63}[.:(/]|localhost)"
)
# name="DB_PASSWORD" value="X", {"name": "DB_PASSWORD", "value": "X"}
_PAIR = (
    r"(?i)((?:name|key)\\*[\"']?\s?[=:]\s?\\*[\"'])([\w.\-]{1,64})"
    r"(\\*[\"'][\s,]{0,20}\\*[\"']?value\\*[\"']?\s?[=:]\s?\\*[\"'])[^\"'\n\\]+"
)
# Tokens with a beginning of their own, and private keys: words that occur in them, and their forms.
_ISSUED = (
    (("PRIVATE KEY",), r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*"),
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
    (("AKIA", "ASIA", "ABIA", "ACCA"), r"\bA(?:[KS]IA|BIA|CCA)[0-9A-Z]{16}"),  # Amazon
    (("A3T",), r"\bA3T[0-9A-Z]{17}"),
    (("Q~",), r"(?<![\w.~-])[\w.~]{3}\dQ~[\w.~-]{31,}"),  # Azure
    (("SK",), r"\bSK[0-9a-f]{32}\b"),  # Twilio
    (("sk_",), r"\bsk_[0-9a-f]{48}"),  # ElevenLabs
    (("key-",), r"(?<![\w-])key-[0-9a-f]{32}\b"),  # Mailgun
    (("-us",), r"\b[0-9a-f]{32}-us\d{1,2}\b"),  # Mailchimp
    ((".atlasv1.",), r"\b\w{14}\.atlasv1\.[\w=-]{60,}"),  # Terraform
    (("_mmk",), r"\b\w{6}_\w{29}_mmk\b"),  # MaxMind
    (("sha256~",), r"\bsha256~[\w-]{43}"),  # OpenShift
    (("A3-",), r"\bA3-[A-Z0-9]{6}-(?:[A-Z0-9]{5,11}-){2,3}[A-Z0-9]{5}\b"),  # 1Password
    (("EAA",), r"\bEAA[A-Za-z0-9]{100,}"),  # Facebook
    (("dp.",), r"\bdp\.(?:pt|st|sa|ct)\.[\w.]{40,}"),  # Doppler
    (("pat.", "sat."), r"\b[ps]at\.[\w-]{22}\.\w{24}\.\w{20}"),  # Harness
    (("AIza", "ya29."), r"\b(?:AIza|ya29\.)[\w\-]{20,}"),  # Google
    (("pypi-",), r"\bpypi-[\w\-]{40,}"),
    (("npm_",), r"\bnpm_[A-Za-z0-9]{30,}"),
    (("eyJ",), r"\beyJ[\w\-=]{8,}\.[\w\-=]{8,}(?:\.[\w\-.+/=]*)?"),  # JSON Web Tokens
    (("SG.",), r"\bSG\.[\w\-]{16,}\.[\w\-]{16,}"),  # SendGrid
    (("sq0",), r"\bsq0(?:csp|atp|idp)-[\w\-]{22,}"),  # Square
    (("dckr_", "tskey-"), r"\b(?:dckr_[po]at_|tskey-)[\w\-]{16,}"),  # Docker, Tailscale
    (("pplx-", "xai-", "nvapi-"), r"\b(?:pplx|xai|nvapi)-[\w\-]{30,}"),  # Perplexity, xAI, NVIDIA
    (("hvs.", "hvb.", "hvr."), r"\bhv[sbr]\.[\w\-]{20,}"),  # Vault
    (("dapi",), r"\bdapi[0-9a-f]{32}"),  # Databricks
    (("AGE-SECRET-KEY-",), r"\bAGE-SECRET-KEY-[0-9A-Z]{40,}"),
    ((":AA",), r"(?<!\d)\d{8,10}:AA[\w\-]{32,}"),  # Telegram
)
_ISSUED_WORDS = tuple(word for words, _ in _ISSUED for word in words)
# More beginnings of tokens. What follows has sixteen letters and digits without a break, or is
# longer and of all kinds, so that no name joined with "-" or "_" is taken for one.
_BEGINNINGS = (
    *("api_org_", "apify_api_", "csk-", "fw_", "gsk_", "jina_", "lsv2_pt_", "lsv2_sk_", "pcsk_"),
    *("r8_", "tvly-", "wandb_v1_", "KGAT_"),  # models, data, trackers
    *("ABSK", "bedrock-api-key-", "doo_v1_", "dop_v1_", "dor_v1_", "fio-u-", "fm1a_", "fm1r_"),
    *("fm2_", "fo1_", "GOCSPX-", "HRKU-AA", "LTAI", "ops_eyJ", "pscale_oauth_", "pscale_pw_"),
    *("pscale_tkn_", "pul-", "sbp_", "sb_secret_", "tk-us-", "v1.0-"),  # clouds, stores
    *("AKCp", "ATATT3", "ATBB", "ATCTT3", "BBDC-", "CLOJARS_", "cmVmd", "figd_", "glffct-"),
    *("GR1348941", "ico-", "lin_api_", "NRAK-", "ntn_", "phx_", "PMAK-", "pnu_"),
    *("rdme_", "rubygems_", "sgp_", "shpat_", "shpca_", "shppa_", "shpss_", "sm_aat_"),
    *("sm_pat_", "sm_sat_", "s-s4t2af-", "s-s4t2ud-"),  # code and work
    *("dt0c01.", "eyJrIjoi", "glc_", "glsa_", "sntrys_", "sntryu_"),  # watching
    *("duffel_live_", "duffel_test_", "EZAK", "EZTK", "FLWSECK-", "FLWSECK_TEST-", "p8e-"),
    *("shippo_live_", "shippo_test_", "xkeysib-", "ZXlKaGJHY2lPaU"),  # shops, mail, and JWT again
)
_SHORTEST_TOKEN = 15
# A value on a command line that is shorter is masked only where it stands alone.
_SHORTEST_PART = 4

_DEEPEST = 32
_LONGEST_REPR = 1000
_MOST_ITEMS = 100_000
# Python refuses to convert longer integers to or from decimal (4300 digits by default, or fewer).
_MOST_BITS = 2000


@lru_cache(1024)  # each record has the names of the one before it
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
    pairs = map("".join, pairwise(before))  # OpenAI is two words
    vendor = not _VENDORS.isdisjoint([*before, *pairs])
    if last == "pat":  # a personal access token
        return vendor
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
    if len(text) >= _SHORTEST_TOKEN:
        text = _without_issued(text)
    if text.isidentifier():  # as most names of values are: it has no sign of what follows
        return text
    if ":" in text and _follows_a_word("@", text):
        if "://" in text:
            text = re.sub(_ADDRESS, rf"\1:{MASK}", text)
        text = re.sub(_USER, rf"\1:{MASK}@", text)
    if "://" in text and "=" in text and ("?" in text or "&" in text):
        text = re.sub(_QUERY, rf"\1{MASK}", text)
    if not any(sign in text for sign in "=: >%(,"):
        return text
    lower = text.lower()
    for word, pattern in _FORMS:
        if word in lower:
            masked = _masked_if_quoted if code and word in _HEADERS else rf"\1{MASK}"
            text = re.sub(pattern, masked, text)
    if not any(word in lower for word in _NAME_WORDS):
        return text
    return _without_named_in_code(text, lower) if code else _without_named(text)


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


def _without_named_in_code(code: str, lower: str) -> str:
    """Mask what code gives a secret name, where that is quoted.

    Only the lines are searched that have a secret name and a quote: words such as `pass` and `key`
    are in nearly all code, and to search the whole of a module takes 40 ms.
    """
    if len(lower) != len(code):  # a few letters become two in lower case
        return _without_named(code, code=True)
    parts, end = [], 0
    for start, stop in _secret_lines(code, lower):
        if start >= end:
            parts += [code[end:start], _without_named(code[start:stop], code=True)]
            end = stop
    return "".join(parts) + code[end:]


def _secret_lines(code: str, lower: str) -> list[tuple[int, int]]:
    """Return where the lines begin and end that have a secret name and a quote."""
    lines = {}
    for word in _NAME_WORDS:
        at = lower.find(word)
        while at >= 0:
            first, last = at, at + len(word)
            while first and (code[first - 1].isalnum() or code[first - 1] in "_-."):
                first -= 1
            while last < len(code) and (code[last].isalnum() or code[last] in "_-."):
                last += 1
            start, stop = code.rfind("\n", 0, at) + 1, code.find("\n", last)
            stop = stop if stop >= 0 else len(code)
            line = code[start:stop]
            quoted = start not in lines and ("'" in line or '"' in line)
            if quoted and is_secret_name(code[first:last]):
                for quotes in ('"""', "'''"):
                    if line.count(quotes) % 2:  # the value goes on below
                        stop = max(stop, code.find(quotes, stop) + len(quotes))
                lines[start] = stop
            at = lower.find(word, last)
    return sorted(lines.items())


def _without_issued(text: str) -> str:
    """Mask the tokens that are known by their form."""
    # All but a private key is one long word; most words are short, and there are many beginnings.
    searched = text
    if "-----BEGIN" not in text:
        searched = " ".join([word for word in text.split() if len(word) >= _SHORTEST_TOKEN])
        if not searched:
            return text
    if any(word in searched for word in _ISSUED_WORDS):
        for words, pattern in _ISSUED:
            if any(word in searched for word in words):
                text = re.sub(pattern, MASK, text)
    if beginnings := [re.escape(word) for word in _BEGINNINGS if word in searched]:
        body = r"(?:[A-Za-z0-9]{16}|(?=\S{0,60}\d)(?=\S{0,60}[A-Z])[\w.+/=-]{24})[\w.+/=-]*"
        text = re.sub(rf"(?<![\w+/-])(?:{'|'.join(beginnings)}){body}", MASK, text)
    return text


def _masked_if_quoted(found: re.Match[str]) -> str:
    quoted = re.search(r"[:=,]\s*\\*[\"']", found[1])
    return f"{found[1]}{MASK}" if quoted else found[0]


def _without_named(text: str, *, code: bool = False) -> str:
    """Mask what a text gives a secret name: `password=X`, `"api_key": "X"`, `--token X`."""
    if "value" in text:
        text = re.sub(_PAIR, _masked_pair, text)
    if ":" in text and not code:
        text = _without_lines(text)
    parts = []
    end = 0
    for found in re.finditer(_NAMED, text):
        name, between = found.groups()
        if name in ("key", "Key", "keys"):  # "API key: X"
            name = text[max(0, found.start() - 20) : found.start()].rpartition("\n")[2] + name
        start = found.end()
        if found.start() < end or not is_secret_name(name):
            continue
        if ":" in between and (annotation := re.compile(_ANNOTATION).match(text, start)):
            start = annotation.end()
        if re.compile(_EMPTY).match(text, start):
            continue
        value = re.compile(_VALUE).match(text, start)
        if value is None or not _is_given(name, between, value[0]):
            continue
        if code and not _is_literal(text, found, value):
            continue
        quote = next(filter(None, value.groups()), "")
        inner = value[0].find(quote) + len(quote)
        is_closed = value[0].endswith(quote) and len(value[0]) > inner
        parts += [text[end : start + inner], MASK, quote if is_closed else ""]
        end = value.end()
    return "".join(parts) + text[end:]


def _is_literal(code: str, found: re.Match[str], value: re.Match[str]) -> bool:
    """Tell whether what stands behind a name in code is a text: no call, no variable, no name."""
    if any(value.groups()):
        return found[1].startswith("-") or not set(found[2]).isdisjoint("=:>%")
    if value[0][0] in "{%":  # f"token={token}"
        return False
    quote = ""
    for character in code[code.rfind("\n", 0, found.start()) + 1 : value.start()]:
        if character in "\"'":
            quote = "" if character == quote else quote or character
    return bool(quote)


def _without_lines(text: str) -> str:
    """Mask what follows a password's name on its line, and the lines below that belong to it.

    As YAML has it: a value without quotes may have blanks, and one of many lines is indented.
    """
    shown: list[str] = []
    outer: str | None = None
    for line in text.split("\n"):
        content = line.lstrip(" \t")
        indent = line[: len(line) - len(content)]
        if outer is not None and _is_within(outer, indent, content):
            if not shown[-1].endswith(MASK):
                shown[-1] += f" {MASK}"
            continue
        outer = None
        name, colon, value = content.removeprefix("- ").partition(":")
        value = value.strip()
        whole = line
        if colon and re.fullmatch(_NAME_ALONE, name) and _is_password(_words(name)):
            if re.fullmatch(_BLOCK, value):
                outer = indent
            elif value[0] not in "\"'[{(/\\" and value not in _NO_SECRETS:
                whole = f"{line.partition(':')[0]}: {MASK}"
        shown.append(whole)
    return "\n".join(shown)


def _is_within(outer: str, indent: str, content: str) -> bool:
    """Tell whether a line belongs to one that is indented by `outer`."""
    deeper = len(indent) > len(outer) and indent.startswith(outer)
    return bool(content) and (deeper or (indent == outer and content.startswith("- ")))


def _masked_pair(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{found[3]}{MASK}" if is_secret_name(found[2]) else found[0]


def _is_given(name: str, between: str, shown: str) -> bool:
    """Tell whether a text gives a secret name the value `shown`."""
    words, quoted = _words(name), shown.lstrip("bBrRuUfF\\").startswith(('"', "'"))
    if words[-1] == "authorization" or shown in _NO_SECRETS or shown.strip("\\\"'") in ("", MASK):
        return False
    if not any(sign in between for sign in "=:>%"):
        # Prose has blanks behind all its words: `--password X`, and `the password "X"`.
        if name.startswith("-"):
            return not shown.startswith("-")
        if "," in between or words == ["token"]:
            return False
        return re.match(_RANDOM, shown) is not None or (_is_password(words) and quoted)
    if not quoted and ":" in between and "=" not in between and words[-1] == "pass":
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
            masked.append(without_hidden(without_secrets(token), hidden))
        else:  # the program
            masked.append(without_secrets(token))
        if token.startswith("-") and not (hide_next and not token.startswith("--")):
            hide_next = not equals and is_secret_name(token.lstrip("-"))
            hide_rest = hide_next and token.endswith("s")
        else:
            hide_next = False
    return masked


def without_hidden(token: str, hidden: Collection[str]) -> str:
    """Mask the values `hidden` in a text, unless they are too short to tell them from chance."""
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
        if type(value) is str:  # as most are
            return without_secrets(value)
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
        if isinstance(value, (dict, list, tuple, Mapping, AbstractSet)):
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
            if _are_pairs(value):
                return [[name, self._named(name, v)] for name, v in value]
            if _is_command(value):
                return argv_without_secrets(value)
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
            # As containers list their variables: a "name" is DB_PASSWORD, its "value" the secret.
            told = value.get("name", value.get("key")) if key == "value" else None
            shown = self._named(told if isinstance(told, str) else name, item)
            while name in plain:  # 1 and "1": neither may hide the other
                name += "'"
            plain[key if type(key) in self._also else name] = shown
        return plain

    def _named(self, name: str, value: object) -> Any:
        plain = self.convert(value)
        secret = is_secret_name(name) or _is_login(name, value)
        if not secret or _is_number(value) or _only_numbers(plain):
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


def _are_pairs(value: Container) -> bool:
    """Tell whether these are pairs of a name and a value, as headers are."""
    return bool(value) and all(
        isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str)
        for item in value
    )


def _is_command(value: Container) -> TypeGuard[Iterable[str]]:
    in_order = isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
    return in_order and any(item.startswith("--") for item in value)


def _is_login(name: str, value: object) -> bool:
    """Tell whether this is a user and a password: ``auth=("me", "X")``."""
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and all(isinstance(item, str) for item in value)
        and _words(name)[-1:] == ["auth"]
    )


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


def _columns(value: object) -> Iterable[object]:
    """Return the names of a data frame's columns: its `repr` has them far from the values."""
    columns = getattr(value, "columns", ()) if hasattr(type(value), "columns") else ()
    return columns if hasattr(type(columns), "__iter__") and hasattr(type(value), "__len__") else ()


def _described(value: object) -> str:
    try:
        if isinstance(value, (bytes, bytearray)) and len(value) > _LONGEST_REPR:
            return f"<{type(value).__name__} of {len(value)} bytes>"
        text = repr(value)
    except Exception as broken:  # noqa: BLE001  # a user's __repr__ may do anything
        text = f"<{type(value).__name__}: its repr raised {type(broken).__name__}>"
    if any(is_secret_name(str(name)) for name in _columns(value)):
        return f"<{type(value).__name__} of {len(value)} rows>"  # type: ignore[arg-type]
    text = without_secrets(text)
    return text if len(text) <= _LONGEST_REPR else f"{text[:_LONGEST_REPR]}…"
