"""The rule for a platform's base domain, the same from a flag of `up` and of `run`."""

from __future__ import annotations

import re
from typing import Final

LONGEST_DOMAIN: Final = 100
"""Characters: a trunk's name, `pstn` and an edge's label stand before it in a name of at most 253."""

LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""One label of a domain name; a namespace is named so too (RFC 1123, section 2.1)."""


def base_domain_fault(domain: str) -> str:
    """What is wrong with `domain` and how to mend it, to follow its name; "" if it is right."""
    labels = domain.split(".")
    if len(domain) > LONGEST_DOMAIN or not all(LABEL.fullmatch(label) for label in labels):
        return (
            "is not a domain name: write labels of lower-case letters, digits and dashes, separated by dots, "
            f"at most {LONGEST_DOMAIN} characters, e.g. voice.example.com"
        )
    return "is an address, not a domain: e.g. voice.example.com" if labels[-1].isdigit() else ""
