"""Where the platform keeps recordings whose account says nothing of it."""

from __future__ import annotations

import re


def recordings_url_fault(url: str) -> str | None:
    """What is wrong with the URL, as the end of a sentence about it; None if it can be used."""
    # The command line's help reads options and their defaults, and should not wait for the API's models.
    from trunkline.api.patterns import RECORDINGS_URL

    if re.fullmatch(RECORDINGS_URL, url, re.ASCII):
        return None
    return f"{url!r} is not a place for recordings (write s3://bucket, s3://bucket/prefix or file:///path)"
