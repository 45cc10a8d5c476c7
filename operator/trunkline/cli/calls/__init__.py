"""`trunkline calls` and `trunkline usage`: what calls did, which are in progress, and what they add up to."""
