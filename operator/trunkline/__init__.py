"""The control plane: from manifests to edge tables, verdicts and statuses."""
