"""A call that is under way: its sides, its memory, and each later message."""
