"""What an uninstallation needs to know of the operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from trunkline.settings import OperatorSettings, SettingError, check_settings, settings_of, variable

_UNINSTALL: Final = (
    "system_namespace",
    "base_domain",
    "edge_namespace",
    *(each.name for each in fields(OperatorSettings) if each.name.startswith("dns_")),
)
"""What an uninstallation needs to know of the operator. No fault in any other setting may keep it up."""


def uninstall_settings(environment: Mapping[str, str]) -> OperatorSettings:
    """What an uninstallation needs to know of the operator, from its variables. Raises SettingError."""
    given = {name: environment[variable(name)] for name in _UNINSTALL if environment.get(variable(name))}
    if not given.get("base_domain"):
        if given.get("dns_provider", "none") != "none":
            raise SettingError(f"{variable('base_domain')} is missing: its DNS records are to be removed")
        # Without DNS records of ours the domain plays no part.
        given["base_domain"] = "trunkline.test"
    return check_settings(settings_of(given))
