"""One version in three spellings, in the same order in each."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version as Pep440

from release.commit import ROOT
from release.versions import Version, VersionError, version_of
from sipedge import __version__

COMMIT = "0123456789ab"
SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?"
)
"""As semver.org writes it."""
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
"""As the OCI distribution specification writes it."""


@pytest.mark.parametrize(
    ("declared", "tag", "expected"),
    (
        ("0.2.0", "v0.2.0", Version("0.2.0", "0.2.0", "0.2.0", True)),
        ("0.2.0rc1", "v0.2.0-rc.1", Version("0.2.0rc1", "0.2.0-rc.1", "0.2.0-rc.1", True)),
        (
            "0.2.0",
            None,
            Version(f"0.2.0.dev7+g{COMMIT}", f"0.2.0-dev.7+g{COMMIT}", f"0.2.0-dev.7_g{COMMIT}", False),
        ),
        (
            "0.2.0rc1",
            None,
            Version(f"0.2.0.dev7+g{COMMIT}", f"0.2.0-dev.7+g{COMMIT}", f"0.2.0-dev.7_g{COMMIT}", False),
        ),
    ),
)
def test_a_version_in_its_three_spellings(declared: str, tag: str | None, expected: Version) -> None:
    assert version_of(declared, tag, 7, COMMIT) == expected


@pytest.mark.parametrize(
    ("declared", "tag"),
    (("0.2.0", "v0.3.0"), ("0.2.0rc1", "v0.2.0"), ("0.2.0rc1", "v0.2.0rc1"), ("0.2", None)),
)
def test_a_tag_that_says_something_else_is_an_error(declared: str, tag: str | None) -> None:
    with pytest.raises(VersionError):
        version_of(declared, tag, 7, COMMIT)


NUMBERS = st.integers(0, 30)
VERSIONS = st.builds(
    lambda numbers, candidate, commits: (
        version_of(".".join(map(str, numbers)) + ("" if candidate is None else f"rc{candidate}"), *commits)
        if commits[0] is None
        else _released(numbers, candidate)
    ),
    st.tuples(NUMBERS, NUMBERS, NUMBERS),
    st.none() | NUMBERS,
    st.tuples(st.none() | st.just(""), NUMBERS, st.text("0123456789abcdef", min_size=12, max_size=12)),
)


@given(VERSIONS)
def test_each_spelling_is_one(version: Version) -> None:
    assert SEMVER.fullmatch(version.semantic)
    assert TAG.fullmatch(version.tag)
    assert str(Pep440(version.python)) == version.python


@given(VERSIONS, VERSIONS)
def test_the_order_is_the_same(one: Version, other: Version) -> None:
    """Build metadata plays no part by SemVer, so it does not here."""
    pep = _precedence(one.python), _precedence(other.python)
    assert (pep[0] < pep[1]) == (_semantic_order(one) < _semantic_order(other))


def test_the_chart_is_of_the_packages_version() -> None:
    chart = yaml.safe_load((ROOT / "charts" / "trunkline" / "Chart.yaml").read_text(encoding="utf-8"))
    declared = version_of(__version__, _tag(__version__), 0, COMMIT)
    assert (chart["version"], chart["appVersion"]) == (declared.semantic, declared.tag)


def _released(numbers: tuple[int, int, int], candidate: int | None) -> Version:
    declared = ".".join(map(str, numbers)) + ("" if candidate is None else f"rc{candidate}")
    return version_of(declared, _tag(declared), 0, COMMIT)


def _tag(declared: str) -> str:
    return "v" + declared.replace("rc", "-rc.")


def _precedence(python: str) -> Pep440:
    return Pep440(python.partition("+")[0])


def _semantic_order(version: Version) -> tuple[object, ...]:
    """By section 11 of SemVer: a version without a pre-release follows all that have one."""
    core, _, rest = version.semantic.partition("+")[0].partition("-")
    parts = tuple((0, int(each), "") if each.isdigit() else (1, 0, each) for each in rest.split("."))
    return (*map(int, core.split(".")), rest == "", parts if rest else ())
