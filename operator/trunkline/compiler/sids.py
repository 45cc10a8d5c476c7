"""Ids that follow from names alone: the same in a cluster, from files, and after a restore (S2)."""

from __future__ import annotations

import uuid
from functools import lru_cache


@lru_cache(maxsize=2**14)
def trunk_sid(base_domain: str, namespace: str, name: str) -> str:
    """`TK` and the 32 hex digits of UUIDv5 over `<base>/namespace/name` (RFC 9562, URL namespace)."""
    return "TK" + uuid.uuid5(uuid.NAMESPACE_URL, f"{base_domain}/{namespace}/{name}").hex


def account_sid(base_domain: str, account_id: str) -> str:
    """`AC` and the 32 hex digits of UUIDv5 over `<base>/account/<id>`."""
    return "AC" + uuid.uuid5(uuid.NAMESPACE_URL, f"{base_domain}/account/{account_id}").hex
