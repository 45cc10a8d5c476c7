"""Writes the tables of docs/call-records.md from the classes of records and events.

python scripts/call_records.py --write    writes it;    --check    fails if it is not what it would write.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parent.parent
CALLS = ROOT / "edge" / "sipedge" / "calls"
PAGE = ROOT / "docs" / "call-records.md"
OF_RECORD: Final = ("AttemptMade", "Secure", "RecordingMade", "MediaOfParty", "Media")
OF_EVENTS: Final = (
    "Begun",
    "Refused",
    "Ringing",
    "AttemptFailed",
    "Answered",
    "Recorded",
    "Measured",
    "Ended",
    "Started",
    "Left",
)
KEYS, EVENTS, END = "<!-- keys -->", "<!-- events -->", "<!-- end -->"
"""What is written stands behind one of the first two, until the last."""


def main() -> int:
    """0 = written, or as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    text = page()
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)}")
    elif PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE.relative_to(ROOT)} is not up to date: make call-records", file=sys.stderr)
        return 1
    return 0


def page() -> str:
    """The page with its tables as they should be."""
    text = PAGE.read_text(encoding="utf-8")
    for mark, lines in ((KEYS, keys()), (EVENTS, events())):
        before, _, rest = text.partition(mark)
        after = rest.partition(END)[2]
        written = "\n".join(lines)
        text = f"{before}{mark}\n\n{written}\n\n{END}{after}"
    return text


def keys() -> list[str]:
    """The tables of a record."""
    record = _classes(CALLS / "record.py")
    lines = _table(record["Record"], ("`schema` | 1",))
    for name in OF_RECORD:
        lines += ["", f"**{_title(name)}**: {_said(record[name])}", "", *_table(record[name])]
    for name in ("Result", "EndReason", "Tag"):
        lines += ["", f"**`{name[0].lower()}{name[1:]}`**: {_said(record[name])}", "", *_words(record[name])]
    return lines


def events() -> list[str]:
    """The tables of events."""
    found, lines = _classes(CALLS / "events.py"), []
    for name in OF_EVENTS:
        word = f"{name[0].lower()}{name[1:]}"
        bases = [base for base in found[name].bases if isinstance(base, ast.Name)]
        more = f" All keys of `{bases[0].id[0].lower()}{bases[0].id[1:]}`, and:" if bases else ""
        lines += [f"**`{word}`**: {_said(found[name])}{more}", "", *_table(found[name]), ""]
    return lines[:-1]


_TITLES: Final = {
    "AttemptMade": "each of `attempts`",
    "Secure": "`secure`",
    "RecordingMade": "`recording`",
    "MediaOfParty": "each of `media`",
    "Media": "`media`",
}


def _title(name: str) -> str:
    return _TITLES[name]


def _classes(path: Path) -> dict[str, ast.ClassDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _said(node: ast.ClassDef) -> str:
    return " ".join((ast.get_docstring(node) or "").split())


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """Name, type and docstring of each field or member."""
    for statement, following in zip(node.body, [*node.body[1:], ast.Pass()], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, ast.unparse(statement.annotation), _text(following)
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            yield str(statement.value.value), "", _text(following)


def _text(node: ast.stmt) -> str:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    said = " ".join(str(node.value.value).split()) if is_text else ""  # type: ignore[attr-defined]
    return said.replace("|", "\\|").removesuffix(".")


def _table(node: ast.ClassDef, before: tuple[str, ...] = ()) -> list[str]:
    rows = [f"| {each} |" for each in before]
    for name, kind, said in _fields(node):
        word = _TYPES.get(kind.removesuffix(" | None"), "object")
        rows.append(f"| `{_key(name)}` | {word}{'. ' if said else ''}{said} |")
    return ["| key | |", "|---|---|", *rows]


_TYPES: Final = {
    "str": "text", "int": "number", "float": "number", "bool": "true or false", "Result": "a word, see below",
    "EndReason": "a word, see below", "EndedBy": "`caller`, `callee` or `edge`",
    "tuple[AttemptMade, ...]": "list of objects", "tuple[Tag, ...]": "list of words, see below",
}  # fmt: skip


def _words(node: ast.ClassDef) -> list[str]:
    rows = [f"| `{word}` | {said} |" for word, _, said in _fields(node)]
    return ["| word | |", "|---|---|", *rows]


def _key(field: str) -> str:
    first, *rest = field.rstrip("_").split("_")
    return first + "".join(word.title() for word in rest)


if __name__ == "__main__":
    sys.exit(main())
