"""Settings of the operator that are more than a word."""

from __future__ import annotations

import pytest

from trunkline.settings import SettingError, container_resources, uninstall_settings


def test_resources_are_read_as_the_chart_writes_them() -> None:
    """Quantities may be numbers, as in YAML; a container that is left out has its default."""
    assert container_resources('{"kamailio": {"limits": {"cpu": 2, "memory": "1Gi"}}}') == {
        "kamailio": {"limits": {"cpu": "2", "memory": "1Gi"}}
    }
    assert container_resources("") == {}


@pytest.mark.parametrize(
    "text",
    ("{", "[]", '{"sidecar": {}}', '{"agent": {"request": {}}}', '{"agent": {"limits": {"cpu": null}}}'),
)
def test_other_resources_are_refused_with_the_mend(text: str) -> None:
    """The option, what is wrong, and an example."""
    with pytest.raises(SettingError, match=r"^--edge-resources: .*: write as \{"):
        container_resources(text)


def test_an_uninstallation_needs_a_domain_only_where_it_wrote_records() -> None:
    """Without rfc2136 there is nothing below it."""
    assert uninstall_settings({}).edge_namespace == "trunkline-edges"
    told = {"TRUNKLINE_DNS_PROVIDER": "rfc2136", "TRUNKLINE_DNS_SERVER": "192.0.2.53"}
    with pytest.raises(SettingError, match="TRUNKLINE_BASE_DOMAIN"):
        uninstall_settings(told)
