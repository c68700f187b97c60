"""Regular expressions, matched in a bounded time.

An expression such as ``(a+)+$`` may take longer than the universe, and Python can't be stopped
while it matches. So another process matches, which is ended when its time is over.
"""

from __future__ import annotations

import json
import subprocess
import sys

from scitex_session_core._errors import InvalidValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LIMIT_S = 3.0
_MATCHER = """
import json, re, sys, warnings
warnings.simplefilter("ignore")
pattern, texts = json.load(sys.stdin)
search = re.compile(pattern).search
json.dump([n for n, text in enumerate(texts) if search(text)], sys.stdout)
"""


def matching(name: str, pattern: str, texts: Sequence[str]) -> list[str]:
    """Return the texts in which an expression finds a match.

    Parameters
    ----------
    name : str
        What is compared, for an error.
    pattern : str
        A regular expression that Python understands.
    texts : sequence of str
        The texts.

    Raises
    ------
    InvalidValueError
        It takes too long, or no process can be started for it.
    """
    if not texts:
        return []
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _MATCHER],
            input=json.dumps([pattern, texts]),
            capture_output=True,
            text=True,
            check=True,
            timeout=_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        allowed = f"a regular expression that is matched in {_LIMIT_S:g} s"
        raise InvalidValueError(name, pattern, allowed) from None
    except (OSError, subprocess.CalledProcessError) as error:
        allowed = f"a regular expression that another process can match ({error})"
        raise InvalidValueError(name, pattern, allowed) from error
    return [texts[number] for number in json.loads(done.stdout)]
