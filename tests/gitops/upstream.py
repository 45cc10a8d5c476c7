"""The CRDs of the tools that examples/gitops is for, out of their Go modules.

Of each the newest version that the proxy of Go's modules has whole and the tests' Go can build.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import go_tools


@dataclass(frozen=True)
class Upstream:
    """A module of another project, and its CRDs that we write objects of."""

    module: str
    version: str
    checksum: str
    """Of the module, as in go.sum."""
    files: tuple[str, ...]

    def crds(self) -> list[Path]:
        """Fetched once. Raises as `go_tools.sources` does."""
        folder = go_tools.sources(self.module, self.version, self.checksum)
        return [folder / each for each in self.files]


UPSTREAM: Final = (
    Upstream(
        "github.com/argoproj/argo-cd/v3",
        "v3.2.12",
        "h1:XbOyqcoPIjMhiP+y05Zi2U+HfG3b2TNfGJgVuK5Y8g0=",
        ("manifests/crds/application-crd.yaml",),
    ),
    Upstream(
        "github.com/fluxcd/source-controller",
        "v1.9.6",
        "h1:nG534/bI6nVpyHra7ONAk6xDB3xPsVT+EOLHZHXPrrc=",
        ("config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml",),
    ),
    Upstream(
        "github.com/fluxcd/kustomize-controller",
        "v1.9.6",
        "h1:XB+G3A0mky0j5uVHZWv4oSlS2RvZBoNIUhstIvY0JKE=",
        ("config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",),
    ),
    Upstream(
        "github.com/fluxcd/helm-controller",
        "v1.4.0",
        "h1:rkm8rmB6Na7eNc4pJOnvtXEaJ19iKluRtayHKjBxcUM=",
        ("config/crd/bases/helm.toolkit.fluxcd.io_helmreleases.yaml",),
    ),
    Upstream(
        "github.com/external-secrets/external-secrets",
        "v1.3.2",
        "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
        ("config/crds/bases/external-secrets.io_externalsecrets.yaml",),
    ),
)
