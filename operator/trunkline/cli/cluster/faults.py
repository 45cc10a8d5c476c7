"""Why a cluster cannot be read."""

from __future__ import annotations


class ClusterError(Exception):
    """The cluster cannot be read. The text says why and the mend, on one line."""


class NoClusterError(ClusterError):
    """There is no cluster to read: none is named, or not in a way that can be used."""
