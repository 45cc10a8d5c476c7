"""Writes edge/sipedge/numbering/plans.py from libphonenumber's data (the package `phonenumbers`).

python scripts/numbering.py --write    writes it;    --check    fails if it is not what would be written.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata, PhoneNumberDesc
from phonenumbers.shortnumberinfo import is_emergency_number

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import sre_constants as sre
    import sre_parse

PLANS: Final = Path(__file__).parent.parent / "edge" / "sipedge" / "numbering" / "plans.py"
NOWHERE: Final = phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
"""How libphonenumber names codes of no country: 001."""
_DIGITS: Final = frozenset("0123456789")
_SPECIAL: Final = ("premium_rate", "shared_cost")
_OTHERS: Final = (
    "fixed_line", "mobile", "toll_free", "voip", "personal_number", "pager", "uan", "voicemail",
)  # fmt: skip
_AREA_CODE: Final = 3
"""Digits of an area code of country code 1, which belongs to one country as a whole."""

Digits = frozenset[str]


@cache
def expansions(pattern: str) -> tuple[tuple[Digits, ...], ...]:
    """Every way to match `pattern`, each a sequence of sets of digits."""
    return tuple(dict.fromkeys(_expanded(sre_parse.parse(pattern).data)))


def _expanded(tree: Iterable[Any]) -> list[tuple[Digits, ...]]:
    found: list[tuple[Digits, ...]] = [()]
    for operation, value in tree:
        found = [left + right for left in found for right in _alternatives(operation, value)]
    return found


def _alternatives(operation: Any, value: Any) -> list[tuple[Digits, ...]]:
    if operation is sre.LITERAL:
        return [(frozenset(chr(value)),)]
    if operation is sre.IN:
        return [(frozenset[str]().union(*(_members(*each) for each in value)),)]
    if operation is sre.BRANCH:
        return [way for branch in value[1] for way in _expanded(branch)]
    if operation is sre.SUBPATTERN:
        return _expanded(value[3])
    if operation is sre.MAX_REPEAT:
        least, most, repeated = value
        one = _expanded(repeated)
        ways: list[tuple[Digits, ...]] = [()]
        found: list[tuple[Digits, ...]] = []
        for times in range(most + 1):
            found += ways if times >= least else []
            ways = [left + right for left in ways for right in one] if times < most else ways
        return found
    raise ValueError(f"{operation} in a pattern of libphonenumber")


def _members(operation: Any, value: Any) -> Digits:
    if operation is sre.LITERAL:
        return frozenset(chr(value))
    if operation is sre.RANGE:
        return frozenset(chr(code) for code in range(value[0], value[1] + 1))
    return _DIGITS  # \d


def beginnings(pattern: str) -> Mapping[str, int]:
    """The shortest beginnings after which any digits may follow, each with the fewest digits of a match."""
    found: dict[str, int] = {}
    for way in expansions(pattern):
        fixed = list(way)
        while fixed and fixed[-1] == _DIGITS:
            fixed.pop()
        texts = [""]
        for digits in fixed:
            texts = [text + digit for text in texts for digit in sorted(digits)]
        for text in texts:
            found[text] = min(len(way), found.get(text, 99))
    return merged(found)


def merged(found: Mapping[str, int]) -> dict[str, int]:
    """The same with ten brothers of one length as their father, and without what lies below another."""
    kept = dict(found)
    while True:
        families = Counter((text[:-1], least) for text, least in kept.items() if text)
        whole = [family for family, members in families.items() if members == len(_DIGITS)]
        if not whole:
            break
        for father, least in whole:
            kept = {text: value for text, value in kept.items() if (text[:-1], value) != (father, least)}
            kept[father] = min(least, kept.get(father, 99))
    return {
        text: least
        for text, least in sorted(kept.items())
        if not any(kept.get(text[:length], 99) <= least for length in range(len(text)))
    }


def metadata_of(code: int, region: str) -> PhoneMetadata:
    found = (
        PhoneMetadata.metadata_for_nongeo_region(code, None)
        if region == NOWHERE
        else PhoneMetadata.metadata_for_region(region, None)
    )
    if found is None:
        raise ValueError(f"libphonenumber knows nothing of {region}")
    return found


def patterns_of(metadata: PhoneMetadata, sorts: Sequence[str]) -> Iterator[str]:
    for sort in sorts:
        described: PhoneNumberDesc | None = getattr(metadata, sort)
        if described is not None and described.national_number_pattern:
            yield described.national_number_pattern


def special_of(code: int, regions: Sequence[str]) -> dict[str, int]:
    """Beginnings of premium and shared cost numbers, with their fewest digits."""
    found: dict[str, int] = {}
    for region in regions:
        for pattern in patterns_of(metadata_of(code, region), _SPECIAL):
            for text, least in beginnings(pattern).items():
                found[text] = min(least, found.get(text, 99))
    return merged(found)


def areas_of(code: int, regions: Sequence[str]) -> dict[str, str]:
    """Beginnings of national numbers, each with its country, where they are not the first country's."""
    if code == 1:
        return {text[:_AREA_CODE]: region for region in reversed(regions) for text in _area_codes(region)} | {
            text: region for region in regions[1:] for text in _leading(region) if len(text) >= _AREA_CODE
        }
    taken = _beginnings_of(code, regions[0])
    found: dict[str, str] = {}
    for region in regions[1:]:
        own = _leading(region) or _beginnings_of(code, region)
        for text in own:
            if not any(text.startswith(other) or other.startswith(text) for other in taken):
                found.setdefault(text, region)
    return found


def _area_codes(region: str) -> list[str]:
    return [] if _leading(region) else list(_beginnings_of(1, region, (*_OTHERS, *_SPECIAL)))


def _leading(region: str) -> list[str]:
    pattern = metadata_of(0, region).leading_digits
    return [] if pattern is None else list(beginnings(pattern))


def _beginnings_of(code: int, region: str, sorts: Sequence[str] = _OTHERS) -> list[str]:
    patterns = patterns_of(metadata_of(code, region), sorts)
    return sorted({text for pattern in patterns for text in beginnings(pattern)})


def trunk_prefix_of(code: int, regions: Sequence[str]) -> str:
    """What is dialled before national numbers, if no number of the plan begins so."""
    prefix = metadata_of(code, regions[0]).national_prefix or ""
    if not prefix:
        return ""
    for region in regions:
        for pattern in patterns_of(metadata_of(code, region), (*_OTHERS, *_SPECIAL)):
            for text in beginnings(pattern):
                if text.startswith(prefix) or prefix.startswith(text):
                    return ""
    return prefix


def written_prefix_of(region: str) -> str:
    """What stands before a national number where it is written without its country code."""
    if region == NOWHERE:
        return ""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.FIXED_LINE)
    example = example or phonenumbers.example_number(region)
    if example is None:
        return ""
    written = re.sub(r"\D", "", phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL))
    national = phonenumbers.national_significant_number(example)
    return written.removesuffix(national) if written.endswith(national) else ""


def international_prefix_of(code: int, region: str) -> str:
    """What is dialled before a number of another country; 00 where it is not one string of digits."""
    prefix = "" if region == NOWHERE else metadata_of(code, region).international_prefix or ""
    return prefix if prefix.isdigit() else "00"


def lines() -> Iterator[str]:
    """One line per country code."""
    for code, regions in sorted(
        phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items(), key=lambda each: str(each[0])
    ):
        groups: dict[str, list[str]] = {}
        for text, region in sorted(areas_of(code, regions).items()):
            groups.setdefault(region, []).append(text)
        for text, least in sorted(special_of(code, regions).items()):
            groups.setdefault(str(least), []).append(text)
        main = "-" if code == 1 else regions[0]
        words = [
            str(code),
            main,
            trunk_prefix_of(code, regions) or "-",
            written_prefix_of(regions[0]) or "-",
            international_prefix_of(code, regions[0]),
            *(f"{name}:{','.join(texts)}" for name, texts in sorted(groups.items())),
        ]
        yield " ".join(words)


SHORT_CODES: Final = ("000", "112", "911", "933", "999")
ADDRESS_TEST: Final = "933"
"""It reads a caller's address back, in the United States and Canada; the library does not know it there."""


def emergency_lines() -> Iterator[str]:
    """One line per emergency number: its countries."""
    for code in SHORT_CODES:
        regions = (
            ["CA", "US"]
            if code == ADDRESS_TEST
            else [each for each in sorted(phonenumbers.SUPPORTED_REGIONS) if is_emergency_number(code, each)]
        )
        yield f"{code} {','.join(regions)}"


HEAD: Final = '''"""The world's numbering plans, as calls are judged by them. Written by scripts/numbering.py.

One line a country code, a longer one goes on after a space: the code; its country, `-` where each area has
one of its own, 001 for a code of no country; the prefix dialled before national numbers, `-` where there is
none or some number begins so; the one written before them; the one dialled before those of other countries;
then beginnings of national numbers: `GG:1481,...`
of a country, `10:900,...` of premium and shared cost numbers with the fewest digits that such a number has.

EMERGENCY has one line an emergency number, with the countries where it is one.

From the data of libphonenumber {version} (Apache License 2.0).
"""

from typing import Final

PLANS: Final = """\\
'''


def text() -> str:
    """The whole module."""
    plans = "\n".join(_wrapped(lines()))
    emergency = "\n".join(_wrapped(emergency_lines()))
    return HEAD.format(version=phonenumbers.__version__) + plans + MIDDLE + emergency + '\n"""\n'


MIDDLE: Final = '''
"""
EMERGENCY: Final = """\\
'''


def _wrapped(lines: Iterable[str]) -> Iterator[str]:
    """The lines, each broken where it is too long: at a blank, or after a comma."""
    for line in lines:
        parts = textwrap.wrap(
            line.replace(",", ", "),
            108,
            subsequent_indent=" ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from (part.replace(", ", ",") for part in parts)


def main() -> int:
    """0 = done, or as it should be; 1 = it is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", action="store_true")
    group.add_argument("--check", action="store_true")
    wanted = text()
    if parser.parse_args().write:
        PLANS.write_text(wanted, encoding="utf-8")
        return 0
    if PLANS.read_text(encoding="utf-8") == wanted:
        return 0
    sys.stderr.write(f"{PLANS} is not what libphonenumber says: run make numbering\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
