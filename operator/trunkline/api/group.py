"""The API group that every kind of Trunkline belongs to."""

from typing import Final

GROUP: Final = "trunkline.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = "trunkline"
"""`kubectl get trunkline` lists every kind."""
