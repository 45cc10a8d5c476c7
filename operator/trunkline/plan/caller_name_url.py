"""The rule for the URL that callers' names are asked of, the same from a flag of `up` and of `run`."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

PLACE: Final = "{number}"
"""Where the number is put into the URL."""
LONGEST_URL: Final = 1024


def caller_name_url_fault(url: str) -> str:
    """What is wrong with `url` and how to mend it, to follow the option's name; "" if it is right.

    It is not repeated: it may hold a key.
    """
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return f"is not a URL: write at most {LONGEST_URL} characters of ASCII without spaces"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        return "is not an http or https URL: write it like https://cnam.example/names?number={number}"
    if PLACE not in parts.path + parts.query:
        return f"does not say where the number goes: write {PLACE} in its path or query"
    return (
        "has a user or a fragment, which are never sent: remove them"
        if parts.fragment or "@" in parts.netloc
        else ""
    )
