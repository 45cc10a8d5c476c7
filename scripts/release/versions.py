"""One version in the three spellings that package managers want, and their order is the same in each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_DECLARED: Final = re.compile(r"(?P<final>\d+\.\d+\.\d+)(?:rc(?P<candidate>\d+))?")


class VersionError(ValueError):
    """What the package declares and how the commit is tagged do not fit together. The text says how."""


@dataclass(frozen=True)
class Version:
    """The version of everything that is made of one commit."""

    python: str
    """By PEP 440: of wheel and sdist."""
    semantic: str
    """By Semantic Versioning 2.0: of the chart and of the plugin for kubectl."""
    tag: str
    """Of images: as `semantic`, but tags know no plus sign. It is the chart's appVersion."""
    is_release: bool
    """True if the commit is tagged with it."""


def version_of(declared: str, tag: str | None, commits: int, commit: str) -> Version:
    """The version of a commit.

    `declared` is what the package says, X.Y.Z or X.Y.ZrcN; `tag` the commit's own, vX.Y.Z or vX.Y.Z-rc.N;
    `commits` how many there are up to it, and `commit` how its hash begins. Without a tag it is a version
    ahead of each candidate of X.Y.Z. Raises VersionError.
    """
    found = _DECLARED.fullmatch(declared)
    if found is None:
        raise VersionError(f"the package declares version {declared!r}: write X.Y.Z, or X.Y.ZrcN")
    final, candidate = found["final"], found["candidate"]
    if tag is None:
        semantic = f"{final}-dev.{commits}+g{commit}"
        return Version(f"{final}.dev{commits}+g{commit}", semantic, semantic.replace("+", "_"), False)
    semantic = final if candidate is None else f"{final}-rc.{candidate}"
    if tag != f"v{semantic}":
        raise VersionError(
            f"the commit is tagged {tag}, but the package declares {declared}: tag v{semantic}"
        )
    return Version(declared, semantic, semantic, True)
