"""The shell inside Kamailio decides nothing: each of its functions is there to touch Kamailio."""

from __future__ import annotations

import ast
from pathlib import Path

KEMI = Path(__file__).resolve().parents[2] / "edge" / "sipedge" / "kemi"
Functions = dict[str, set[str]]
"""Full names of functions to the full names that they mention."""


def functions() -> Functions:
    """Every function and method of kemi, methods by their class and name."""
    found: Functions = {}
    for path in sorted(KEMI.glob("*.py")):
        if path.stem not in ("__init__", "ksr"):
            found.update(_functions_of(path.stem, ast.parse(path.read_text())))
    return found


def _functions_of(module: str, tree: ast.Module) -> Functions:
    meaning = {"KSR": "KSR"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "sipedge.kemi":
            meaning |= {each.name: f"{each.name}." for each in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sipedge.kemi."):
            other = (node.module or "").rpartition(".")[2]
            if other != "ksr":
                meaning |= {each.name: f"{other}.{each.name}" for each in node.names}
    found: Functions = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            meaning[node.name] = f"{module}.{node.name}"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[f"{module}.{node.name}"] = _mentioned(node, meaning)
        elif isinstance(node, ast.ClassDef) and not _is_data(node):
            own = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    names = _mentioned(method, meaning)
                    names |= {f"{module}.{node.name}.{each}" for each in own & _attributes(method)}
                    found[f"{module}.{node.name}.{method.name}"] = names
    return found


def _is_data(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(each) for each in node.decorator_list)


def _attributes(function: ast.FunctionDef) -> set[str]:
    return {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}


def _mentioned(function: ast.FunctionDef, meaning: dict[str, str]) -> set[str]:
    names = {
        meaning[node.id] for node in ast.walk(function) if isinstance(node, ast.Name) and node.id in meaning
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            start = meaning.get(node.value.id, "")
            if start.endswith("."):
                names.add(start + node.attr)
    return names


def touching(found: Functions) -> set[str]:
    """Those that mention KSR, or what does."""
    known = {name for name, mentioned in found.items() if "KSR" in mentioned}
    while more := {name for name, mentioned in found.items() if name not in known and mentioned & known}:
        known |= more
    return known


FOR_OTHERS = {
    "routes.Routes.__init__": "reads the settings, before any message",
    "reader._folded": "of the header values that the walk reads",
    "calls._elapsed": "reads the clock",
    "events.EventWriter.__init__": "names the file, and says that Kamailio begins",
    "events.new_call_sid": "draws from the kernel",
    "events._never_up": "reads what `note_ending` has kept",
    "liveness.TargetProber.__init__": "an empty book",
    "probes.Prober.__init__": "an empty book",
    "routes.Routes._probe": "opens the table for it",
    "dialogs.held_token": "reads the clock",
    "journal._one_line": "of what is logged",
    "reader._Walk.__init__": "an empty walk",
    "tallies._Voice.__init__": "no socket yet",
    "tallies.tell": "words for the agent",
    "counting._Neighbours.__init__": "nothing is known yet",
    "relay.MediaRelay.__init__": "no socket yet",
    "relay._reason_of": "words of the client",
    "routes.Routes._call_room": "what each step of a call is done with",
    "routes.Routes._dialog_room": "what each step of a dialog is done with",
    "counting._Neighbours.read": "reads the clock",
}
"""What serves those that touch Kamailio and does not itself."""


def test_every_function_of_kemi_touches_kamailio() -> None:
    """What does not is a decision, and belongs to sipedge.routing."""
    found = functions()
    idle = set(found) - touching(found)
    assert sorted(idle - set(FOR_OTHERS)) == []
    assert sorted(set(FOR_OTHERS) - idle) == []
