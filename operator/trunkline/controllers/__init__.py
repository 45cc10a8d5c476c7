"""The cluster shell: kopf notes objects, one loop makes the edges and every status agree with them."""
