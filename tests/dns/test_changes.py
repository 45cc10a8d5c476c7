"""Pure: what has to change in a group of records, how it is batched, and how marks are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.dns.changes import GroupChange, batches, judge
from trunkline.dns.faults import DnsFault
from trunkline.dns.marks import Mark, group_of, group_record, key_from, member_of, read_mark
from trunkline.dns.patience import Patience
from trunkline.dns.providers.rfc2136.messages import update_of
from trunkline.dns.records import Key, is_equal, text_record
from trunkline.dns.server_names import host_and_port
from trunkline.plan.dns_records import RecordSet

BASE = "x.test"
NAMES = ("pstn.e.x.test", "*.pstn.e.x.test", "a1.sip.e.x.test")
RECORDS = [RecordSet(name, "A", 60, (f"192.0.2.{number}",)) for name in NAMES for number in (1, 2)]
KEYS: list[Key] = [(name, "A") for name in NAMES]

record_sets = st.dictionaries(st.sampled_from(NAMES), st.sampled_from((1, 2))).map(
    lambda chosen: {
        (name, "A"): RecordSet(name, "A", 60, (f"192.0.2.{number}",)) for name, number in chosen.items()
    }
)
marks = st.none() | st.builds(
    Mark,
    st.sampled_from(("me", "other", "")),
    st.frozensets(st.sampled_from([member_of(key, BASE) for key in KEYS])),
)


@given(wanted=record_sets, present=record_sets, mark=marks)
def test_change_leads_to_what_is_wanted_and_spares_the_rest(
    wanted: dict[Key, RecordSet], present: dict[Key, RecordSet], mark: Mark | None
) -> None:
    """Whatever stands there: ours becomes as wanted, others' stays, and the next look finds nothing to do."""
    held = present
    ours = {key_from(member, BASE) for member in mark.members} if mark and mark.owner == "me" else set()
    found = judge("e", "me", wanted, mark, held, BASE)
    after, new_mark = dict(held), mark
    if found.change is not None:
        for record in found.change.put:
            after[record.name, record.type] = record
        for key in found.change.drop:
            after.pop(key, None)
        new_mark = found.change.after
    for key in held.keys() - ours:
        assert after[key] == held[key], "a foreign record was touched"
    for key, record in wanted.items():
        assert key in found.foreign or after[key] == record
    for key in ours - wanted.keys():
        assert key not in after
    assert judge("e", "me", wanted, new_mark, after, BASE).change is None


@given(st.lists(st.integers(1, 40), max_size=30))
def test_batches_keep_order_and_size(sizes: list[int]) -> None:
    """No change is cut in two, and none is lost."""
    changes = [
        GroupChange(str(place), None, None, (), tuple(KEYS[:1] * size), ())
        for place, size in enumerate(sizes)
    ]
    found = list(batches(changes))
    assert [change for batch in found for change in batch] == changes
    assert all(sum(each.size for each in batch) <= 100 for batch in found)


def test_update_requires_what_was_read() -> None:
    """The mark as it was, and that nothing stands where a name is taken for the first time."""
    before = Mark("me", frozenset({"A pstn.e"}))
    change = GroupChange("e", before, before, (RECORDS[2],), (), (KEYS[1],))
    text = update_of(BASE, BASE, [change]).to_text()
    prerequisites = text.partition(";PREREQ")[2].partition(";UPDATE")[0]
    assert '_trunkline.e.x.test. 0 IN TXT "owner=me"' in prerequisites
    assert '_trunkline.e.x.test. 0 IN TXT "set=A pstn.e"' in prerequisites
    assert "*.pstn.e.x.test. NONE A" in prerequisites
    assert "*.pstn.e.x.test. NONE CNAME" in prerequisites


def test_marks_survive_the_zone() -> None:
    mark = Mark("id-1", frozenset({"A *.pstn.e", "SRV _sip._udp.pstn.e"}))
    assert read_mark(group_record(BASE, "e", mark)) == mark
    assert read_mark(None) is None
    foreign = text_record("x.test", 60, ("v=spf1 -all",))
    assert read_mark(foreign) == Mark("")


def test_order_and_spelling_make_no_difference() -> None:
    """A zone tells what it holds in its own order."""
    wanted = RecordSet("x.test", "SRV", 60, ("10 10 5060 a1.x.test.", "10 10 5060 a2.x.test."))
    assert is_equal(wanted, RecordSet("x.test", "SRV", 60, tuple(reversed(wanted.values))))
    assert is_equal(wanted, RecordSet("x.test", "SRV", 60, tuple(each.upper() for each in wanted.values)))
    assert not is_equal(wanted, RecordSet("x.test", "SRV", 61, wanted.values))
    assert not is_equal(wanted, RecordSet("x.test", "SRV", 60, wanted.values[:1]))
    assert not is_equal(wanted, None)


def test_groups() -> None:
    """Each label right below the base domain is one; what lies elsewhere is refused."""
    assert [group_of(name, BASE) for name in ("pstn.x.test", "*.pstn.x.test", NAMES[2])] == [
        "pstn",
        "pstn",
        "e",
    ]
    with pytest.raises(ValueError, match="does not lie below"):
        group_of("pstn.y.test", BASE)


@pytest.mark.parametrize(
    ("text", "place"),
    (
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("ns.x.test:5353", ("ns.x.test", 5353)),
        ("[2001:db8::1]:54", ("2001:db8::1", 54)),
        ("2001:db8::1", ("2001:db8::1", 53)),
    ),
)
def test_server_names(text: str, place: tuple[str, int]) -> None:
    assert host_and_port(text) == place


@pytest.mark.parametrize("text", ("", ":53", "x:dns", "x:0", "x:70000", "[::1]:x"))
def test_what_is_no_server_name(text: str) -> None:
    with pytest.raises(DnsFault, match="HOST:PORT"):
        host_and_port(text)


def test_patience_grows_and_ends_with_success() -> None:
    patience = Patience()
    waits = []
    for _ in range(8):
        patience.learn(False)
        waits.append(patience.seconds)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    patience.learn(True)
    assert patience.seconds == 30
    patience.learn(False)
    assert patience.seconds == 1
