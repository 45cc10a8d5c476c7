"""Two thousand broken objects and Secrets of one tenant on an API server whose CRDs take anything.

What an older or a bypassed schema lets in costs no other tenant a row, a status or a call.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from api.whole_objects import WHOLE
from apiserver.operators import CRDS, Platform, platform_on
from apiserver.quickstart import ADDRESSES, EDGE, custom, origination, quickstart
from cluster.apiserver import ApiServer, RefusedError
from sipedge.routing.decision import Forward
from support.garbage import SECRET_TEXTS, TENANT_KINDS, garbage_manifests, garbage_secrets
from trunkline.api import API_VERSION, GROUP, KINDS

pytestmark = pytest.mark.apiserver

SEED: Final = 20_261_129
OBJECTS: Final = 2_000
LEAST_STORED: Final = 1_500
"""Some of the garbage is not even JSON, or has a name that no schema decides about."""
LAX: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@pytest.fixture
def platform(operator_server: ApiServer, tmp_path: Path) -> Iterator[Platform]:
    """On an API server that judges no spec of a tenant; it is this module's own."""
    for kind in TENANT_KINDS:
        definition = yaml.safe_load((CRDS / f"{KINDS[kind].plural}.{GROUP}.yaml").read_text())
        version = definition["spec"]["versions"][0]
        version.pop("selectableFields", None)  # of a spec whose fields nobody knows
        schema = version["schema"]["openAPIV3Schema"]
        schema["properties"]["spec"] = LAX
        schema.pop("x-kubernetes-validations", None)
        operator_server.kubectl("replace", "-f", "-", given=json.dumps(definition))
    with platform_on(operator_server, tmp_path) as made:
        yield made


def put(server: ApiServer, namespace: str, manifest: Mapping[str, Any]) -> bool:
    """Create one piece of garbage, as it is; False if nothing can store that."""
    kind = manifest.get("kind")
    if kind == "Secret":
        path = f"/api/v1/namespaces/{namespace}/secrets"
    elif isinstance(kind, str) and kind in KINDS:
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/{KINDS[kind].plural}"
    else:
        return False
    given = {key: value for key, value in manifest["metadata"].items() if key != "creationTimestamp"}
    try:
        body = {**manifest, "metadata": {**given, "namespace": namespace}}
        server.request(path, method="POST", body=json.loads(json.dumps(body, skipkeys=True, allow_nan=False)))
    except (RefusedError, TypeError, ValueError):
        return False
    return True


def statuses(platform: Platform) -> dict[str, Any]:
    """Of the good tenant's objects."""
    return {
        f"{kind} {each['metadata']['name']}": each.get("status")
        for kind in TENANT_KINDS
        for each in platform.kubectl.get(KINDS[kind].plural)["items"]
    }


def rows(platform: Platform) -> dict[tuple[str, bytes], bytes]:
    """Every row of the good tenant's."""
    own = platform.tenant.encode()
    return {
        (section, key): data
        for section, found in platform.table(EDGE).rows.items()
        for key, data in found.items()
        if own in key + data and section != "site"
    }


def is_judged(platform: Platform, namespace: str, name: str) -> bool:
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/ipaccesscontrollists/{name}"
    conditions = json.loads(platform.server.request(path)).get("status", {}).get("conditions", [])
    return any(each["type"] == "Accepted" and each["status"] != "Unknown" for each in conditions)


def test_other_tenants_rows_statuses_and_calls_stay(platform: Platform) -> None:
    """The garbage may claim whatever the good tenant has, and comes later. No password of it is logged."""
    namespace = f"garbage-{secrets.token_hex(4)}"
    platform.server.kubectl("create", "namespace", namespace)
    account = {"namespaces": [namespace], "numberPrefixes": ["+"], "domainNames": ["*"]}
    operator = platform.start(tenant_namespaces=f"{platform.tenant},{namespace}")
    platform.kubectl.apply(*quickstart(platform.tenant), custom("Account", namespace, account))
    platform.wait_for("a table", lambda: platform.table(EDGE))

    def is_ready() -> bool:
        platform.acknowledge(EDGE, 0, platform.table(EDGE).sequence, address=ADDRESSES[0])
        return platform.condition("trunk", "hq", "Ready").get("status") == "True"

    platform.wait_for("the trunk", is_ready)
    before, told = rows(platform), statuses(platform)
    whole = [each for each in WHOLE if each["kind"] in TENANT_KINDS]
    garbage = [
        *garbage_secrets(SEED, ("acme-hq-pbx", "hq-pbx", "users", "s", "pw"), ("password", "p", "lab")),
        *garbage_manifests(SEED, whole, OBJECTS),
    ]
    with ThreadPoolExecutor(8) as pool:
        stored = sum(pool.map(lambda each: put(platform.server, namespace, each), garbage))
    assert stored >= LEAST_STORED
    last = {
        "kind": "IpAccessControlList",
        "apiVersion": API_VERSION,
        "metadata": {"name": "last"},
        "spec": {},
    }
    assert put(platform.server, namespace, last)
    platform.wait_for("the last of it is judged", lambda: is_judged(platform, namespace, "last"), 60)
    # Between a part and its head there is no whole table.
    platform.wait_for("a whole table", lambda: platform.table(EDGE))
    assert isinstance(platform.table(EDGE).decide(origination()), Forward)
    platform.wait_for("the same rows", lambda: rows(platform) == before)
    assert statuses(platform) == told
    log = operator.log.read_text(errors="replace")
    assert not [line for line in log.split("\n") if any(text in line for text in SECRET_TEXTS)]
    assert "InternalError" not in log
    assert operator.process.poll() is None
