"""One decorator between a scientist's script and a result that can be trusted a year later.

Everything is imported at its first use, so that importing this package costs next to nothing.
"""

from scitex_session_core import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    import matplotlib.pyplot as plt

    import scitex_session_io as io
    from scitex_session_core import DotDict, SessionManager
    from scitex_session_plot import CustomColors
    from scitex_session_repro import RandomStateManager

    from ._by_hand import close, start
    from ._decorator import session
    from ._finished import running2finished
    from ._names.injection import INJECTED
    from ._names.stand_ins import COLORS, CONFIG, logger, rngg
    from ._runner import run

_HOMES = {
    "COLORS": "scitex_session._names.stand_ins",
    "CONFIG": "scitex_session._names.stand_ins",
    "CustomColors": "scitex_session_plot",
    "DotDict": "scitex_session_core",
    "INJECTED": "scitex_session._names.injection",
    "RandomStateManager": "scitex_session_repro",
    "SessionManager": "scitex_session_core",
    "close": "scitex_session._by_hand",
    "logger": "scitex_session._names.stand_ins",
    "plt": "scitex_session_plot",
    "rngg": "scitex_session._names.stand_ins",
    "run": "scitex_session._runner",
    "running2finished": "scitex_session._finished",
    "session": "scitex_session._decorator",
    "start": "scitex_session._by_hand",
}

__all__ = [
    "COLORS",
    "CONFIG",
    "INJECTED",
    "CustomColors",
    "DotDict",
    "RandomStateManager",
    "SessionManager",
    "__version__",
    "close",
    "io",
    "logger",
    "plt",
    "rngg",
    "run",
    "running2finished",
    "session",
    "start",
]


def __getattr__(name: str) -> object:
    if name == "io":
        import scitex_session_io

        value: object = scitex_session_io
    elif name in _HOMES:
        # __import__ with a from-list returns the module itself; importlib is one more import.
        value = getattr(__import__(_HOMES[name], None, None, [name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
