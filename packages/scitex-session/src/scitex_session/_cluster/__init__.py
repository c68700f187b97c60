"""What schedulers and launchers tell a job, and what a run does about it."""
