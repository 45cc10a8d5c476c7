"""Each command of README's pages, as it stands there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.pages import Block, blocks
from support.scenes import Scene, scene

BLOCKS = tuple(block for block in blocks() if block.scene == "readme")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("readme")) as found:
        yield found


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_does_what_its_page_says(place: Scene, block: Block) -> None:
    """In the order of the pages: later ones stand on earlier ones."""
    place.run(block)
