"""What `trunkline up` was asked for, checked."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sipedge.capacity import DEFAULT_CALLS_IN_PROGRESS, DEFAULT_CALLS_PER_SECOND, Capacity
from trunkline.plan.base_domain import base_domain_fault

DEFAULT_BASE_DOMAIN: Final = "trunkline.test"
DEFAULT_DNS: Final = "127.0.0.1:5300"
DEFAULT_DRAIN_SECONDS: Final = 5.0


class OptionError(ValueError):
    """An option cannot be used. The text names it, its value's fault and the mend."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The options of `trunkline up`, as given."""

    paths: Sequence[str | os.PathLike[str]]
    base_domain: str = DEFAULT_BASE_DOMAIN
    dns: str = DEFAULT_DNS
    resolver: str | None = None
    state_dir: str | os.PathLike[str] | None = None
    drain_seconds: float = DEFAULT_DRAIN_SECONDS
    calls_per_second: int = DEFAULT_CALLS_PER_SECOND
    calls_in_progress: int = DEFAULT_CALLS_IN_PROGRESS
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class CheckedOptions:
    """Options that can be used."""

    paths: tuple[str, ...]
    base_domain: str
    dns: Endpoint
    resolver: Endpoint | None
    state_dir: Path | None
    drain_seconds: float
    capacity: Capacity
    """Of each address of an Edge."""
    verbose: bool


def check_options(options: UpOptions) -> CheckedOptions:
    """The options in their right types. Raises OptionError."""
    if not options.paths:
        raise OptionError("PATH is missing: give a directory of YAML or a YAML file")
    if not 0 <= options.drain_seconds <= 86_400:
        raise OptionError(f"--drain {options.drain_seconds:g} is not between 0 and 86400 seconds")
    capacity = Capacity(options.calls_per_second, options.calls_in_progress)
    if fault := capacity.fault("--calls-per-second", "--calls-in-progress"):
        raise OptionError(fault)
    return CheckedOptions(
        paths=tuple(os.fspath(path) for path in options.paths),
        base_domain=check_domain(options.base_domain),
        dns=parse_endpoint("--dns", options.dns),
        resolver=None if options.resolver is None else parse_endpoint("--resolver", options.resolver),
        state_dir=None if options.state_dir is None else Path(options.state_dir),
        drain_seconds=float(options.drain_seconds),
        capacity=capacity,
        verbose=options.verbose,
    )


def check_domain(text: str) -> str:
    """The domain in lower case, without a dot at its end. Raises OptionError."""
    domain = text.lower().removesuffix(".")
    fault = base_domain_fault(domain)
    if fault:
        raise OptionError(f"--base-domain {text!r} {fault}")
    return domain


def parse_endpoint(option: str, text: str) -> Endpoint:
    """`ADDR:PORT`, IPv6 in brackets. Raises OptionError."""
    address, _, port = text.rpartition(":")
    try:
        parsed = ipaddress.ip_address(address.removeprefix("[").removesuffix("]"))
    except ValueError:
        parsed = None
    if parsed is None or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise OptionError(
            f"{option} {text!r} is no ADDR:PORT: write an address and a port, e.g. {DEFAULT_DNS}"
        )
    return Endpoint(str(parsed), int(port))
