"""Kinds at which our own code fails when it decodes them."""

from __future__ import annotations

import sys

import pytest

from trunkline.api import AnyResource


def fail_at(patch: pytest.MonkeyPatch, kind: type[AnyResource], text: str) -> None:
    """From here on `decode` raises a RuntimeError with this text at every object of the kind."""
    decoding = sys.modules["trunkline.api.decode"]  # the package's `decode` is the function
    quickly = decoding.quickly

    def failing(which: type[AnyResource], content: object) -> AnyResource | None:
        if which is kind:
            raise RuntimeError(text)
        found: AnyResource | None = quickly(which, content)
        return found

    patch.setattr(decoding, "quickly", failing)
