"""The stream of a name is the one that this package has always given for that seed."""

from scitex_session_repro import RandomStateManager

with RandomStateManager(42) as rng:
    rng("data").random()
    drawn = rng("model").random()
assert drawn == 0.055095569640159714, drawn
print(f"rng('model') of seed 42 draws {drawn}")
