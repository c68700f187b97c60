"""As the quickstart of Weights & Biases has it, offline."""

import sys

import wandb
from work import work

with wandb.init(project="bench", config={"number": int(sys.argv[1])}, mode="offline") as run:
    run.log({"loss": work()})
