"""What guides are run on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.asterisk import asterisk_root
from support.debian_root import NoRootError


@pytest.fixture(scope="module")
def root_of_asterisk() -> Path:
    try:
        return asterisk_root()
    except NoRootError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", autouse=True)
def is_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("pages are run in a network of their own, which root alone can make")
