"""When a finalizer is set and when it goes."""

from __future__ import annotations

import datetime

import pytest

from trunkline.plan.finalizers import FINALIZER, PATIENCE, Records, finalizers_patch, wanted_finalizers

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
JUST, LONG_AGO = "2026-01-01T11:59:00Z", (NOW - PATIENCE * 2).isoformat()
OTHER = "example.com/other"


def wanted(
    held: tuple[str, ...], records: Records, *, is_served: bool = True, deleted_at: str = ""
) -> tuple[str, ...]:
    return wanted_finalizers(held, records, is_served=is_served, deleted_at=deleted_at, now=NOW)


@pytest.mark.parametrize(
    ("records", "is_served", "deleted_at", "sets"),
    (
        (Records.WRITTEN, True, "", True),
        (Records.GONE, True, "", True),
        (Records.FOREIGN, True, "", False),
        (Records.ABANDONED, True, "", False),
        (Records.WRITTEN, False, "", False),
        (Records.WRITTEN, True, JUST, False),
    ),
)
def test_it_is_set_on_served_edges_by_whoever_writes_their_records(
    records: Records, is_served: bool, deleted_at: str, sets: bool
) -> None:
    """Never on one that ends, nor where there is nothing to wait for."""
    found = wanted((OTHER,), records, is_served=is_served, deleted_at=deleted_at)
    assert found == ((OTHER, FINALIZER) if sets else (OTHER,))


@pytest.mark.parametrize(
    ("records", "deleted_at", "goes"),
    (
        (Records.WRITTEN, "", False),
        (Records.WRITTEN, JUST, False),
        (Records.WRITTEN, LONG_AGO, True),
        (Records.WRITTEN, "yesterday", False),
        (Records.GONE, "", False),
        (Records.GONE, JUST, True),
        (Records.FOREIGN, "", False),
        (Records.FOREIGN, JUST, True),
        (Records.ABANDONED, "", True),
        (Records.ABANDONED, JUST, True),
    ),
)
@pytest.mark.parametrize("is_served", (True, False))
def test_it_goes_when_nothing_is_left_to_wait_for(
    records: Records, deleted_at: str, goes: bool, is_served: bool
) -> None:
    """With the last record, after ten minutes without a server, or with the product itself."""
    found = wanted((FINALIZER, OTHER), records, is_served=is_served, deleted_at=deleted_at)
    assert found == ((OTHER,) if goes else (FINALIZER, OTHER))


def test_a_patch_is_of_one_version_of_one_object() -> None:
    """A new Edge of the same name, or one changed meanwhile, is left alone; none is written as null."""
    assert finalizers_patch("u", "7", ()) == {
        "metadata": {"uid": "u", "resourceVersion": "7", "finalizers": None}
    }
    assert finalizers_patch("u", "7", (OTHER,))["metadata"]["finalizers"] == [OTHER]
