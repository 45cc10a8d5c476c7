"""One `trunkline up` for all tests that need edges."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.trunkline_platform import Platform, running_platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Ready when the first test begins; the tests leave it as it was."""
    with running_platform(tmp_path_factory.mktemp("cli")) as running:
        yield running
