"""One decorator between a scientist's script and a result that can be trusted a year later.

Each name is imported at its first use; ``__init__.pyi`` says where it lives.
"""

import os as _os
import sys as _sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    __spec__: ModuleSpec


def _homes() -> dict[str, str]:
    """Return the module of each public name, as the stub has them."""
    homes = globals().get("_HOMES")
    if homes is None:
        stub = __file__.rpartition(".")[0] + ".pyi"
        lines = __spec__.loader.get_data(stub).decode().split("\n")
        words = [line.split() for line in lines if line.startswith("from ")]
        homes = globals()["_HOMES"] = {line[-1]: line[1] for line in words}
    return homes


def __getattr__(name: str) -> object:
    """Import a public name at its first use (SPEC 1), so that nobody pays for the others."""
    homes = _homes()
    value: object
    if name == "__all__":
        value = sorted({*homes, "io", "plt"})
    elif name == "io":
        import scitex_session_io as value
    elif name == "plt":
        from scitex_session_plot import plt as value  # of which type checkers know pyplot
    elif name in homes:
        from ._uncollected import uncollected

        home = homes[name].lstrip(".")
        with uncollected():
            # With a from-list it returns the module itself; importlib is one more import.
            module = __import__(home, globals(), None, [name], len(homes[name]) - len(home))
        value = getattr(module, name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})


# Before the script of a spawned worker goes on: the run that started it is also its own.
if "SCITEX_SESSION_RUN" in _os.environ and "multiprocessing.process" in _sys.modules:
    from ._lifecycle.worker import expect_run as _expect_run

    _expect_run()
