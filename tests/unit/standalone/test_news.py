"""What `up` tells of an edit is what holds: no more than the compiler has made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.compiler.delta import Surroundings
from trunkline.compiler.running import RunningCompiler
from trunkline.reconcile.home import Sight
from trunkline.reconcile.place import Publication
from trunkline.standalone.load import Loaded, load
from trunkline.standalone.manifests import Edit, changes_between
from trunkline.standalone.narrator import Narrator
from trunkline.standalone.news import News


class Told:
    """An `up` without edges: its files are edited, its lines kept."""

    def __init__(self, folder: Path) -> None:
        self.lines: list[str] = []
        self._folder, self._loaded = folder, load([folder])
        self._compiler = RunningCompiler(Surroundings(self._loaded.resources.platform))
        self._news = News(Narrator(self.lines.append), "here")
        self._pass(None, self._loaded)
        self._news.report(Sight(), (), True, self._loaded)
        self.lines.clear()

    def edit(self, text: str) -> list[str]:
        (self._folder / "number.yaml").write_text(text)
        before, self._loaded = self._loaded, load([self._folder], previous=self._loaded)
        self._pass(before, self._loaded)
        self._news.report(Sight(), (), True, self._loaded)
        told, self.lines[:] = list(self.lines), []
        return told

    def _pass(self, before: Loaded | None, now: Loaded) -> None:
        self._news.read(Edit(before, now, 0.0))
        delta = self._compiler.update(changes_between(before.resources if before else None, now.resources))
        self._news.published(self._news.compiled(delta, now), Publication())


def number(value: str, trunk: str) -> str:
    reference = f", trunkRef: {{name: {trunk}}}" if trunk else ""
    return (
        "apiVersion: trunkline.dev/v1alpha1\nkind: Number\nmetadata: {name: main-line, namespace: acme}\n"
        f'spec: {{number: "{value}"{reference}}}\n'
    )


@pytest.fixture
def told(tmp_path: Path) -> Told:
    (tmp_path / "trunks.yaml").write_text(
        "".join(
            "---\napiVersion: trunkline.dev/v1alpha1\nkind: Trunk\n"
            f"metadata: {{name: {name}, namespace: acme}}\nspec: {{}}\n"
            for name in ("hq", "lab")
        )
    )
    (tmp_path / "number.yaml").write_text(number("+14155550100", "hq"))
    return Told(tmp_path)


def test_a_number_routes_only_to_a_trunk_that_there_is(told: Told) -> None:
    """As often as it is edited."""
    for trunk, verb in (("lab", "routes to"), ("gone", "names"), ("away", "names"), ("hq", "routes to")):
        (line,) = told.edit(number("+14155550100", trunk))
        assert line.startswith(f"Number acme/main-line now {verb} Trunk acme/{trunk}: ")
    (line,) = told.edit(number("+14155550100", ""))
    assert line.startswith("Number acme/main-line is now held: ")
