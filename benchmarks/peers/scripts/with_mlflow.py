"""As the quickstart of MLflow Tracking has it."""

import sys

import mlflow
from work import work

mlflow.set_experiment("bench")
with mlflow.start_run():
    mlflow.log_param("number", int(sys.argv[1]))
    mlflow.log_metric("loss", work())
