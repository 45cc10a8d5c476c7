"""What Twilio's API gives of trunking: pages of lists, single resources and arrays, sorted. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

Resource = Mapping[str, Any]
"""One resource; its keys are snake_case, whatever client wrote the file."""


class Sort(StrEnum):
    """The sorts of resources that are understood, as their API calls them."""

    TRUNK = "Trunk"
    ORIGINATION_URL = "OriginationUrl"
    PHONE_NUMBER = "PhoneNumber"
    CREDENTIAL_LIST = "CredentialList"
    CREDENTIAL = "Credential"
    ACCESS_LIST = "IpAccessControlList"
    ADDRESS = "IpAddress"


_LISTS: Final = (
    "trunks",
    "origination_urls",
    "phone_numbers",
    "incoming_phone_numbers",
    "credential_lists",
    "credentials",
    "ip_access_control_lists",
    "ip_addresses",
)
"""Under which key a page has its resources."""
_TELLING: Final = (
    ("sip_url", Sort.ORIGINATION_URL),
    ("phone_number", Sort.PHONE_NUMBER),
    ("ip_address", Sort.ADDRESS),
    ("username", Sort.CREDENTIAL),
)
"""A field that no other sort has."""
_BEGINNINGS: Final = (
    ("TK", Sort.TRUNK),
    ("CL", Sort.CREDENTIAL_LIST),
    ("AL", Sort.ACCESS_LIST),
)
"""How the ids of the others begin."""
_MAX_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Export:
    """Resources by their sort, in the order of the files, and what was left out of the files."""

    resources: Mapping[Sort, tuple[Resource, ...]]
    notes: tuple[str, ...]

    def of(self, sort: Sort) -> tuple[Resource, ...]:
        return self.resources.get(sort, ())


def export_of(files: Iterable[tuple[str, object]]) -> Export:
    """What the files hold: each is its name and the value of its JSON. What is unknown is told."""
    found: dict[Sort, list[Resource]] = {}
    notes: list[str] = []
    pages = [(name, _snake(value, _MAX_DEPTH)) for name, value in files]
    for name, value in pages:
        for number, resource in enumerate(_resources(value), 1):
            sort = sort_of(resource)
            if sort is None:
                notes.append(f"{name}: resource {number} is none of {', '.join(Sort)}: left out")
            else:
                found.setdefault(sort, []).append(resource)
    notes += _missing_pages(pages)
    return Export({sort: tuple(group) for sort, group in found.items()}, tuple(notes))


def sort_of(resource: object) -> Sort | None:
    """None = none that is understood."""
    if not isinstance(resource, Mapping) or not isinstance(resource.get("sid"), str):
        return None
    for field, sort in _TELLING:
        if isinstance(resource.get(field), str):
            return sort
    return next((sort for begin, sort in _BEGINNINGS if resource["sid"].startswith(begin)), None)


def _resources(value: object) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, Mapping):
        lists = [value[key] for key in _LISTS if isinstance(value.get(key), list)]
        yield from [resource for each in lists for resource in each] if lists else [value]
    else:
        yield value


def _missing_pages(pages: Iterable[tuple[str, object]]) -> Iterator[str]:
    """A page that has a next one, which no file is."""
    found = [(name, _places(value)) for name, value in pages]
    known = {own for _, (own, _) in found}
    for name, (_, following) in found:
        if following and following not in known:
            yield f"{name} is not the last page of its list: export {following} as well"


def _places(value: object) -> tuple[str, str]:
    """A page's own address, and that of the next one."""
    page = value if isinstance(value, Mapping) else {}
    meta = page.get("meta")
    named = {**page, **meta} if isinstance(meta, Mapping) else page
    own, following = (
        next((named[key] for key in keys if isinstance(named.get(key), str)), "")
        for keys in (("url", "uri"), ("next_page_url", "next_page_uri"))
    )
    return own, following


def _snake(value: object, depth: int) -> object:
    """The same with keys in snake_case: some clients write camelCase."""
    if depth and isinstance(value, Mapping):
        return {
            re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", str(key)).lower(): _snake(item, depth - 1)
            for key, item in value.items()
        }
    if depth and isinstance(value, list):
        return [_snake(item, depth - 1) for item in value]
    return value
