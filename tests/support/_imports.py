"""The import graph of a package, read from its source."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

Graph = dict[str, set[str]]


def import_graph(package: Path) -> Graph:
    """Read which modules of a package import which others of it.

    Imports within functions count; those for type checkers do not.

    Parameters
    ----------
    package : Path
        The folder of the package, such as ``src/scitex_session_core``.

    Returns
    -------
    dict
        By dotted name without the package's own, such as ``_registry.journal``; the door and the
        doors of folders are left out, since they hold no code that depends on anything.
    """
    sources = {
        ".".join(path.relative_to(package).with_suffix("").parts): path
        for path in package.rglob("*.py")
        if path.name != "__init__.py"
    }
    return {
        module: {
            found
            for name in _imported(ast.parse(path.read_text(encoding="utf-8")))
            if (found := _resolve(name, module, package.name, sources)) not in {None, module}
        }
        for module, path in sources.items()
    }


def by_subject(graph: Graph) -> Graph:
    """Join the modules of each folder to one node; modules at the root stay what they are."""
    subjects: Graph = {}
    for module, needed in graph.items():
        subject = module.partition(".")[0]
        subjects.setdefault(subject, set()).update(n.partition(".")[0] for n in needed)
        subjects[subject].discard(subject)
    return subjects


def imported_names(source: Path) -> set[str]:
    """Give every absolute name that an import statement in a file mentions."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    return {name for level, name in _imported(tree) if not level}


def private_names(source: Path) -> set[str]:
    """Give what a file imports of our modules although its name begins with an underscore."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    return {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module
        and (node.level or (node.module.startswith("scitex_session") and "." in node.module))
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    }


def public_names(stub: Path) -> set[str]:
    """Give the names that a stub states: imported as themselves, assigned, or defined."""
    names: set[str] = set()
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        match node:
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.name for alias in aliases if alias.asname == alias.name}
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
    return names


def layers(graph: Graph) -> int:
    """Count the modules of the longest chain of imports; a circle counts as one."""
    circle = {module: _reachable(graph, module) for module in graph}
    homes = {
        module: min({n for n in circle[module] if module in circle[n]} | {module})
        for module in graph
    }
    condensed: Graph = {home: set() for home in homes.values()}
    for module, needed in graph.items():
        condensed[homes[module]] |= {homes[n] for n in needed} - {homes[module]}
    height: dict[str, int] = {}
    for home in TopologicalSorter(condensed).static_order():
        height[home] = 1 + max((height[n] for n in condensed[home]), default=0)
    return max(height.values())


def _imported(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Give the level and the dotted name of everything imported below a node."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((0, alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = f"{child.module}." if child.module else ""
            yield from ((child.level, base + alias.name) for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _imported(other)
        else:
            yield from _imported(child)


def _resolve(
    name: tuple[int, str], module: str, package: str, modules: Collection[str]
) -> str | None:
    """Find the module of the package that an import statement names, itself or by a name in it."""
    level, dotted = name
    if level:
        folder = [package, *module.split(".")[:-1]]
        dotted = ".".join([*folder[: len(folder) - level + 1], dotted])
    if not dotted.startswith(f"{package}."):
        return None
    own = dotted.removeprefix(f"{package}.")
    return next((m for m in (own, own.rpartition(".")[0]) if m in modules), None)


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        new = graph[ahead.pop()] - found
        found |= new
        ahead += new
    return found
