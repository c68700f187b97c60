"""What the engines of a cluster tell of a job, and how a run goes along with it."""
