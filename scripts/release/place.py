"""Where a release will be found, as far as that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

UNPUBLISHED: Final = "https://unpublished.invalid/trunkline"
"""Stands where an address belongs that nobody has said (RFC 2606): it cannot be reached by mistake."""


@dataclass(frozen=True)
class Place:
    """Said by the environment of `make release`; empty: not said."""

    url: str
    """RELEASE_URL: the project's home, as https://github.com/OWNER/trunkline."""
    registry: str
    """REGISTRY: what stands before `trunkline/operator` and the other images, as ghcr.io/OWNER."""

    @property
    def home(self) -> str:
        """The project's home."""
        return self.url or UNPUBLISHED

    @property
    def is_published(self) -> bool:
        """True if users can fetch both files and images by what the release says."""
        return bool(self.url and self.registry)

    def download(self, version: str, name: str) -> str:
        """Where a file of the release will be."""
        return f"{self.home}/releases/download/v{version}/{name}"

    def image(self, name: str, tag: str) -> str:
        """The whole name of an image."""
        return f"{self.registry}/trunkline/{name}:{tag}".removeprefix("/")


def place_of(environment: Mapping[str, str]) -> Place:
    """Raises ValueError for a RELEASE_URL that is no https URL."""
    url = environment.get("RELEASE_URL", "").rstrip("/")
    if url and not url.startswith("https://"):
        raise ValueError(f"RELEASE_URL={url}: write https://...")
    return Place(url, environment.get("REGISTRY", "").rstrip("/"))
