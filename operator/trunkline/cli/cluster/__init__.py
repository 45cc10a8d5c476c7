"""A cluster as `status`, `validate` and `explain` read it. `reading` alone talks to it; the rest is pure."""
