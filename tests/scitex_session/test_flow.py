"""`show_execution_flow` prints which functions of the script call which."""

from __future__ import annotations

from pathlib import Path

import pytest

import scitex_session as stx

SOURCE = """
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


@pytest.mark.parametrize(
    ("source", "flow"),
    [
        (SOURCE, ["  main", "    load", "    fit", "      step", "        fit …"]),
        ("print(1)", []),
    ],
)
def test_calls_are_shown_below_their_callers_in_order_and_recursion_ends(
    source: str, flow: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("script.py").write_text(source)
    config, *_ = stx.start(file="script.py", verbose=False, show_execution_flow=True)
    stx.close(config, verbose=False)
    assert capsys.readouterr().out.split("\n") == ["execution flow of script.py:", *flow, "", ""]
