"""Files to a compilation: the first step of every command that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.compiler import Compilation, compile_resources
from trunkline.standalone.load import Loaded, NoSuchPathError, load
from trunkline.standalone.options import DEFAULT_BASE_DOMAIN, OptionError, check_domain


class UsageError(Exception):
    """The command was asked something that has no answer; the text says what and the mend."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files hold, and what the compiler makes of it."""

    loaded: Loaded
    compilation: Compilation


def read(paths: Sequence[str], base_domain: str | None) -> Reading:
    """Loads and compiles the files under `paths`. Raises UsageError for a path that names nothing."""
    try:
        loaded = load(paths, base_domain=domain_or_default(base_domain))
    except NoSuchPathError as error:
        raise UsageError(str(error)) from error
    return Reading(loaded, compile_resources(loaded.resources))


def domain_or_default(base_domain: str | None) -> str:
    """The base domain in lower case; None = the default one. Raises UsageError for text that is none."""
    try:
        return check_domain(base_domain or DEFAULT_BASE_DOMAIN)
    except OptionError as error:
        raise UsageError(str(error)) from error
