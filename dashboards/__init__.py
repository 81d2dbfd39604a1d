"""The dashboards: they read one published release and nothing else."""
