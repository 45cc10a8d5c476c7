"""Tables that were published once must load for ever: bytes of each schema, kept as they were written.

`make golden` never rewrites kept bytes. It writes the readable rows beside them, and a table that is new.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sipedge.secret import Secret
from sipedge.table import SCHEMA, CarrierRow, CredentialRow, Section
from sipedge.table.codec import unpack_row
from sipedge.table.publication import head_of, pack_parts, part_hash, rows_of, unpack_head
from trunkline.cli.reading import read

HERE = Path(__file__).parent
TABLES = HERE / "tables"
KEPT = sorted(path.parent for path in TABLES.glob("v*/*/head"))
SOURCE = HERE / "compile" / "a-whole-small-platform.in.yaml"


def test_there_is_a_kept_table_of_the_present_schema(request: pytest.FixtureRequest) -> None:
    folder = TABLES / f"v{SCHEMA}" / "a-whole-small-platform"
    if request.config.getoption("--update-golden") and not folder.exists():
        write_table(folder)
    assert folder in sorted(path.parent for path in TABLES.glob("v*/*/head"))


def write_table(folder: Path) -> None:
    """Publishes the table of edge ashburn of the whole small platform as sequence 7."""
    table = read([str(SOURCE)], "trunkline.test").compilation.tables["ashburn"]
    parts = pack_parts(table)
    (folder / "parts").mkdir(parents=True)
    for name, data in parts.items():
        (folder / "parts" / name).write_bytes(data)
    (folder / "head").write_bytes(head_of("ashburn", 7, parts).pack())


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_a_kept_table_still_loads(folder: Path, golden: Callable[[Path, str], None]) -> None:
    head = unpack_head((folder / "head").read_bytes())
    parts = {path.name: path.read_bytes() for path in (folder / "parts").iterdir()}
    assert {name: part_hash(data) for name, data in parts.items()} == head.parts
    rows = {
        section.value: {
            key.decode(): readable(unpack_row(section, data)) for key, data in sorted(packed.items())
        }
        for section, packed in sorted(rows_of(parts.values()).items())
    }
    document = {"schema": head.schema, "edge": head.edge, "sequence": head.sequence, "rows": rows}
    golden(folder / "rows.yaml", yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))


def readable(row: Any) -> Any:
    """Rows as mappings; hashes of passwords by their type's own word."""
    match row:
        case Secret():
            return str(row)
        case tuple():
            return [readable(each) for each in row]
        case _ if hasattr(row, "__dataclass_fields__"):
            return {name: readable(getattr(row, name)) for name in row.__dataclass_fields__}
    return row


def test_kept_hashes_of_passwords_are_those_of_rfc_7616() -> None:
    """Redacted above, so compared here: MD5 of username:realm:password."""
    folder = TABLES / "v1" / "a-whole-small-platform"
    packed = rows_of(path.read_bytes() for path in (folder / "parts").iterdir())
    credential = unpack_row(Section.CREDENTIAL, packed[Section.CREDENTIAL][b"acme/users|pbx"])
    carrier = unpack_row(Section.CARRIER, packed[Section.CARRIER][b"telco-a"])
    assert isinstance(credential, CredentialRow)
    assert isinstance(carrier, CarrierRow)
    assert credential.ha1.reveal() == "3460ae07fca0221571c45e09329701cf"
    assert carrier.ha1 == Secret("fcaa95f21c1f73b11c64d6609a7ded57")
