"""What wheel and sdist want beside them, as SPDX: they hold no library that could be read out of them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any, Final

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA: Final = re.compile(r"extra == ['\"]([^'\"]+)['\"]")
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)$", re.MULTILINE)
_NOT_FOR_USERS: Final = frozenset({"dev", "docs", "demo"})
_ROOT: Final = "SPDXRef-Package"


def metadata_of(wheel: Path) -> Message:
    """What a wheel says of itself; its sdist says the same."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode("utf-8"))


def pins_in(constraints: str) -> dict[str, str]:
    """Library -> the version that the tests run with, of a constraints file's text."""
    return {_normal(name): version for name, version in _PIN.findall(constraints)}


def python_bill(
    about: Message, file: str, sha256: str, pins: Mapping[str, str], seconds: int
) -> dict[str, Any]:
    """SPDX 2.3 of a file of a package: itself, and each library that it asks for, as the tests have it.

    A library of an extra is an optional dependency. Those for developers alone are left out.
    """
    package = str(about["Name"])
    libraries = sorted(set(_libraries(package, about.get_all("Requires-Dist") or ())))
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": file,
        "documentNamespace": f"https://unpublished.invalid/trunkline/{file}/sha256:{sha256}",
        "creationInfo": {
            "created": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: trunkline-make-release"],
        },
        "packages": [
            {
                **_package(package, str(about["Version"]), _ROOT),
                "packageFileName": file,
                "licenseDeclared": str(about["License-Expression"]),
                "checksums": [{"algorithm": "SHA256", "checksumValue": sha256}],
            },
            *(
                {**_package(name, pins.get(name), _identity(name)), "comment": _comment(wanted)}
                for name, wanted, _ in libraries
            ),
        ],
        "relationships": [
            _relation("SPDXRef-DOCUMENT", "DESCRIBES", _ROOT),
            *(
                _relation(_identity(name), f"{'OPTIONAL_' if is_optional else ''}DEPENDENCY_OF", _ROOT)
                for name, _, is_optional in libraries
            ),
        ],
    }


def _libraries(package: str, requirements: Iterable[str]) -> Iterable[tuple[str, str, bool]]:
    """Name, versions that will do, and whether only an extra asks for it."""
    for each in requirements:
        wanted, _, marker = (part.strip() for part in each.partition(";"))
        found, extra = _NAME.match(wanted), _EXTRA.search(marker)
        name = _normal(found[0]) if found else ""
        if name not in ("", package) and not (extra and extra[1] in _NOT_FOR_USERS):
            yield name, wanted[len(name) :].strip(), extra is not None


def _comment(wanted: str) -> str:
    return f"Not in this package. Versions that it takes: {wanted or 'any'}; this one is its tests'."


def _package(name: str, version: str | None, identity: str) -> dict[str, Any]:
    at = f"@{version}" if version else ""
    purl = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl"}
    return {
        "name": name,
        "SPDXID": identity,
        **({"versionInfo": version} if version else {}),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "externalRefs": [{**purl, "referenceLocator": f"pkg:pypi/{name}{at}"}],
    }


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def _identity(name: str) -> str:
    return f"SPDXRef-Library-{name}"


def _normal(name: str) -> str:
    """As the package index spells it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
