"""What an image or a plugin is made of, as SPDX: read out of the thing itself by syft."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import go_tools

SYFT: Final = Path(__file__).with_name("syft")
_ALONE: Final = {"SYFT_CHECK_FOR_APP_UPDATE": "false", "SYFT_FILE_METADATA_SELECTION": "none"}


def bill_of(source: str, name: str, version: str, digest: str, seconds: int) -> str:
    """SPDX 2.3 as JSON, of oci-dir:LAYOUT or dir:FOLDER, which has this digest. Raises CalledProcessError."""
    program = go_tools.built(SYFT)
    about = ("--source-name", name, "--source-version", version)
    done = subprocess.run(
        [str(program), "scan", source, "--output", "spdx-json", "--quiet", *about],
        env={**os.environ, **_ALONE},
        check=True,
        capture_output=True,
        text=True,
    )
    return settled(json.loads(done.stdout), name, digest, seconds)


def settled(document: dict[str, Any], name: str, digest: str, seconds: int) -> str:
    """The document without what differs between two runs: its time, and a name by chance."""
    created = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = {
        **document,
        "creationInfo": {**document["creationInfo"], "created": created},
        "documentNamespace": f"https://unpublished.invalid/trunkline/{name}/{digest}",
    }
    return json.dumps(found, indent=1, sort_keys=True) + "\n"
