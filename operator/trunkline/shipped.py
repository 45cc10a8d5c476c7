"""The chart, the CRDs and the quickstart of this very version, as the installed package has them.

cp -r "$(python -m trunkline.shipped quickstart)" . && trunkline validate quickstart/{tenant,platform-local}
helm install trunkline "$(python -m trunkline.shipped chart)" --set baseDomain=voice.example.com
kubectl apply --server-side -f "$(python -m trunkline.shipped crds)"
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

from sipedge.shipped import NotShippedError, shipped

FOLDERS: Final[Mapping[str, str]] = {
    "chart": "charts/trunkline",
    "crds": "crds",
    "quickstart": "examples/quickstart",
}
"""Where each is in a clone."""


def main() -> int:
    """Print where the folder of this name is; 2 for another name, 1 if the package lacks it."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in FOLDERS:
        print(f"write one of {', '.join(FOLDERS)}", file=sys.stderr)
        return 2
    try:
        print(shipped("trunkline", name, FOLDERS[name]))
    except NotShippedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
