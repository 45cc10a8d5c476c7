"""Where recordings of an account go, as the agent tells the recorder. Pure.

Its file has mode 0600, for it holds keys.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from sipedge.secret import Secret

DESTINATION_SCHEMA: Final = 1
_SUFFIX: Final = ".json"


@dataclass(frozen=True, slots=True)
class Destination:
    """A directory or a bucket."""

    url: str
    """`file:///path` or `s3://bucket/prefix`."""
    endpoint: str | None = None
    """Of a bucket: `https://host[:port]`; None = Amazon's, of `region`."""
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    """These two: None = what the recorder's environment grants it. The first "" = they are still to come."""
    retention_days: int | None = None
    """What lies longer is deleted; None = nothing is."""

    @property
    def is_directory(self) -> bool:
        return self.url.startswith("file://")

    def to_text(self) -> str:
        """The text of its file, with the key in it."""
        key = self.secret_access_key
        fields = {
            "schema": DESTINATION_SCHEMA,
            "url": self.url,
            "endpoint": self.endpoint,
            "region": self.region,
            "accessKeyId": self.access_key_id,
            "secretAccessKey": key.reveal() if key is not None else None,
            "retentionDays": self.retention_days,
        }
        return json.dumps({name: value for name, value in fields.items() if value is not None})


def destination_of_text(text: str | bytes) -> Destination | None:
    """The destination of a file's text; None for what is none, or of another schema. Total."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("schema") != DESTINATION_SCHEMA:
        return None
    url, key, days = said.get("url"), _text(said, "secretAccessKey"), said.get("retentionDays")
    if not isinstance(url, str) or not url.startswith(("file:///", "s3://")):
        return None
    return Destination(
        url=url,
        endpoint=_text(said, "endpoint"),
        region=_text(said, "region"),
        access_key_id="" if said.get("accessKeyId") == "" else _text(said, "accessKeyId"),
        secret_access_key=Secret(key) if key is not None else None,
        retention_days=days if isinstance(days, int) and days > 0 else None,
    )


def file_of_account(account: str) -> str:
    """The name of the account's file; an account may be `default/<namespace>`."""
    return f"{quote(account, safe='')}{_SUFFIX}"


def account_of_file(name: str) -> str:
    """The account whose file has this name."""
    return unquote(name.removesuffix(_SUFFIX))


def _text(said: dict[str, Any], key: str) -> str | None:
    value = said.get(key)
    return value if isinstance(value, str) and value else None
