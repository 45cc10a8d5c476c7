"""Settings of the operator that are more than a word."""

from __future__ import annotations

import dataclasses

import pytest

from trunkline.dns.providers import PROVIDERS
from trunkline.plan.container_resources import container_resources
from trunkline.settings import (
    DNS_PROVIDERS,
    OperatorSettings,
    SettingError,
    check_settings,
    options,
    settings_of,
    variable,
)
from trunkline.uninstall_settings import uninstall_settings


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
    with pytest.raises(SettingError, match=r"^--edge-resources: .*: write (as \{|kamailio, agent, b2bua)"):
        check_settings(OperatorSettings(base_domain="voice.example", edge_resources=text))


def test_what_no_edge_pod_could_have_is_refused_by_its_option() -> None:
    """The option, the place in its value, and how to write it."""
    given = OperatorSettings(base_domain="voice.example", edge_pods='{"labels": {"a": "b c"}}')
    with pytest.raises(SettingError, match=r"^--edge-pods: labels\.a: .*: write each field as in a pod's "):
        check_settings(given)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    (
        ("edge_calls_per_second", 0, "--edge-calls-per-second 0 is not between 1 and 10000"),
        ("edge_calls_per_second", 10_001, "--edge-calls-per-second 10001 is not between 1 and 10000"),
        ("edge_calls_in_progress", 0, "--edge-calls-in-progress 0 is not between 1 and 1000000"),
        ("edge_calls_in_progress", 1_000_001, "--edge-calls-in-progress 1000001 is not between"),
        ("edge_calls_in_progress", 1_000_000, "--edge-calls-per-second 200 and .* lower one of them"),
    ),
)
def test_calls_that_no_edge_pod_can_be_made_for_are_refused(name: str, value: int, fault: str) -> None:
    """By the operator, before any pod would be restarted for them."""
    with pytest.raises(SettingError, match=f"^{fault}"):
        check_settings(settings_of({"base_domain": "voice.example", name: value}))


def test_numbers_are_read_from_the_text_of_a_variable() -> None:
    """A pod's variables are text."""
    assert settings_of({"base_domain": "voice.example", "metrics_port": "80"}).metrics_port == 80
    with pytest.raises(SettingError, match=r"^TRUNKLINE_METRICS_PORT 'x' is not a whole number$"):
        settings_of({"base_domain": "voice.example", "metrics_port": "x"})


def test_calls_that_fill_all_the_memory_that_kamailio_can_use() -> None:
    """Up to there an edge may grow."""
    check_settings(settings_of({"base_domain": "voice.example", "edge_calls_per_second": 4_895}))


def test_an_uninstallation_needs_a_domain_only_where_it_wrote_records() -> None:
    """Without rfc2136 there is nothing below it."""
    assert uninstall_settings({}).edge_namespace == "trunkline-edges"
    told = {"TRUNKLINE_DNS_PROVIDER": "rfc2136", "TRUNKLINE_DNS_SERVER": "192.0.2.53"}
    with pytest.raises(SettingError, match="TRUNKLINE_BASE_DOMAIN"):
        uninstall_settings(told)


def test_what_no_option_gives_has_the_default_of_the_settings() -> None:
    """What an option shows as its default is what the settings come to with it."""
    given = {each.name: each.default for each in options() if each.default is not None}
    assert settings_of({"base_domain": "voice.example", **given}) == OperatorSettings("voice.example")


def test_lists_and_the_domain_are_read_as_people_write_them() -> None:
    """Commas with blanks around them, capitals, the dot at the end of a name."""
    found = settings_of({"base_domain": "Voice.Example.", "tenant_namespaces": " acme, globex,,"})
    assert (found.base_domain, found.tenant_namespaces) == ("voice.example", ("acme", "globex"))


def test_every_setting_has_an_option_or_is_told_by_the_pod() -> None:
    """By names that follow from the field's."""
    named = {each.name: (each.flag, variable(each.name)) for each in options()}
    assert named["dns_tsig_secret"] == ("--dns-tsig-secret", "TRUNKLINE_DNS_TSIG_SECRET")
    assert {each.name for each in dataclasses.fields(OperatorSettings)} - set(named) == {
        "system_namespace",
        "holder",
        "service_account",
    }
    told = [variable(name) for name in ("system_namespace", "holder", "service_account")]
    assert told == ["POD_NAMESPACE", "POD_NAME", "POD_SERVICE_ACCOUNT"]
    assert all(each.help for each in options())


def test_each_dns_provider_that_can_be_named_is_there() -> None:
    """Settings know the names alone, so that help needs no DNS library."""
    assert tuple(PROVIDERS) == DNS_PROVIDERS


@pytest.mark.parametrize(
    ("provider", "option"), (("rfc2136", "--dns-server"), ("externalDns", "--dns-external-dns-namespace"))
)
def test_what_a_dns_provider_cannot_do_without_is_asked_for(provider: str, option: str) -> None:
    given = {"base_domain": "voice.example", "dns_provider": provider}
    with pytest.raises(SettingError, match=f"^{option} is missing: --dns-provider {provider} needs it$"):
        check_settings(settings_of(given))


def test_an_unknown_dns_provider_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SettingError, match="write none, rfc2136 or externalDns"):
        check_settings(settings_of({"base_domain": "voice.example", "dns_provider": "route53"}))
