"""What Trunkline counts, for Prometheus: every name once, and how records of calls are counted. Pure."""
