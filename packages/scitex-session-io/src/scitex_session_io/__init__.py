"""Capture that loses nothing of stdout and stderr; saving and loading of results.

Each name is imported at its first use; ``__init__.pyi`` says where it lives.
"""

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
    if name == "__all__":
        value: object = sorted(homes)
    elif name == "__version__":
        from importlib.metadata import version  # costs 30 ms

        value = version("scitex-session-io")
    elif name in homes:
        # __import__ with a level, since importlib is one more import.
        value = getattr(__import__(homes[name][1:], globals(), None, [name], 1), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__"), "__version__"})
