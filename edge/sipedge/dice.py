"""Chance that spreads load and guards nothing: of back-offs, and of who begins when."""

from __future__ import annotations

import random
from typing import Final

DICE: Final = random.Random()  # noqa: S311
"""Apart from those that Python's modules share, whose state whoever runs beside it may have set."""
