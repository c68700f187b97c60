"""As Trackio's quickstart has it."""

import sys

import trackio
from work import work

trackio.init(project="bench", config={"number": int(sys.argv[1])})
trackio.log({"loss": work()})
trackio.finish()
