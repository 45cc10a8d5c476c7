"""A new kind touches at most ten files that people write: a sample is applied to a copy and works there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLE: Final = Path(__file__).parent / "a_new_kind"
PATCH: Final = SAMPLE / "blocked-caller.patch"
MOST_FILES: Final = 10
PRODUCT: Final = ("operator", "edge", "crds", "charts", "scripts", "deploy", "pyproject.toml")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product with the sample kind, its generated files made."""
    folder = tmp_path_factory.mktemp("copy")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *PRODUCT]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout
    packed = subprocess.run(
        ["tar", "--null", "-T", "-", "-cf", "-"], cwd=ROOT, input=names, check=True, capture_output=True
    )
    subprocess.run(["tar", "-xf", "-"], cwd=folder, input=packed.stdout, check=True)
    applied = subprocess.run(
        ["patch", "-p1", "--fuzz=3", "--no-backup-if-mismatch", f"--input={PATCH}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert applied.returncode == 0, f"the sample does not fit any more:\n{applied.stdout}"
    call(folder, "-m", "trunkline.api.crd", "--write", "crds")
    call(folder, "scripts/chart.py", "--write")
    return folder


def call(folder: Path, *arguments: str) -> str:
    """Python in the copy; its output."""
    places = [folder / "operator", folder / "edge", ROOT / "tests"]
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places)), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_touches_ten_files_at_most() -> None:
    """Each of them by hand: what is generated is not among them."""
    files = re.findall(r"^\+\+\+ b/(\S+)", PATCH.read_text(encoding="utf-8"), re.MULTILINE)
    assert 0 < len(files) <= MOST_FILES
    assert all(name.startswith(("operator/trunkline/", "edge/sipedge/")) for name in files)


def test_it_is_compiled_published_and_decided_by(copy: Path) -> None:
    """From a manifest to the answer to a call, through the parts of a published table."""
    assert call(copy, str(SAMPLE / "check.py")) == "as expected\n"


def test_the_crds_and_the_charts_roles_have_it(copy: Path) -> None:
    """By `make crds` and `make chart` alone."""
    assert (copy / "crds" / "blockedcallers.trunkline.dev.yaml").exists()
    kinds = (copy / "charts" / "trunkline" / "templates" / "_kinds.tpl").read_text(encoding="utf-8")
    tenant = next(line for line in kinds.splitlines() if "kinds.tenant" in line)
    assert "blockedcallers" in tenant


def test_the_watches_and_the_offline_check_have_it(copy: Path) -> None:
    """Whoever goes through all kinds meets it."""
    program = (
        "from trunkline.kube.paths import OURS; from trunkline.api import KINDS\n"
        "print('BlockedCaller' in OURS, 'BlockedCaller' in KINDS)"
    )
    assert call(copy, "-c", program) == "True True\n"


def test_its_layers_hold(copy: Path) -> None:
    """The import contracts, on the copy."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    assert "0 broken" in call(copy, "-c", program)
