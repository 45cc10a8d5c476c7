"""Values that cannot be meant are refused before anything is installed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

REFUSED: dict[str, dict[str, Any]] = {
    "basedomain": {"basedomain": "voice.example"},
    "baseDomain": {"baseDomain": "Voice Example"},
    "baseDomain/address": {"baseDomain": "192.0.2.1"},
    "tenantNamespaces": {"tenantNamespaces": "acme"},
    "tenantNamespaces/0": {"tenantNamespaces": ["Acme"]},
    "edgeNamespace": {"edgeNamespace": "a_b"},
    "edgeNamespacePodSecurity": {"edgeNamespacePodSecurity": "none"},
    "deniedTargetCidrs/0": {"deniedTargetCidrs": ["10.0.0.0"]},
    "dns/provider": {"dns": {"provider": "route53"}},
    "dns/rfc2136": {"dns": {"provider": "rfc2136"}},
    "dns/externalDns": {"dns": {"provider": "externalDns"}},
    "dns/externalDns/namespace": {"dns": {"externalDns": {"namespace": "External DNS"}}},
    "dns/rfc2136/port": {"dns": {"rfc2136": {"port": 0}}},
    "tsigSecret": {"dns": {"rfc2136": {"tsigSecret": "x"}}},
    "pullPolicy": {"edge": {"image": {"pullPolicy": "Sometimes"}}},
    "edge/callsPerSecond": {"edge": {"callsPerSecond": 10001}},
    "edge/callsInProgress": {"edge": {"callsInProgress": 0}},
    "edge/recoveryCalls": {"edge": {"recoveryCalls": -1}},
    "resource": {"operator": {"resource": {}}},
    "limit": {"operator": {"resources": {"limit": {}}}},
    "imagePullSecrets/0": {"operator": {"imagePullSecrets": ["registry"]}},
    "crds/keep": {"crds": {"keep": "yes"}},
    "serviceMonitor/interval": {"monitoring": {"serviceMonitor": {"interval": "often"}}},
}
"""By a part of what the refusal must say."""


@pytest.mark.parametrize("where", REFUSED)
def test_refused(run_helm: Callable[..., subprocess.CompletedProcess[str]], where: str) -> None:
    """Unknown names, wrong types, values out of range: the refusal says where."""
    done = run_helm("template", "trunkline", values=REFUSED[where])
    assert done.returncode != 0
    assert where.removesuffix("/address") in done.stderr


def test_accepted(run_helm: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Everybody's Secrets, no denied networks, IPv6."""
    values = {"tenantNamespaces": ["*"], "deniedTargetCidrs": [], "edge": {"image": {"tag": "1.2.3"}}}
    for each in (values, {"deniedTargetCidrs": ["2001:db8::/32"]}):
        done = run_helm("template", "trunkline", values=each)
        assert done.returncode == 0, done.stderr
