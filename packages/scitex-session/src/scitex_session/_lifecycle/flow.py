"""Which functions of a script call which, read from its source."""

from __future__ import annotations

import ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef)


def print_flow(script: Path) -> None:
    """Print the tree of calls among the functions that `script` defines."""
    print(f"execution flow of {script.name}:")
    for line in flow_of(script.read_bytes()):
        print(f"  {line}")
    print(flush=True)


def flow_of(source: bytes) -> list[str]:
    """Return the lines of that tree: what the module itself calls, and below it what that calls.

    A function that calls itself, directly or not, is shown once more and marked ``…``.
    """
    tree = ast.parse(source)
    defined = {node.name: node for node in tree.body if isinstance(node, _SCOPES)}
    calls = {name: _calls(list(node.body), defined) for name, node in defined.items()}
    top = [node for node in tree.body if not isinstance(node, (*_SCOPES, ast.ClassDef))]
    return list(_tree(_calls(top, defined), calls, ()))


def _calls(
    body: list[ast.stmt], defined: dict[str, ast.FunctionDef | ast.AsyncFunctionDef]
) -> list[str]:
    found = [
        (node.lineno, node.col_offset, node.func.id)
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in defined
    ]
    return list(dict.fromkeys(name for *_, name in sorted(found)))


def _tree(names: list[str], calls: dict[str, list[str]], above: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        indent = "  " * len(above)
        if name in above:
            yield f"{indent}{name} …"
        else:
            yield f"{indent}{name}"
            yield from _tree(calls[name], calls, (*above, name))
