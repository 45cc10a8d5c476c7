"""YAML is read as kubectl reads it, with the line of every field, and no text breaks the reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.standalone.yaml_documents import MOST_DOCUMENTS, MOST_MARKS, read_documents, scalar_value


@pytest.mark.parametrize(
    ("text", "value"),
    (
        ("hello", "hello"),
        ("y", True),
        ("No", False),
        ("off", False),
        ("TRUE", True),
        ("yEs", "yEs"),
        ("~", None),
        ("Null", None),
        ("", None),
        ("+14155550100", 14155550100),
        ("14155550100", 14155550100),
        ("-7", -7),
        ("0", 0),
        ("010", 8),
        ("0o10", 8),
        ("0x1F", 31),
        ("0b101", 5),
        ("1_000", 1000),
        ("089", 89),
        ("10.5", 10.5),
        ("10.0", 10),
        ("1e3", 1000),
        (".5", 0.5),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("12:30:45", "12:30:45"),
        ("127.0.0.1", "127.0.0.1"),
        ("1.2.3", "1.2.3"),
        ("203.0.113.0/29", "203.0.113.0/29"),
        ("-", "-"),
        ("+", "+"),
        ("0x", "0x"),
        ("99999999999999999999999", 99999999999999999999999.0),
    ),
)
def test_unquoted_scalar(text: str, value: object) -> None:
    """What go-yaml v2 makes of it, and so what an API server would be sent."""
    found = scalar_value(text)
    assert found == value
    assert type(found) is type(value)


def test_quoted_scalars_are_text() -> None:
    """Quotes and block scalars switch all of that off."""
    (document,), faults = read_documents("a: \"y\"\nb: '+1415'\nc: |\n  no\nd: !!str 5\n")
    assert faults == ()
    assert document.value == {"a": "y", "b": "+1415", "c": "no\n", "d": "5"}


def test_keys_become_text() -> None:
    """JSON has no other keys."""
    (document,), _ = read_documents("1: a\ny: b\n~: c\n")
    assert document.value == {"1": "a", "true": "b", "null": "c"}


def test_every_field_has_its_line() -> None:
    """Paths as messages show them, lines counted in the file and not in the document."""
    text = (
        "# one\n---\na: 1\n---\nkind: Carrier\nspec:\n  gateways:\n  - host: x\n    port: 1\n  - {host: y}\n"
    )
    (_, document), _ = read_documents(text)
    assert document.line == 5
    assert document.line_of("spec.gateways[0].port") == 9
    assert document.line_of("spec.gateways[1].host") == 10
    assert document.line_of("spec.gateways[1].weight.deeper[3]") == 10
    assert document.line_of("spec.nothing") == 6
    assert document.line_of("nothing") == 5


def test_broken_document_costs_only_itself() -> None:
    """The documents around it are read; the fault has the line in the file."""
    documents, faults = read_documents("a: 1\n---\nb: [\n---\nc: 3\n")
    assert [document.value for document in documents] == [{"a": 1}, {"c": 3}]
    assert [fault.line for fault in faults] == [4]


def test_three_dashes_inside_a_block_of_text_are_text() -> None:
    """Only at the beginning of a line do they end a document."""
    (document,), faults = read_documents("a: |\n  x\n  ---\n  y\n")
    assert faults == ()
    assert document.value == {"a": "x\n---\ny\n"}


def test_members_of_a_list_are_documents() -> None:
    """As `kubectl get -o yaml` prints several objects; nested lists too."""
    inner = "- kind: List\n  items:\n  - kind: B\n    spec: {x: 1}\n"
    text = f"apiVersion: v1\nkind: List\nitems:\n- kind: A\n{inner}"
    documents, _ = read_documents(text)
    assert [document.value for document in documents] == [{"kind": "A"}, {"kind": "B", "spec": {"x": 1}}]
    assert documents[1].line_of("spec.x") == 8


@pytest.mark.parametrize(
    ("text", "said"),
    (
        ("a: 1\nb: 2\na: 3\n", "'a' appears twice"),
        ("spec: {x: 1, x: 2}\n", "'x' appears twice"),
        ("a:\n\t- b\n", "spaces, not tabs"),
        ("a: b: c\n", "in quotes"),
        ("a: !!python/object:os.system x\n", "tag"),
        ("a: !!binary aGk=\n", "tag"),
        ("a: \x01\n", "not allow"),
        ("? [a]\n: b\n", "a key must be text"),
        ("<<: 5\n", "merges only mappings"),
        ("a: *nobody\n", "undefined alias"),
        ("[" * 5000, "broken YAML"),
        ("a: " + "[" * 200 + "]" * 200, "nested too deeply"),
        ("&a [*a]\n", "nested too deeply"),
    ),
)
def test_fault(text: str, said: str) -> None:
    """Each is one fault that says what is wrong; nothing is raised."""
    documents, faults = read_documents(text)
    assert documents == ()
    assert len(faults) == 1
    assert said in faults[0].message


def test_merge_keys() -> None:
    """Own fields win over merged ones, and a merged field is no duplicate."""
    (document,), faults = read_documents("base: &b {u: 1, v: 2}\nmine:\n  <<: *b\n  u: 3\n")
    assert faults == ()
    assert document.value == {"base": {"u": 1, "v": 2}, "mine": {"u": 3, "v": 2}}


def test_aliases_cannot_eat_the_memory() -> None:
    """The billion laughs are a fault, and soon."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    documents, faults = read_documents("\n".join(lines))
    assert documents == ()
    assert "alias" in faults[0].message


def test_lists_of_lists_cannot_eat_the_time() -> None:
    """A List that holds itself, or unfolds to billions of objects, costs its document alone."""
    lists = ["a: &a {kind: List, items: [{}, {}]}"]
    for last, name in zip("abcdefgh", "bcdefghi", strict=True):
        lists.append(f"{name}: &{name} {{kind: List, items: [{', '.join([f'*{last}'] * 9)}]}}")
    bomb = "\n".join([*lists, "kind: List", "items: [*i]"])
    deep = "{kind: List, items: [" * 200 + "{a: 1}" + "]}" * 200
    text = f"good: 1\n---\n{bomb}\n---\n{deep}\n---\n&x {{kind: List, items: [*x]}}\n---\nalso: good\n"
    documents, faults = read_documents(text)
    assert [document.value for document in documents] == [{"good": 1}, {"also": "good"}]
    assert [fault.line for fault in faults] == [3, 15, 17]


@pytest.mark.parametrize(
    "text",
    (
        "---\n{}\n" * (MOST_DOCUMENTS + 2),
        "a: 1\n" * (MOST_MARKS // 2 + 1),
        "[" + "1," * (MOST_MARKS + 1) + "]",
        "{" + ",".join(f"k{number}" for number in range(MOST_MARKS + 2)) + "}",
    ),
    ids=("documents", "keys", "members", "keys in a row"),
)
def test_a_file_of_too_much_is_refused_before_it_is_read(text: str) -> None:
    documents, (fault,) = read_documents(text)
    assert documents == ()
    assert "split it into several files" in fault.message


def test_a_document_of_comments_is_nothing() -> None:
    """Empty documents and directives are no objects."""
    documents, faults = read_documents("# only\n---\n---\n# comments\n")
    assert faults == ()
    assert [document.value for document in documents] in ([], [None], [None, None])


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    """Any text gives documents and faults."""
    read_documents(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="ascii")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_json_is_read_as_itself(value: object) -> None:
    """YAML holds JSON: what an API server would see is what is read here."""
    (document,), faults = read_documents(json.dumps({"kind": "X", "value": value}))
    assert faults == ()
    assert document.value == {"kind": "X", "value": value}
