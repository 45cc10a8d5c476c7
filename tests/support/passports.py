"""Text of PASSporTs that nobody has signed: for what is judged before a signature is looked at."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

URL: Final = "https://certificates.example.test/a.pem"
HEADER: Final = {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": URL}
ISSUED: Final = 1_700_000_000
CLAIMS: Final[dict[str, Any]] = {
    "attest": "B",
    "dest": {"tn": ["14155550100"]},
    "iat": ISSUED,
    "orig": {"tn": "12025550111"},
    "origid": "123e4567-e89b-12d3-a456-426614174000",
}
PARAMETERS: Final = f";info=<{URL}>;alg=ES256;ppt=shaken"


def coded(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def value_of(header: object = HEADER, claims: object = CLAIMS, parameters: str = PARAMETERS) -> str:
    return f"{coded(header)}.{coded(claims)}.c2ln{parameters}"


def but(values: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**values, **changes}.items() if value is not None}
