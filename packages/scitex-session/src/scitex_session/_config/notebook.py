"""Find the notebook of a session, and the cells that it has executed. Imported within IPython."""

from __future__ import annotations

import os
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SUFFIX = ".ipynb"


def notebook() -> Path | None:
    """Return the notebook whose kernel this process is; None in any other process.

    Its name is what VS Code and Jupyter's server tell the kernel. Where nobody does, as in
    nbclient, it is ``notebook.ipynb`` in the working directory, whether that exists or not.
    """
    shell = _shell()
    if not hasattr(shell, "kernel"):  # IPython in a terminal
        return None
    told = (
        shell.user_ns.get("__vsc_ipynb_file__"),
        os.environ.get("JPY_SESSION_NAME"),  # set by jupyter-server 2
    )
    for name in told:
        if isinstance(name, str) and name.endswith(_SUFFIX) and os.path.isfile(name):
            return Path(os.path.abspath(name))
    return Path.cwd() / f"notebook{_SUFFIX}"


def executed_cells() -> str:
    """Return the source of the cells that this kernel has executed, the running one included."""
    cells = _shell().user_ns.get("In", [""])[1:]
    return "".join(f"# In [{number}]\n{cell}\n\n" for number, cell in enumerate(cells, 1))


def _shell() -> Any:
    return sys.modules["IPython"].get_ipython()
