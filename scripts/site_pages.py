"""What the site has beside docs/: pages from elsewhere, and links that fit. Hooks of MkDocs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).resolve().parent.parent
ELSEWHERE: Final = {
    "README.md": "index.md",
    "examples/quickstart/README.md": "quickstart.md",
    "charts/trunkline/README.md": "chart.md",
    "examples/gitops/README.md": "gitops.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""File of the repository -> its page on the site."""
DECISIONS: Final = "decisions/index.md"
_LINK: Final = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#]*)(#[^)\s]*)?\)")
_FENCE: Final = re.compile(r"(^ *```.*?^ *```$)", re.M | re.S)


def page_of(path: str, known: Mapping[str, str]) -> str | None:
    """The page of a file or folder of the repository, or None: it has none."""
    for each in (path, f"{path}/README.md", f"{path}/index.md"):
        if each in known:
            return known[each]
    return None


def with_links(text: str, source: str, own: str, known: Mapping[str, str], repository: str) -> str:
    """The page's text; links lead to pages of the site, or to the repository, or are plain text without one.

    `source`: its file in the repository; `own`: its page on the site.
    """

    def rewritten(found: re.Match[str]) -> str:
        shown, target, anchor = found[1], found[2], found[3] or ""
        if not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        path = os.path.normpath(os.path.join(os.path.dirname(source), target))
        page = page_of(path, known)
        if page is not None:
            return f"[{shown}]({os.path.relpath(page, os.path.dirname(own) or '.')}{anchor})"
        if (ROOT / path).exists() and path.startswith("docs/") and path.endswith(".md"):
            return found[0]
        return f"[{shown}]({repository}/blob/main/{path}{anchor})" if repository else shown

    parts = _FENCE.split(text)
    parts[::2] = [_LINK.sub(rewritten, part) for part in parts[::2]]
    return "".join(parts)


def decisions_page(titles: Mapping[str, str]) -> str:
    """All decision records, the newest first; `titles` by their file's name."""
    lines = [
        "# Decisions",
        "",
        "Why it is built this way. Records are not edited later; a newer one says what it replaces.",
        "",
    ]
    lines += [f"- {name[:10]}: [{title}]({name})" for name, title in sorted(titles.items(), reverse=True)]
    return "\n".join(lines) + "\n"


def _title(path: Path) -> str:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.lstrip("# ").strip()


# ------------------------------------------------------------------------------------- MkDocs asks these


def _known(files: Files) -> dict[str, str]:
    """File of the repository -> page, for all pages."""
    own = {f"docs/{file.src_uri}": file.src_uri for file in files.documentation_pages()}
    pages = {file.src_uri for file in files.documentation_pages()}
    moved = {path: page for path, page in ELSEWHERE.items() if page in pages}
    return {**own, **moved}


def on_files(files: Files, config: Any) -> Files:
    """Pages that lie elsewhere, and the list of decisions."""
    for path, page in ELSEWHERE.items():
        if (ROOT / path).exists():
            files.append(File.generated(config, page, content=(ROOT / path).read_text(encoding="utf-8")))
    records = list((ROOT / "docs" / "decisions").glob("2*.md"))
    text = decisions_page({path.name: _title(path) for path in records})
    files.append(File.generated(config, DECISIONS, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Links of each page."""
    own = page.file.src_uri
    source = next((path for path, name in ELSEWHERE.items() if name == own), f"docs/{own}")
    return with_links(markdown, source, own, _known(files), str(config.repo_url or "").rstrip("/"))
