"""`trunkline import twilio`: reads the files, prints the manifests, tells the rest."""

from __future__ import annotations

import json
import secrets
import string
import sys
from collections.abc import Sequence
from typing import Final

import yaml

from sipedge.counted import counted
from trunkline.cli import exits
from trunkline.cli.importing.export import export_of
from trunkline.cli.importing.twilio import imported
from trunkline.cli.reading import UsageError
from trunkline.cli.terminal import tell
from trunkline.settings import namespace_fault

_LARGEST_FILE: Final = 64 << 20
_PASSWORD_CHARACTERS: Final = string.ascii_letters + string.digits
_PASSWORD_LENGTH: Final = 24


def run_import(files: Sequence[str], namespace: str) -> int:
    """Prints YAML to standard output, and to standard error one line for each thing that it does not say."""
    try:
        if fault := namespace_fault(namespace):
            raise UsageError(f"-n {namespace!r} {fault}")
        export = export_of([(name, _read(name)) for name in files])
    except UsageError as error:
        tell(f"trunkline import twilio: {error}")
        return exits.USAGE
    result = imported(export, namespace, lambda _list, _user: new_password())
    print(yaml.safe_dump_all(result.manifests, sort_keys=False, allow_unicode=True, width=110), end="")
    sys.stdout.flush()
    for note in result.notes:
        tell(f"note: {note}")
    objects, notes = counted(len(result.manifests), "object"), counted(len(result.notes), "note")
    tell(f"{objects} of {counted(len(files), 'file')}, {notes}")
    return exits.OK if result.manifests else exits.FAILED


def new_password() -> str:
    """A random one that a CredentialList takes: a digit, upper and lower case."""
    while True:
        found = "".join(secrets.choice(_PASSWORD_CHARACTERS) for _ in range(_PASSWORD_LENGTH))
        if any(map(str.isdigit, found)) and any(map(str.isupper, found)) and any(map(str.islower, found)):
            return found


def _read(name: str) -> object:
    try:
        with open(name, "rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            raise UsageError(f"{name}: larger than 64 MiB (export in pages)")
        return json.loads(content)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{name}: not JSON (export the resources as JSON)") from None
