"""What must never reach a record: passwords, tokens, keys."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"

# The patterns are compiled where a word of theirs was found: compiling them costs a run more than
# everything else here, and nearly no run has a secret.
_NAME_WORDS = ("pass", "secret", "token", "key", "credential", "bearer")
# By the last words of a name, so that `tokenizer`, `max_tokens` and `pad_token` stay readable.
_NAME_PATTERN = (
    r"(?:^|[_\-. ])(?:passwords?|passwd|passphrase|secrets?|credentials?|bearer|api_?keys?"
    r"|(?:api|access|private|secret|ssh|encryption)[_\-. ]?keys?"
    r"|(?:api|access|auth|bearer|refresh|session|hf|gh|github|gitlab|wandb|slack|bot)[_\-. ]?token"
    r")$|^token$"
)
# Tokens with a prefix of their own, and private keys.
_VALUE_WORDS = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "hf_"),
    *("sk-", "xox", "AKIA", "pypi-", "Bearer ", "PRIVATE KEY-----"),
)
_VALUE_PATTERN = (
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{20,}"
    r"|sk-(?:\w+-)*\w{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|pypi-[\w-]{40,})"
    r"|(?<=Bearer )[\w.~+/=-]{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"
)
# A password inside an address, up to its last "@"; and what stands in the query.
_ADDRESS = r"(?<=://)([^/\s:@]*):[^/\s]+(?=@)"
_QUERY = (
    r"(?i)(?<=[?&])((?:[\w.-]*[_.-])?(?:token|key|secret|password|signature|sig|apikey)=)[^&\s#]+"
)


def is_secret_name(name: str) -> bool:
    """Tell whether a value under this name would be a password, a token or a key."""
    lower = name.lower()
    if not any(word in lower for word in _NAME_WORDS):
        return False
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.search(_NAME_PATTERN, words, re.IGNORECASE) is not None


def without_secrets(text: str) -> str:
    """Return `text` with what looks like a secret masked."""
    if "://" in text:
        text = re.sub(_ADDRESS, rf"\1:{MASK}", text)
        text = re.sub(_QUERY, rf"\1{MASK}", text)
    if any(word in text for word in _VALUE_WORDS):
        text = re.sub(_VALUE_PATTERN, MASK, text)
    return text


def argv_without_secrets(argv: Iterable[str]) -> list[str]:
    """Mask what follows ``--api-key``, in ``--api-key=VALUE`` and in ``api_key=VALUE``."""
    masked = []
    hide_next = False
    for token in argv:
        name, equals, _ = token.partition("=")
        if hide_next and not token.startswith("--"):  # a password may begin with one dash
            masked.append(MASK)
        elif equals and is_secret_name(name.lstrip("-")):
            masked.append(f"{name}={MASK}")
        else:
            masked.append(without_secrets(token))
        hide_next = token.startswith("-") and not equals and is_secret_name(token.lstrip("-"))
    return masked
