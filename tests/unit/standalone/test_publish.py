"""Tables on disk: only what changed is written, the head last, and numbers that only rise."""

from __future__ import annotations

from pathlib import Path

import pytest

from sipedge.table import OLDEST_SCHEMA, SCHEMA, EdgeTable
from sipedge.table.publication import pack_parts, part_hash, unpack_head
from support.tables import Platform, make_account, make_trunk
from trunkline.standalone import publish as module
from trunkline.standalone.publish import EdgeDirectory, Published
from trunkline.standalone.state_files import write_atomically


def table(**changes: object) -> EdgeTable:
    """A table with one trunk, and one with another name if told so."""
    names = changes.get("trunks", ("acme/hq",))
    assert isinstance(names, tuple)
    return Platform(
        addresses=("192.0.2.1",), accounts=(make_account(),), trunks=tuple(make_trunk(name) for name in names)
    ).table()


class Publisher(EdgeDirectory):
    """Publishes whole tables."""

    def __init__(self, directory: Path, acknowledged: int = 0) -> None:
        super().__init__("ashburn", directory, acknowledged)

    def publish_table(self, table: EdgeTable, epoch: int = 1, schema: int = SCHEMA) -> Published:
        parts = pack_parts(table)
        digests = {name: part_hash(data) for name, data in parts.items()}
        return self.publish(digests, parts.__getitem__, epoch, schema)


def check_whole(directory: Path) -> int:
    """The head's sequence, after checking that it names exactly the parts that are there."""
    head = unpack_head((directory / "head").read_bytes())
    on_disk = {path.name: part_hash(path.read_bytes()) for path in (directory / "parts").iterdir()}
    assert on_disk == dict(head.parts)
    return head.sequence


def test_first_publication(tmp_path: Path) -> None:
    """Sequence 1, everything there, readable by its owner alone."""
    published = Publisher(tmp_path).publish_table(table())
    assert published.sequence == check_whole(tmp_path) == 1
    assert published.parts_written > 2
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()} == {0o600}


def test_same_table_writes_nothing(tmp_path: Path) -> None:
    """Not by the same publisher, nor by that of the next run."""
    Publisher(tmp_path).publish_table(table())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert Publisher(tmp_path).publish_table(table()) == module.Published(1, 0)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_only_changed_parts_are_written_and_old_ones_go(tmp_path: Path) -> None:
    """A second trunk writes its parts; its removal removes them; the sequence rises each time."""
    publisher = Publisher(tmp_path)
    first = publisher.publish_table(table())
    second = publisher.publish_table(table(trunks=("acme/hq", "acme/lab")))
    assert 0 < second.parts_written < first.parts_written
    assert check_whole(tmp_path) == 2
    assert publisher.publish_table(table()).sequence == 3
    assert check_whole(tmp_path) == 3


@pytest.mark.parametrize("damage", ("removed", "truncated"))
def test_damaged_parts_are_written_again(tmp_path: Path, damage: str) -> None:
    """Whatever happened to a part, the next run makes the publication whole."""
    Publisher(tmp_path).publish_table(table())
    part = next((tmp_path / "parts").iterdir())
    if damage == "removed":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[:-1])
    Publisher(tmp_path).publish_table(table())
    assert check_whole(tmp_path) == 2


def test_lost_head_does_not_count_from_one_again(tmp_path: Path) -> None:
    """Agents refuse older sequences: the next one is above what they have."""
    Publisher(tmp_path).publish_table(table())
    (tmp_path / "head").write_bytes(b"garbage")
    publisher = Publisher(tmp_path, acknowledged=41)
    assert publisher.next_sequence == 42
    assert publisher.publish_table(table()).sequence == check_whole(tmp_path) == 42


def test_epoch_is_that_of_the_first_head_and_rises_when_the_head_is_lost(tmp_path: Path) -> None:
    """An agent whose sequence nobody knows takes the new table nevertheless."""

    def epoch() -> int:
        return unpack_head((tmp_path / "head").read_bytes()).epoch

    Publisher(tmp_path).publish_table(table(), epoch=5)
    Publisher(tmp_path).publish_table(table(trunks=("acme/hq", "acme/lab")), epoch=6)
    assert epoch() == 5
    (tmp_path / "head").unlink()
    Publisher(tmp_path).publish_table(table(), epoch=7)
    assert epoch() == 7


def test_a_table_is_published_again_for_edges_that_read_another_schema(tmp_path: Path) -> None:
    """The parts are the same: only the head is written."""
    Publisher(tmp_path).publish_table(table())
    assert Publisher(tmp_path).publish_table(table(), schema=OLDEST_SCHEMA) == Published(2, 0)
    assert unpack_head((tmp_path / "head").read_bytes()).schema == OLDEST_SCHEMA


def test_head_is_written_after_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure at any write leaves the old head in force, and the next attempt succeeds."""
    publisher = Publisher(tmp_path)
    publisher.publish_table(table())
    old = (tmp_path / "head").read_bytes()
    real, wanted = write_atomically, table(trunks=("acme/hq", "acme/lab"))
    for failing in range(3):
        left = failing

        def failing_write(path: Path, data: bytes, mode: int = 0o600) -> None:
            nonlocal left
            if left == 0:
                raise OSError(28, "No space left on device")
            left -= 1
            real(path, data, mode)

        monkeypatch.setattr(module, "write_atomically", failing_write)
        with pytest.raises(OSError, match="No space"):
            publisher.publish_table(wanted)
        assert (tmp_path / "head").read_bytes() == old
        assert publisher.sequence == 1
    monkeypatch.setattr(module, "write_atomically", real)
    assert publisher.publish_table(wanted).sequence == check_whole(tmp_path) == 2
