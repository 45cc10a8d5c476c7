"""Two thousand broken objects and Secrets of a tenant beside a running `up`: no other sees a difference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from api.whole_objects import WHOLE
from cluster.processes import wait_until
from sipedge.table.publication import rows_of
from support.addresses import Block
from support.garbage import SECRET_TEXTS, TENANT_KINDS, garbage_manifests, garbage_secrets
from support.running_up import RunningUp, running_up
from support.telephones import CARRIER, Telephones, edge_yaml, number_yaml, trunks_yaml

SEED: Final = 20_261_129
OBJECTS: Final = 2_000
FILES: Final = 20
LAST: Final = "ipaccesscontrollist/garbage.last.json"


def statuses(up: RunningUp) -> Mapping[str, Any]:
    """Every status that is not the garbage's, as it is stored, but for the revision that an Edge serves."""
    found = {
        str(path.relative_to(up.state)): json.loads(path.read_text(encoding="utf-8"))["status"]
        for path in sorted((up.state / "status").rglob("*.json"))
        if not path.name.startswith(("garbage.", "~"))
    }
    for status in found.values():
        for address in status.get("addresses", ()):
            del address["revision"]
    return found


def rows(up: RunningUp) -> Mapping[tuple[str, bytes], bytes]:
    """Every row that is not the garbage's, as it is published."""
    parts = [path.read_bytes() for path in sorted((up.state / "published").rglob("parts/*"))]
    return {
        (section, key): data
        for section, found in rows_of(parts).items()
        for key, data in found.items()
        if b"garbage" not in key + data
    }


def said(up: RunningUp) -> str:
    """All that was printed and logged."""
    logs = (path for path in up.state.rglob("*") if path.is_file() and path.suffix in (".log", ".json"))
    return "\n".join([*up.lines, *(path.read_text(encoding="utf-8", errors="replace") for path in logs)])


def test_other_tenants_rows_statuses_and_calls_stay(block: Block, phones: Telephones, tmp_path: Path) -> None:
    """The garbage is judged whole (the youngest of it has a status), and no password of it is logged."""
    manifests = tmp_path / "manifests"
    (manifests / "tenant").mkdir(parents=True)
    carrier = {"sourceRanges": [f"{block.address(CARRIER)}/32"]}
    telco = {"apiVersion": "trunkline.dev/v1alpha1", "kind": "Carrier", "metadata": {"name": "telco"}}
    platform = edge_yaml("ashburn", block, (1,)) + json.dumps({**telco, "spec": carrier})
    (manifests / "platform.yaml").write_text(platform)
    (manifests / "tenant" / "trunks.yaml").write_text(trunks_yaml(block))
    (manifests / "tenant" / "number.yaml").write_text(number_yaml("hq"))
    whole = [each for each in WHOLE if each["kind"] in TENANT_KINDS]
    garbage = [
        *garbage_secrets(SEED, ("acme-hq-pbx", "hq-pbx", "users", "s", "pw"), ("password", "p", "lab")),
        *garbage_manifests(SEED, whole, OBJECTS),
    ]
    with running_up(manifests, tmp_path / "state", block) as up:
        assert phones.ring(block.address(1)) == "hq"
        before, told = rows(up), statuses(up)
        for number in range(FILES):
            documents = (json.dumps(each, default=repr, skipkeys=True) for each in garbage[number::FILES])
            up.write(f"garbage/{number}.yaml", "\n---\n".join(documents))
        last = {"apiVersion": "trunkline.dev/v1alpha1", "kind": "IpAccessControlList"}
        metadata = {"name": "last", "namespace": "garbage"}
        up.write("garbage/last.yaml", json.dumps({**last, "metadata": metadata, "spec": {}}))
        wait_until("the garbage is judged", lambda: (up.state / "status" / LAST).exists(), 120)
        assert phones.ring(block.address(1)) == "hq"
        assert rows(up) == before
        assert statuses(up) == told
        assert not [line for line in said(up).split("\n") if any(text in line for text in SECRET_TEXTS)]
