"""Mistakes that people make in manifests, forty and more: a whole platform that is right but for one of them.

Each is an edit of `GOOD`, and what must be said of it: object, field, and words of fault and mend.
"""

from __future__ import annotations

from typing import Final

from cli.good_platform import GOOD as GOOD
from cli.good_platform import Mistake as Mistake
from cli.mistakes_elsewhere import ELSEWHERE
from cli.mistakes_in_trunks import IN_TRUNKS

MISTAKES: Final = (*IN_TRUNKS, *ELSEWHERE)
