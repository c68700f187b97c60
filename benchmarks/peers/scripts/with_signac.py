"""As signac's tutorial has it."""

import sys

import signac
from work import work

project = signac.init_project()
job = project.open_job({"number": int(sys.argv[1])})
with job:
    job.doc["loss"] = work()
