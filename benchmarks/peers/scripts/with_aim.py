"""As Aim's quickstart has it."""

import sys

from aim import Run
from work import work

run = Run()
run["number"] = int(sys.argv[1])
run.track(work(), name="loss")
