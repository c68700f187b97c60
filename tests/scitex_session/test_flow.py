"""The tree of calls of a script."""

from __future__ import annotations

from scitex_session._lifecycle.flow import flow_of

SOURCE = b"""
def load(): ...
def fit(x):
    return step(x)
def step(x):
    return fit(x) if x else x
def unused(): ...
def main():
    data = load()
    for _ in range(3):
        fit(data)
if __name__ == "__main__":
    main()
"""


def test_calls_are_shown_below_their_callers_in_order_and_recursion_ends() -> None:
    assert flow_of(SOURCE) == ["main", "  load", "  fit", "    step", "      fit …"]


def test_a_script_without_functions_has_no_flow() -> None:
    assert flow_of(b"print(1)") == []
