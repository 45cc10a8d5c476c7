"""sipedge: the data plane of Trunkline, what runs in an edge pod. It knows no Kubernetes."""

__version__ = "0.1.0"
"""Of the whole project, as in pyproject.toml."""
