"""A directory as source of revisions: only whole ones are offered, whatever is cut or flipped."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sipedge.agent.keeper import change_between
from sipedge.agent.source import DirectorySource
from sipedge.table import EdgeTable
from sipedge.table.publication import head_of, pack_parts, rows_of
from sipedge.table.revision import Staged
from support.tables import Platform, make_account, make_trunk


def table(*numbers: str) -> EdgeTable:
    accounts, trunks = [make_account()], [make_trunk()]
    return Platform(
        ["192.0.2.1"], accounts=accounts, trunks=trunks, numbers=dict.fromkeys(numbers, "acme/hq")
    ).table()


def write(
    directory: Path, sequence: int, content: EdgeTable, edge: str = "ashburn"
) -> tuple[bytes, dict[str, bytes]]:
    parts = pack_parts(content)
    (directory / "parts").mkdir(exist_ok=True)
    for name, data in parts.items():
        (directory / "parts" / name).write_bytes(data)
    head = head_of(edge, sequence, parts).pack()
    (directory / "head.new").write_bytes(head)
    (directory / "head.new").replace(directory / "head")
    return head, parts


def staged(directory: Path, edge: str = "ashburn") -> Staged | None:
    """What a source that knows nothing yet finds."""
    return DirectorySource(directory, edge).look().staged


def test_whole_revision_is_offered(tmp_path: Path) -> None:
    """Head and parts, as they were published."""
    _, parts = write(tmp_path, 3, table("+14155550100"))
    found = staged(tmp_path)
    assert found is not None
    assert (found.head.sequence, dict(found.parts)) == (3, parts)


def test_unchanged_source_gives_the_same_object_again(tmp_path: Path) -> None:
    """So that nothing is committed twice; a new revision is another object."""
    write(tmp_path, 1, table("+14155550100"))
    source = DirectorySource(tmp_path, "ashburn")
    first = source.look().staged
    assert source.look().staged is first
    write(tmp_path, 2, table("+14155550101"))
    second = source.look().staged
    assert second is not None
    assert second.head.sequence == 2


def test_head_cut_at_every_position_is_refused(tmp_path: Path) -> None:
    """No prefix of a head passes for a head."""
    head, _ = write(tmp_path, 1, table("+14155550100"))
    for length in range(len(head)):
        (tmp_path / "head").write_bytes(head[:length])
        offer = DirectorySource(tmp_path, "ashburn").look()
        assert offer.staged is None
        assert offer.fault is not None, length


def test_every_flipped_bit_of_a_head_is_refused(tmp_path: Path) -> None:
    """Above all one in the sequence: it would lock out every later revision."""
    head, _ = write(tmp_path, 1, table("+14155550100"))
    for position in range(len(head)):
        damaged = bytearray(head)
        damaged[position] ^= 1 << random.Random(position).randrange(8)
        (tmp_path / "head").write_bytes(damaged)
        assert staged(tmp_path) is None, position


def test_part_cut_at_every_position_is_refused(tmp_path: Path) -> None:
    """No prefix of a part passes for the part that the head names."""
    _, parts = write(tmp_path, 1, table("+14155550100"))
    for name, data in parts.items():
        for length in range(len(data)):
            (tmp_path / "parts" / name).write_bytes(data[:length])
            assert staged(tmp_path) is None, (name, length)
        (tmp_path / "parts" / name).write_bytes(data)
    assert staged(tmp_path) is not None


def test_flipped_bits_of_a_part_are_refused(tmp_path: Path) -> None:
    """One bit in each byte."""
    _, parts = write(tmp_path, 1, table("+14155550100"))
    for name, data in parts.items():
        for position in range(len(data)):
            damaged = bytearray(data)
            damaged[position] ^= 1 << (position % 8)
            (tmp_path / "parts" / name).write_bytes(damaged)
            assert staged(tmp_path) is None, (name, position)
        (tmp_path / "parts" / name).write_bytes(data)


def test_torn_revision_hides_the_one_before_it(tmp_path: Path) -> None:
    """Half of a new publication is there: neither is offered, and the keeper keeps what it has."""
    write(tmp_path, 1, table("+14155550100"))
    source = DirectorySource(tmp_path, "ashburn")
    assert source.look().staged is not None
    parts = pack_parts(table("+14155550101"))
    (tmp_path / "head").write_bytes(head_of("ashburn", 2, parts).pack())
    assert source.look().staged is None


@pytest.mark.parametrize("name", ("../../secret", "/etc/hostname", ".hidden"))
def test_name_of_a_part_does_not_lead_out_of_the_directory(tmp_path: Path, name: str) -> None:
    """A head is only bytes that somebody wrote."""
    published = tmp_path / "a" / "b"
    (published / "parts").mkdir(parents=True)
    (published / "parts" / ".hidden").write_bytes(b"x")
    (tmp_path / "secret").write_bytes(b"x")
    (published / "head").write_bytes(head_of("ashburn", 1, {name: b"x"}).pack())
    assert staged(published) is None


def test_change_touches_only_the_parts_that_differ(tmp_path: Path) -> None:
    """One number less and one more among hundreds: two rows, not hundreds."""
    numbers = [f"+1415555{number:04d}" for number in range(400)]
    write(tmp_path, 1, table(*numbers))
    source = DirectorySource(tmp_path, "ashburn")
    old = source.look().staged
    write(tmp_path, 2, table(*numbers[1:], "+442079460000"))
    new = source.look().staged
    assert old is not None
    assert new is not None
    change = change_between(old, new)
    put = {(section, key) for section, rows in change.put.items() for key in rows}
    delete = {(section, key) for section, keys in change.delete.items() for key in keys}
    assert put == {("number", b"+442079460000")}
    assert delete == {("number", b"+14155550000")}
    assert rows_of(new.parts.values())["number"].keys() >= {b"+442079460000"}  # type: ignore[index]
