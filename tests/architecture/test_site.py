"""The documentation as a site: it builds without a warning, and what is generated is up to date."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import reference
import site_pages
from support.pages import Block, blocks, blocks_of

ROOT = Path(__file__).parents[2]
BLOCKS = tuple(blocks())
SCENES = {"guides", "readme", "quickstart"}
"""Those that tests/guides plays."""


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """A link between pages that leads nowhere is one, and so is an anchor."""
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert (tmp_path / "site" / "search" / "search_index.json").stat().st_size > 100_000
    home = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert 'href="quickstart.html"' in home


@pytest.mark.parametrize("page", sorted(reference.pages()))
def test_the_reference_is_up_to_date(page: str) -> None:
    kept = (reference.FOLDER / page).read_text(encoding="utf-8")
    assert kept == reference.pages()[page], f"docs/reference/{page} is not up to date: run `make reference`"


def test_the_reference_has_no_page_too_many() -> None:
    assert {path.name for path in reference.FOLDER.glob("*")} == set(reference.pages())


@pytest.mark.parametrize(
    ("text", "wanted"),
    (
        ("see [media](media.md#codecs)", "see [media](media.md#codecs)"),
        ("see [start](../README.md)", "see [start](index.md)"),
        ("see [guides](guides)", "see [guides](guides/README.md)"),
        (
            "see [the test](../tests/README.md)",
            "see [the test](https://git.example/t/blob/main/tests/README.md)",
        ),
        ("see [RFC](https://example.org/1)", "see [RFC](https://example.org/1)"),
        ("see [below](#ports)", "see [below](#ports)"),
        ("```yaml\n[a](../README.md)\n```", "```yaml\n[a](../README.md)\n```"),
    ),
)
def test_links_of_the_repository_become_links_of_the_site(text: str, wanted: str) -> None:
    known = {
        "README.md": "index.md",
        "docs/media.md": "media.md",
        "docs/guides/README.md": "guides/README.md",
    }
    assert (
        site_pages.with_links(text, "docs/limits.md", "limits.md", known, "https://git.example/t") == wanted
    )
    plain = site_pages.with_links("[t](../tests/README.md)", "docs/limits.md", "limits.md", known, "")
    assert plain == "t"


# ------------------------------------------------------------------------------- commands of pages


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_of_commands_is_run_or_says_why_not(block: Block) -> None:
    """There is no third kind. The comment stands on the line before the block."""
    assert block.mark is not None, f"{block.name}: write <!-- run: ... --> or <!-- not run here: why -->"
    assert block.scene in SCENES | {""}


def test_both_kinds_are_there() -> None:
    """The pages are looked at, not an empty folder."""
    run = [block.name for block in BLOCKS if block.scene]
    assert len(run) > 20
    assert len(BLOCKS) > len(run)


@pytest.mark.parametrize(
    ("before", "kind"),
    (
        ("<!-- run: guides -->\n", ("guides", "", "")),
        ("<!-- run: guides on asterisk-udp -->\n\n", ("guides", "asterisk-udp", "")),
        ('<!-- run: guides, until "Ready: " -->\n', ("guides", "", '"Ready: "')),
        ("<!-- run: guides, until 127.0.9.1:5060 -->\n", ("guides", "", "127.0.9.1:5060")),
        ("<!-- not run here: it needs a Teams tenant -->\n", ("", "", "")),
    ),
)
def test_marks_are_read(before: str, kind: tuple[str, str, str]) -> None:
    (block,) = blocks_of("page.md", f"# Title\n\n{before}```sh\ntrue\n```\n")
    assert block.mark is not None
    assert (block.scene, block.machine, block.until) == kind
    assert block.text == "true\n"


@pytest.mark.parametrize("before", ("", "text\n", "<!-- not run here: -->\n", "<!-- runs: guides -->\n"))
def test_what_is_no_mark_is_none(before: str) -> None:
    (block,) = blocks_of("page.md", f"{before}```sh\ntrue\n```\n")
    assert block.mark is None
