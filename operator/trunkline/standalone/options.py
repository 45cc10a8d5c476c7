"""What `trunkline up` was asked for, checked."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sipedge.b2bua_settings import DEFAULT_RECOVERY_CALLS, read_speech_command, recovery_calls_fault
from sipedge.calls.otlp import read_endpoint
from sipedge.capacity import DEFAULT_CALLS_IN_PROGRESS, DEFAULT_CALLS_PER_SECOND, Capacity
from sipedge.contract import STIR_KEYS
from sipedge.rtpengine import rtpengine_program
from sipedge.secret import Secret
from trunkline.plan.base_domain import base_domain_fault
from trunkline.plan.caller_name_url import caller_name_url_fault
from trunkline.plan.recordings_url import recordings_url_fault

if TYPE_CHECKING:  # the command line's help reads the defaults here, and should not wait for pydantic
    from trunkline.api import Platform

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
    cnam_url: str | None = field(default=None, repr=False)
    stir_shaken_files: str | os.PathLike[str] | None = None
    metrics: str | None = None
    otlp_endpoint: str | None = None
    recordings_url: str | None = None
    recovery_calls: int = DEFAULT_RECOVERY_CALLS
    speech_command: str = ""


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
    platform: Platform
    dns: Endpoint
    resolver: Endpoint | None
    state_dir: Path | None
    drain_seconds: float
    capacity: Capacity
    """Of each address of an Edge."""
    verbose: bool
    stir_directory: Path | None = None
    """With what calls are signed; None = they are not."""
    metrics: Endpoint | None = None
    """Where Prometheus finds what the edges count."""
    otlp_endpoint: str | None = None
    """Where call records are sent by OTLP."""
    recordings_url: str | None = None
    """Where recordings go whose account says nothing of it; None = below the state directory."""
    recovery_calls: int = DEFAULT_RECOVERY_CALLS
    """Calls of an address that follow instructions at a time."""
    speech_command: str = ""
    """What speaks a language in place of espeak-ng; "" = nothing does."""

    @property
    def base_domain(self) -> str:
        """Of all names that the platform has."""
        return self.platform.base_domain


def check_options(options: UpOptions) -> CheckedOptions:
    """The options in their right types. Raises OptionError."""
    from trunkline.api import Platform

    if not options.paths:
        raise OptionError("PATH is missing: give a directory of YAML or a YAML file")
    if not 0 <= options.drain_seconds <= 86_400:
        raise OptionError(f"--drain {options.drain_seconds:g} is not between 0 and 86400 seconds")
    capacity = Capacity(options.calls_per_second, options.calls_in_progress)
    if fault := capacity.fault("--calls-per-second", "--calls-in-progress"):
        raise OptionError(fault)
    if fault := recovery_calls_fault(options.recovery_calls):
        raise OptionError(f"--recovery-calls {fault}")
    try:
        read_speech_command(options.speech_command)
    except ValueError as error:
        raise OptionError(f"--speech-command {error}") from None
    return CheckedOptions(
        paths=tuple(os.fspath(path) for path in options.paths),
        platform=Platform(
            check_domain(options.base_domain),
            caller_name_url=_check_caller_name_url(options.cnam_url),
            stir_shaken=options.stir_shaken_files is not None,
            media_relay=rtpengine_program() is not None,
        ),
        dns=parse_endpoint("--dns", options.dns),
        resolver=None if options.resolver is None else parse_endpoint("--resolver", options.resolver),
        state_dir=None if options.state_dir is None else Path(options.state_dir),
        drain_seconds=float(options.drain_seconds),
        capacity=capacity,
        metrics=None if options.metrics is None else parse_endpoint("--metrics", options.metrics),
        otlp_endpoint=check_otlp_endpoint(options.otlp_endpoint),
        recordings_url=_check_recordings_url(options.recordings_url),
        recovery_calls=options.recovery_calls,
        speech_command=options.speech_command,
        verbose=options.verbose,
        stir_directory=_check_stir_files(options.stir_shaken_files),
    )


def _check_caller_name_url(text: str | None) -> Secret | None:
    if text is None:
        return None
    if fault := caller_name_url_fault(text):
        raise OptionError(f"--cnam-url {fault}")
    return Secret(text)


def _check_recordings_url(text: str | None) -> str | None:
    if text and (fault := recordings_url_fault(text)):
        raise OptionError(f"--recordings-url {fault}")
    return text or None


def _check_stir_files(given: str | os.PathLike[str] | None) -> Path | None:
    if given is None:
        return None
    directory = Path(given).absolute()
    if lacking := [name for name in STIR_KEYS if not (directory / name).is_file()]:
        raise OptionError(
            f"--stir-shaken-files {os.fspath(given)!r} has no {' and no '.join(lacking)}: it must hold "
            "tls.crt, tls.key, x5u and ca.crt"
        )
    return directory


def check_otlp_endpoint(text: str | None) -> str | None:
    """The URL as it was given; None for none. Raises OptionError."""
    if not text:
        return None
    try:
        read_endpoint(text)
    except ValueError as error:
        raise OptionError(f"--otlp-endpoint: {error}") from error
    return text


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
            f"{option} {text!r} is not ADDR:PORT: write an address and a port, e.g. {DEFAULT_DNS}"
        )
    return Endpoint(str(parsed), int(port))
