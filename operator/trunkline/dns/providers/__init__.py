"""Every provider of DNS records by the name that settings give it. They know nothing of one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.dns.provider import Build, Installation, Provider
from trunkline.dns.providers.by_hand import build as by_hand
from trunkline.dns.providers.external_dns import build as external_dns
from trunkline.dns.providers.rfc2136.provider import build as rfc2136
from trunkline.settings import OperatorSettings

PROVIDERS: Final[Mapping[str, Build]] = {
    "none": by_hand,
    "rfc2136": rfc2136,
    "externalDns": external_dns,
}


def build_provider(settings: OperatorSettings, installation: Installation) -> Provider:
    """The one that checked settings name."""
    return PROVIDERS[settings.dns_provider](settings, installation)
