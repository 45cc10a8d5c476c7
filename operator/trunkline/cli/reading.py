"""Files to a compilation: the first step of every command that reads them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trunkline.api import Platform
from trunkline.compiler import Compilation, compile_resources
from trunkline.standalone.load import Loaded, NoSuchPathError, load
from trunkline.standalone.options import DEFAULT_BASE_DOMAIN, OptionError, check_domain

STANDARD_INPUT: Final = "-"
INPUT_NAME: Final = "<stdin>"
"""How a finding calls the file that standard input is."""


class UsageError(Exception):
    """The command was asked something that has no answer; the text says what and the mend."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files hold, and what the compiler makes of it."""

    loaded: Loaded
    compilation: Compilation


def read(
    paths: Sequence[str], base_domain: str | None, *, stir_shaken: bool = False, media_relay: bool = True
) -> Reading:
    """Loads and compiles the files under `paths`, for a platform that signs calls or not, with a media relay
    or without. Raises UsageError for a path that names nothing."""
    return read_with({}, paths, base_domain, stir_shaken=stir_shaken, media_relay=media_relay)


def read_with(
    given: Mapping[str, bytes],
    paths: Sequence[str],
    base_domain: str | None,
    *,
    stir_shaken: bool = False,
    media_relay: bool = True,
) -> Reading:
    """As `read`, with YAML that is in no file, by the name that stands for it."""
    try:
        domain = domain_or_default(base_domain)
        platform = Platform(domain, stir_shaken=stir_shaken, media_relay=media_relay)
        loaded = load(paths, platform=platform, given=given)
    except NoSuchPathError as error:
        raise UsageError(str(error)) from error
    return Reading(loaded, compile_resources(loaded.resources))


def standard_input() -> dict[str, bytes]:
    """All of standard input, as `read_with` wants it."""
    return {INPUT_NAME: sys.stdin.buffer.read()}


def domain_or_default(base_domain: str | None) -> str:
    """The base domain in lower case; None = the default one. Raises UsageError for text that is none."""
    try:
        return check_domain(base_domain or DEFAULT_BASE_DOMAIN)
    except OptionError as error:
        raise UsageError(str(error)) from error
