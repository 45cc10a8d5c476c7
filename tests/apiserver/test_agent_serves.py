"""Edge pods on a real API server: what is published there is what callers get."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from apiserver.edge_calls import NUMBER, OTHER, answer_to, call, hang_up, is_served, parties, table
from apiserver.edge_pods import EDGE, SECONDS, EdgeNamespace, EdgePod
from sipedge.table.publication import head_object, part_hash, unpack_head
from support.addresses import Block

pytestmark = pytest.mark.apiserver

PATIENCE = 10
"""Seconds after which a pod that is behind gets no calls, and one without a table takes a torn one."""
CALLER = "+12125550199"


# ----------------------------------------------------------------------------------- tables


def test_published_secrets_lead_to_an_answered_call(pod: EdgePod, block: Block) -> None:
    """From Secrets that the operator's code wrote, through both containers, to a call."""
    with parties(block) as (carrier, pbx):
        hang_up(call(block, carrier, pbx), carrier, pbx)
    said = pod.said()
    assert (said["address"], said["revision"], said["ready"]) == (block.address(1), "1", "true")
    pod.until("nothing to tell", lambda: pod.page("/readyz") == (200, "ready: revision 1\n"))


def test_changed_number_is_served_and_acknowledged(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """Acknowledged means that Kamailio answers calls by it."""
    with parties(block) as (carrier, pbx):
        assert answer_to(block, carrier, OTHER) == 404
        namespace.publish(table(block, NUMBER, OTHER))
        pod.until_said(revision="2")
        hang_up(call(block, carrier, pbx, OTHER), carrier, pbx)


def test_change_reaches_the_edge_in_half_a_second(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """From the head in the API server to LMDB: the median of seven, or on a busy machine four of twenty."""
    taken: list[float] = []
    while len([each for each in taken if each < 0.5]) < 4:
        assert len(taken) < 20, taken
        sequence = namespace.publish(table(block, NUMBER, f"+141555502{len(taken):02}"))
        start = time.monotonic()
        pod.until("served", lambda: f"revision {sequence}:" in pod.log())  # noqa: B023 -- used at once
        taken.append(time.monotonic() - start)


def test_lease_is_written_at_most_once_a_second_and_renewed(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """Ten publications in a row, then silence: the API server hears of it once a second, then every ten."""
    versions = {pod.lease()["metadata"]["resourceVersion"]}
    began = time.monotonic()
    for turn in range(10):
        namespace.publish(table(block, NUMBER, f"+1415555030{turn}"))
        versions.add(pod.lease()["metadata"]["resourceVersion"])
    pod.until_said(revision="11")
    took = time.monotonic() - began
    versions.add(pod.lease()["metadata"]["resourceVersion"])
    assert len(versions) <= took + 2, (versions, took)

    def renewed() -> str:
        """Its next version: what changed within the last second is still to be said."""
        version = pod.lease()["metadata"]["resourceVersion"]
        pod.until("renewed", lambda: pod.lease()["metadata"]["resourceVersion"] != version)
        return str(pod.lease()["metadata"]["resourceVersion"])

    version = renewed()
    time.sleep(5.5)
    assert pod.lease()["metadata"]["resourceVersion"] == version
    renewed()


def test_pod_that_starts_waits_for_the_head_that_was_current(namespace: EdgeNamespace, block: Block) -> None:
    """An old table on the volume is not enough while a newer one is known."""
    with namespace.pod(block.address(1)) as pod:
        namespace.publish(table(block))
        pod.start()
        pod.until_said(revision="1", ready="true")
        pod.end_agent()
        sequence = namespace.publish(table(block, NUMBER, OTHER))
        pod.start_agent()
        pod.until("answers", lambda: pod.page("/readyz")[0])
        deadline = time.monotonic() + SECONDS
        while (said := pod.page("/readyz"))[0] != 200:
            assert time.monotonic() < deadline, said
        assert said[1] == f"ready: revision {sequence}\n", "never ready with the old one"


# --------------------------------------------------------------------------- torn publications


def damage(namespace: EdgeNamespace) -> None:
    """Overwrite a part, as a publication does that was never finished."""
    namespace.overwrite(namespace.part_with_numbers(), b"of another revision")


def test_torn_publication_does_not_disturb_who_has_a_table(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """Parts ahead of the head belong to a revision that is not published yet."""
    damage(namespace)
    time.sleep(PATIENCE + 1)
    assert pod.page("/readyz") == (200, "ready: revision 1\n")
    with parties(block) as (carrier, pbx):
        hang_up(call(block, carrier, pbx), carrier, pbx)


def test_new_pod_loads_a_torn_revision_after_ten_seconds_and_says_so(
    namespace: EdgeNamespace, block: Block
) -> None:
    """Better some numbers than none; it is not acknowledged as that revision, and heals."""
    namespace.publish(table(block, NUMBER, OTHER))
    namespace.publish(table(block, NUMBER, OTHER))
    damage(namespace)
    with namespace.pod(block.address(1)) as pod:
        began = time.monotonic()
        pod.start()
        pod.until_wrong("is not whole: part Secret")
        assert pod.page("/readyz")[0] == 503
        pod.until_ready()
        assert time.monotonic() - began > PATIENCE
        pod.until_wrong("revision 1 is in use although it is not whole")
        pod.until_said(revision="0", ready="true")
        time.sleep(PATIENCE + 1)
        assert pod.page("/readyz")[0] == 200
        with parties(block) as (carrier, pbx):
            served = [number for number in (NUMBER, OTHER) if is_served(block, carrier, pbx, number)]
            assert len(served) == 1
            sequence = namespace.publish(table(block, NUMBER, OTHER))
            pod.until_said(revision=str(sequence))
            assert all(is_served(block, carrier, pbx, number) for number in (NUMBER, OTHER))
        assert pod.page("/readyz") == (200, f"ready: revision {sequence}\n")


def test_pod_that_cannot_take_the_newest_revision_gets_no_calls_after_ten_seconds(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """A head whose part is no table: the last table stays, unready while the others may be ready."""
    publish_garbage(namespace)
    pod.until_wrong("revision 2: no part of a table")
    assert pod.page("/readyz")[0] == 200
    pod.until_unready()
    pod.until_wrong("revision 2 is published, 1 is in use")
    pod.until_said(ready="false", revision="1")
    with parties(block) as (carrier, pbx):
        hang_up(call(block, carrier, pbx), carrier, pbx)
    assert namespace.publish(table(block, NUMBER, OTHER)) == 3
    pod.until_said(ready="true", revision="3")


def publish_garbage(namespace: EdgeNamespace) -> None:
    """Publish a revision one of whose parts has the hash that the head says, and is no part."""
    part, content = namespace.part_with_numbers(), b"no part of a table"
    head = unpack_head(namespace.content(head_object(EDGE)))
    parts = {**head.parts, part.removeprefix("table-"): part_hash(content)}
    namespace.overwrite(part, content)
    newer = replace(head, sequence=head.sequence + 1, parts=parts)
    namespace.overwrite(head_object(EDGE), newer.pack())
