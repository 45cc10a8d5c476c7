"""Run in a copy of the product with the sample kind: it is compiled, published, looked up and decided by."""

from __future__ import annotations

from sipedge.routing.decision import Forward, Reject
from sipedge.table import MemoryRows, Table
from sipedge.table.publication import pack_parts, rows_of
from support.calls import decide, make_request
from support.objects import (
    make_carrier,
    make_edge,
    make_number,
    make_origination_uri,
    make_resources,
    make_trunk,
)
from trunkline.api import decode
from trunkline.compiler import compile_resources

CARRIER = "127.0.9.1"


def main() -> None:
    manifest = {
        "apiVersion": "trunkline.dev/v1alpha1",
        "kind": "BlockedCaller",
        "metadata": {"name": "pest", "namespace": "acme"},
        "spec": {"number": "+12125550111"},
    }
    compiled = compile_resources(
        make_resources(
            decode(manifest),
            make_edge("ashburn"),
            make_carrier(),
            make_trunk("hq"),
            make_origination_uri("hq"),
            make_number("main", number="+14155550100", trunkRef={"name": "hq"}),
        )
    )
    (verdict,) = (each for each in compiled.verdicts if each.ref.kind == "BlockedCaller")
    assert verdict.status is True, verdict
    rows = rows_of(pack_parts(compiled.tables["ashburn"]).values())
    table = Table(MemoryRows.of_packed(rows))
    for caller, kind in (("+12125550111", Reject), ("+12125550112", Forward)):
        request = make_request(
            "sip:+14155550100@127.0.11.1", source=CARRIER, caller=f"<sip:{caller}@{CARRIER}>;tag=1"
        )
        decision = decide(table, request)
        assert isinstance(decision, kind), decision
    print("as expected")


if __name__ == "__main__":
    main()
