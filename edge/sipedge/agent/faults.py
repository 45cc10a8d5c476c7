"""What is wrong right now, by topic: each topic holds its newest fault until it is healed."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


class Faults:
    """Faults in words. A new one is logged once, and so is its end."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def set(self, topic: str, text: str | None) -> None:
        """The fault of `topic` is now `text`; None = there is none."""
        if text == self._texts.get(topic):
            return
        if text is None:
            log.info("%s: healed", topic)
            del self._texts[topic]
        else:
            log.warning("%s: %s", topic, text)
            self._texts[topic] = text

    @property
    def text(self) -> str | None:
        """All faults in one line; None while there is none."""
        return "; ".join(self._texts.values()) or None
