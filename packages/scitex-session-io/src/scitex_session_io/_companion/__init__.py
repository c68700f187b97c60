"""The companion process, which shows the logs and watches over the run."""
