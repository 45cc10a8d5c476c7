"""Files of a package that are no modules: within it where a wheel is installed, elsewhere in a clone.

What of a clone stands where in a wheel, pyproject.toml says.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path


class NotShippedError(Exception):
    """A folder that belongs to a package is nowhere. The text names it."""


def shipped(package: str, folder: str, in_clone: str) -> Path:
    """A folder that an installed `package` has in itself, or else the clone that the package stands in.

    `in_clone` is its path from the clone's root. Raises NotShippedError.
    """
    own = Path(str(resources.files(package))).resolve()
    for found in (own / folder, own.parents[1] / in_clone):
        if found.is_dir():
            return found
    raise NotShippedError(f"{own / folder} is missing: install trunkline again, whole")


def kamailio_directory() -> Path:
    """Where kamailio.cfg and kemi_main.py are. Raises NotShippedError."""
    return shipped("sipedge", "kamailio", "edge/kamailio")
