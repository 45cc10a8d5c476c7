"""An object at which our own code fails is tried again once something that it asks has changed."""

from __future__ import annotations

from typing import Any

import pytest

from support.objects import make_ip_access_control_list, make_trunk
from trunkline.api import AnyResource, Platform
from trunkline.compiler import ConditionReason, trunks
from trunkline.compiler.delta import Delta, InputChanges, Surroundings
from trunkline.compiler.running import RunningCompiler

TRUNK = make_trunk(termination={"domainName": "acme", "ipAccessControlListRefs": [{"name": "hq-sbc"}]})


def told(compiler: RunningCompiler, *things: AnyResource) -> Delta:
    return compiler.update(InputChanges({thing.ref: thing for thing in things}))


def reasons(delta: Delta) -> list[ConditionReason]:
    return [each.reason for each in delta.verdicts.get(TRUNK.ref, ())]


def test_what_failed_is_tried_again_when_its_list_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    real, tries = trunks._united, []

    def broken(entries: Any) -> Any:
        found = real(entries)
        tries.append(found)
        if found == ("203.0.113.0/29",):
            raise TypeError
        return found

    monkeypatch.setattr(trunks, "_united", broken)
    compiler = RunningCompiler(Surroundings(Platform("trunkline.test", open_account=True)))
    first = told(compiler, TRUNK, make_ip_access_control_list())
    assert reasons(first) == [ConditionReason.INTERNAL_ERROR]
    assert [each.ref for each in first.faults] == [TRUNK.ref]
    tries.clear()
    assert told(compiler, make_trunk("lab")).faults == (), "it is told once"
    assert not tries, "nothing that it asks has changed"
    mended = told(compiler, make_ip_access_control_list(generation=2, entries=[{"cidr": "192.0.2.1"}]))
    assert ConditionReason.ACCEPTED in reasons(mended)
    again = told(compiler, make_ip_access_control_list(generation=3))
    assert reasons(again) == [ConditionReason.INTERNAL_ERROR]
    assert [each.ref for each in again.faults] == [TRUNK.ref]
    assert not any("acme" in key for _, key in compiler.update(InputChanges({})).shared)
